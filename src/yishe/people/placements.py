"""Where a resident stands now: which centre and team answer, who is named, what the row shows of him."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, FilteredRelation, Q, QuerySet

from yishe.people.models import Resident, Subject
from yishe.policy.refusals import NotFound


@dataclass(frozen=True, slots=True)
class Placement:
    """`subject` is the resident's own; after a merge others are mapped to him too. `traits` are pack codes."""

    resident: UUID
    subject: UUID
    home: UUID
    centre: UUID
    team: UUID | None
    doctor: UUID | None
    social_worker: UUID | None
    neighbourhood_team: UUID | None
    workplace: UUID | None
    traits: tuple[str, ...]
    deceased_at: datetime | None
    moved_at: datetime | None
    merged_into: UUID | None

    @property
    def gone(self) -> bool:
        """Dead, moved away or merged into another record: nothing new is promised to this record."""
        return bool(self.deceased_at or self.moved_at or self.merged_into)


_COLUMNS = (
    "id",
    "own_subject__subject",
    "home",
    "centre_id",
    "active__team_id",
    "active__doctor_id",
    "active__social_worker_id",
    "neighbourhood__team_id",
    "workplace_id",
    "traits",
    "deceased_at",
    "moved_at",
    "merged_into_id",
)


def _rows(found: QuerySet[Resident]) -> list[Placement]:
    active = FilteredRelation("empanelments", condition=Q(empanelments__until=None))
    rows = found.annotate(active=active).values_list(*_COLUMNS)
    return [Placement(*(*row[:9], tuple(row[9]), *row[10:])) for row in rows]


def placement(resident_id: UUID) -> Placement | None:
    """One statement; None when there is no such resident."""
    return next(iter(_rows(Resident.objects.filter(id=resident_id))), None)


def placement_of_subject(subject: UUID) -> Placement | None:
    """The placement of whoever the subject is mapped to now: after a merge, of the survivor."""
    return next(iter(_rows(Resident.objects.filter(subjects__subject=subject))), None)


def placements(residents: list[UUID]) -> dict[UUID, Placement]:
    """Many at once, by resident, in one statement."""
    return {one.resident: one for one in _rows(Resident.objects.filter(id__in=residents))}


def placed(resident_id: UUID) -> Placement:
    """Like `placement`, but NotFound instead of None."""
    found = placement(resident_id)
    if found is None:
        raise NotFound("no_such_resident", "没有这位居民的档案：请重新搜索，或先建档。")
    return found


def subjects_of(resident_id: UUID) -> list[UUID]:
    """Every subject mapped to a resident: his own and those of records merged into his."""
    return list(Subject.objects.filter(resident=resident_id).values_list("subject", flat=True))


def residents_of(subjects: list[UUID]) -> dict[UUID, UUID]:
    """subject → resident it is mapped to now."""
    rows = Subject.objects.filter(subject__in=subjects).values_list("subject", F("resident"))
    return dict(rows)
