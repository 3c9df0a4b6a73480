"""Where a resident stands now: which centre and team answer, who is named, what the row shows of him."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F, FilteredRelation, Model, Q, QuerySet

from yishe.people import actors, packs
from yishe.people.actors import Actor
from yishe.people.models import Resident, Subject
from yishe.policy.refusals import NotFound
from yishe.trust import quick
from yishe.trust.columns import of as columns_of

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Placement:
    """`subject` is the resident's own; after a merge others are mapped to him too. `traits` are pack codes.
    `protected`: his whereabouts are kept from all but those who answer for him (`people.protections`)."""

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
    protected: bool = False

    @property
    def gone(self) -> bool:
        """Dead, moved away or merged into another record: nothing new is promised to this record."""
        return bool(self.deceased_at or self.moved_at or self.merged_into)


Keyed = tuple[Placement, bytes | None]
"""Where somebody stands, and the wrapped key that seals words about him."""


def is_protected(protected_at: datetime | None, traits: Iterable[str]) -> bool:
    """Whether a row is that of a protected person: by the verb, or by a trait of the pack."""
    if protected_at is not None:
        return True
    rule = packs.in_force().access.protection
    return rule is not None and not set(rule.traits).isdisjoint(traits)


def of_matter(home: UUID, centre: UUID, subject: UUID) -> Placement:
    """Where something stands that is about no resident: `subject` is its own and mapped to nobody."""
    return Placement(
        resident=subject, subject=subject, home=home, centre=centre, team=None, doctor=None, social_worker=None,
        neighbourhood_team=None, workplace=None, traits=(), deceased_at=None, moved_at=None, merged_into=None,
    )  # fmt: skip


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
    "protected_at",
)


def _rows(found: QuerySet[Resident]) -> list[Placement]:
    active = FilteredRelation("empanelments", condition=Q(empanelments__until=None))
    rows = found.annotate(active=active).values_list(*_COLUMNS)
    return [Placement(*(*row[:9], tuple(row[9]), *row[10:13], is_protected(row[13], row[9]))) for row in rows]


def placement(resident_id: UUID) -> Placement | None:
    """One statement; None when there is no such resident. A merged record takes a second."""
    found = _one(_OWN, resident_id)
    return found[0] if found else _merged(resident_id)


@cache
def _one_sql(where: str) -> str:
    return f"""
        SELECT o.subject, e.team_id, e.doctor_id, e.social_worker_id, n.team_id, k.wrapped,
               r.id, r.home, r.centre_id, r.workplace_id, r.traits, r.deceased_at, r.moved_at, r.merged_into_id, r.protected_at,
               s.subject
        FROM people_subject s
        JOIN people_resident r ON r.id = s.resident_id
        JOIN people_subject o ON o.origin_id = r.id
        LEFT JOIN people_empanelment e ON e.resident_id = r.id AND e.until IS NULL
        LEFT JOIN people_neighbourhood n ON n.id = r.neighbourhood_id
        LEFT JOIN trust_subjectkey k ON k.subject = o.subject
        WHERE {where}"""


def _one(where: str, value: UUID) -> Keyed | None:
    """The placement and its own subject's wrapped key, by a fixed statement: every promise walks here."""
    rows = quick.rows(_one_sql(where), [value])
    return _keyed(rows[0]) if rows else None


def _keyed(row: Sequence[Any]) -> Keyed:
    own, team, doctor, social_worker, neighbourhood, key, resident, home, centre, workplace, *rest = row
    kept, died, moved, merged, protected, _ = rest
    traits = tuple(columns_of(Resident)["traits"].read(kept))
    uid, moment = quick.uid, quick.moment_or_none
    found = Placement(
        quick.known(resident), quick.known(own), quick.known(home), quick.known(centre), uid(team), uid(doctor),
        uid(social_worker), uid(neighbourhood), uid(workplace), traits, moment(died), moment(moved), uid(merged),
        is_protected(moment(protected), traits),
    )  # fmt: skip
    return found, bytes(key) if key is not None else None


def of_row(row: Resident, own: UUID, answering: Iterable[Any]) -> Placement:
    """A placement from a resident's row, his own subject, and who answers: team, doctor, social worker, neighbourhood team."""
    team, doctor, social_worker, neighbourhood_team = (quick.uid(one) for one in answering)
    return Placement(
        row.id, own, row.home, row.centre_id, team, doctor, social_worker, neighbourhood_team, row.workplace_id,
        tuple(row.traits), row.deceased_at, row.moved_at, row.merged_into_id, is_protected(row.protected_at, row.traits),
    )  # fmt: skip


