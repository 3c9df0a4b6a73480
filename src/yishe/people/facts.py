"""What rules ask of many at once: birth dates and traits, without opening a name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.people.models import Resident, Subject
from yishe.trust.scoping import everybody

CHUNK = 5000
_COLUMNS = (
    "id", "birth_date", "traits", "deceased_at", "moved_at", "erased_at", "updated_at", "sex", "home",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """`traits` are sorted; `gone` says that she died, moved or was erased; `updated_at` when any of it was last written. `subject`
    is her own; `merged` says that others are hers too."""

    birth_date: date | None
    traits: tuple[str, ...]
    gone: bool
    updated_at: datetime
    sex: str
    home: UUID
    resident: UUID
    subject: UUID
    merged: bool

    def age(self, on: date) -> int | None:
        """Full years on that day."""
        born = self.birth_date
        return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _mapping() -> QuerySet[Any]:
    return Subject.objects.values_list("subject", "resident", "origin")


def of(subjects: Iterable[UUID]) -> dict[UUID, Known]:
    """subject → what is known of whoever it is mapped to now; who was erased is left out."""
    wanted = set(subjects)
    whose = set(_mapping().filter(subject__in=wanted).values_list("resident", flat=True))
    found = _mapped(list(_mapping().filter(resident__in=whose)), Resident.objects.filter(id__in=whose))
    return {subject: one for subject, one in found.items() if subject in wanted}


def of_everybody(why: str) -> dict[UUID, Known]:
    """The same of everybody there is, in two statements; a merge counts as a writing."""
    return _mapped(list(_mapping()), everybody(Resident, why))


def stirred(why: str, since: datetime, birthdays: Iterable[date]) -> QuerySet[Any]:
    """Subjects of whom anything of this was written since then, or whose birthday is one of these days; to be asked within another
    query."""
    grown = Q()
    for day in birthdays:
        grown |= Q(birth_date__month=day.month, birth_date__day=day.day)
        if (day.month, day.day) == (3, 1):  # who was born on 29 February grows older today
            grown |= Q(birth_date__month=2, birth_date__day=29)
    rows = everybody(Resident, why).filter(Q(updated_at__gte=since) | grown).values("id")
    merged = Subject.objects.filter(origin__in=rows).values("resident")
    return Subject.objects.filter(Q(resident__in=rows) | Q(resident__in=merged)).values("subject")


def _mapped(found: list[tuple[UUID, UUID, UUID]], rows: QuerySet[Resident]) -> dict[UUID, Known]:
    read = {row[0]: row for row in rows.values_list(*_COLUMNS).iterator(chunk_size=CHUNK)}
    own = {resident: subject for subject, resident, origin in found if resident == origin}
    several = {resident for _, resident, origin in found if resident != origin}
    people = {
        resident: _known(row, own[resident], merged=resident in several)
        for resident, row in read.items()
        if resident in own
    }
    mapped = {}
    for subject, resident, origin in found:
        if resident in people:
            known = people[resident]
            written = read[origin][6] if origin in read else known.updated_at
            mapped[subject] = replace(known, updated_at=written) if written > known.updated_at else known
    return mapped


def _known(row: Any, subject: UUID, *, merged: bool) -> Known:
    resident, born, traits, died, moved, erased, updated, sex, home = row
    gone = bool(died or moved or erased)
    return Known(born, tuple(sorted(traits)), gone, updated, sex, home, resident, subject, merged)
