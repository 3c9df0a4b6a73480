"""What rules ask of many at once: birth dates and traits, without opening a name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from yishe.people.models import Resident, Subject
from yishe.trust.scoping import everybody

CHUNK = 5000
_COLUMNS = ("id", "birth_date", "traits", "deceased_at", "moved_at", "erased_at", "updated_at")


@dataclass(frozen=True, slots=True)
class Known:
    """`traits` are sorted; `gone` says that she died, moved or was erased; `updated_at` when any of it was last written."""

    birth_date: date | None
    traits: tuple[str, ...]
    gone: bool
    updated_at: datetime

    def age(self, on: date) -> int | None:
        """Full years on that day."""
        born = self.birth_date
        return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _mapping() -> QuerySet[Any]:
    return Subject.objects.values_list("subject", "resident", "origin")


def of(subjects: Iterable[UUID]) -> dict[UUID, Known]:
    """subject → what is known of whoever it is mapped to now; who was erased is left out."""
    found = list(_mapping().filter(subject__in=list(subjects)))
    return _mapped(found, Resident.objects.filter(id__in={resident for _, resident, _ in found}))


def of_everybody(why: str) -> dict[UUID, Known]:
    """The same of everybody there is, in two statements; a merge counts as a writing."""
    return _mapped(list(_mapping()), everybody(Resident, why))


def _mapped(found: list[tuple[UUID, UUID, UUID]], rows: QuerySet[Resident]) -> dict[UUID, Known]:
    people = {row[0]: _known(row) for row in rows.values_list(*_COLUMNS).iterator(chunk_size=CHUNK)}
    mapped = {}
    for subject, resident, origin in found:
        if resident in people:
            known, born_as = people[resident], people.get(origin)
            merged = born_as is not None and born_as.updated_at > known.updated_at
            mapped[subject] = replace(known, updated_at=born_as.updated_at) if born_as and merged else known
    return mapped


def _known(row: Any) -> Known:
    _, born, traits, died, moved, erased, updated = row
    return Known(born, tuple(sorted(traits)), bool(died or moved or erased), updated)