def placed_by(plaintext: str, resident_id: UUID, at: datetime) -> tuple[Actor, Keyed | None]:
    """Who bears this token, as `actors.for_token`, and in the same look where the resident stands, None where that takes
    another."""
    rows = quick.rows(actors.bearing(_one_sql(_OWN)), [*actors.bearer(plaintext, at), resident_id])
    actor = actors.borne(rows[0] if rows else (None, 0), at)
    found = rows[0][actors.BORNE :]
    return actor, _keyed(found) if found[0] is not None else None


def placed_with_key(resident_id: UUID) -> Keyed:
    """Where the resident stands, and the wrapped key that seals words about him. NotFound when unknown."""
    found = _one(_OWN, resident_id)
    if found is None:
        merged = _merged(resident_id)
        found = (merged, None) if merged else None
    if found is None:
        raise NotFound("no_such_resident", "没有这位居民的档案：请重新搜索，或先建档。")
    return found


_OWN = "s.resident_id = %s AND s.origin_id = r.id"


def _merged(resident_id: UUID) -> Placement | None:
    """A record merged away owns no subject that maps to itself any more; it still stands, as merged."""
    return next(iter(_rows(Resident.objects.filter(id=resident_id, erased_at=None))), None)


def placement_of_subject(subject: UUID) -> Placement | None:
    """The placement of whoever the subject is mapped to now: after a merge, of the survivor."""
    found = _one("s.subject = %s", subject)
    return found[0] if found else None


def standing(subjects: Sequence[UUID]) -> dict[UUID, Placement]:
    """subject → the placement of whoever it is mapped to now, as `placement_of_subject` tells of one; in one fixed statement that
    opens nothing sealed, for whoever looks at thousands."""
    if not subjects:
        return {}
    within, given = quick.among("s.subject", subjects)
    return {quick.known(row[-1]): _keyed(row)[0] for row in quick.rows(_one_sql(within), given)}


def placements(residents: list[UUID]) -> dict[UUID, Placement]:
    """Many at once, by resident, in one statement."""
    return {one.resident: one for one in _rows(Resident.objects.filter(id__in=residents, erased_at=None))}


def of_subjects(subjects: Sequence[UUID]) -> dict[UUID, Placement]:
    """subject → the placement of whoever it is mapped to now. Two statements."""
    whose = residents_of(list(subjects))
    found = placements(list(set(whose.values())))
    return {subject: found[resident] for subject, resident in whose.items() if resident in found}


def placed(resident_id: UUID) -> Placement:
    """Like `placement`, but NotFound instead of None."""
    found = placement(resident_id)
    if found is None:
        raise NotFound("no_such_resident", "没有这位居民的档案：请重新搜索，或先建档。")
    return found


def subjects_of(resident_id: UUID) -> list[UUID]:
    """Every subject mapped to a resident: his own and those of records merged into his."""
    return list(Subject.objects.filter(resident=resident_id).values_list("subject", flat=True))


def subjects_of_all(residents: Iterable[UUID]) -> dict[UUID, UUID]:
    """Every subject mapped to one of these residents, and to which."""
    rows = Subject.objects.filter(resident__in=set(residents)).values_list("subject", F("resident"))
    return dict(rows)


def mapped_with(subjects: QuerySet[Any]) -> QuerySet[Any]:
    """Every subject of whoever one of these (a query of subjects) is mapped to; to be asked within another query."""
    whose = Subject.objects.filter(subject__in=subjects).values("resident")
    return Subject.objects.filter(resident__in=whose).values("subject")


def present(subjects: Iterable[UUID]) -> set[UUID]:
    """Those whose resident lives here: not dead, moved away or erased."""
    here = Subject.objects.filter(subject__in=list(subjects), resident__erased_at=None)
    return set(
        here.filter(resident__deceased_at=None, resident__moved_at=None).values_list("subject", flat=True)
    )


def of_the_gone(rows: QuerySet[Row], only: Collection[UUID] | None = None) -> QuerySet[Row]:
    """Those of `rows` whose subject is nobody living here: dead, moved away or erased. `only` these subjects when they are named;
    then it costs what they have."""
    here = Subject.objects.filter(resident__deceased_at=None, resident__moved_at=None)
    if only is not None:
        rows, here = rows.filter(subject__in=only), here.filter(subject__in=only)
    return rows.exclude(subject__in=here.values("subject"))


def residents_of(subjects: list[UUID]) -> dict[UUID, UUID]:
    """subject → resident it is mapped to now."""
    rows = Subject.objects.filter(subject__in=subjects).values_list("subject", F("resident"))
    return dict(rows)
