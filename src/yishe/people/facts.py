"""What rules ask of everybody at once: birth dates and traits of a whole centre, without opening a name."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from yishe.people.models import Resident, Subject
from yishe.trust.scoping import everybody

CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Known:
    """`traits` are sorted; `gone` says that she died, moved or was erased."""

    birth_date: date | None
    traits: tuple[str, ...]
    gone: bool

    def age(self, on: date) -> int | None:
        """Full years on that day."""
        born = self.birth_date
        return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def of_everybody(subjects: Iterable[UUID], why: str) -> dict[UUID, Known]:
    """subject → what is known of whoever it is mapped to now; who was erased is left out. `why` everybody is read."""
    wanted = set(subjects)
    mapped = dict(Subject.objects.values_list("subject", "resident").iterator(chunk_size=CHUNK))
    columns = ("id", "birth_date", "traits", "deceased_at", "moved_at", "erased_at")
    rows = everybody(Resident, why).values_list(*columns).iterator(chunk_size=CHUNK)
    people = {
        one: Known(born, tuple(sorted(traits)), bool(died or moved or erased))
        for one, born, traits, died, moved, erased in rows
    }
    return {one: people[resident] for one, resident in mapped.items() if one in wanted and resident in people}
