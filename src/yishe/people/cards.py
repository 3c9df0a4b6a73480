"""What a list shows of a resident: opened, masked, and nothing more than needed to recognise him."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from yishe.people import records
from yishe.people.models import Resident
from yishe.people.placements import Placement, is_protected
from yishe.trust.models import SubjectKey


@dataclass(frozen=True, slots=True)
class Card:
    """`masked_name` 张＊丽, `id_tail` and `phone_masked` show the last four. `name` and `phone` are in the clear:
    showing them is the caller's decision and leaves an access line."""

    resident: UUID
    subject: UUID
    centre: UUID
    name: str
    sex: str
    birth_date: date | None
    id_tail: str
    phone: str
    traits: tuple[str, ...]
    allergies: tuple[str, ...]
    team: UUID | None
    doctor: UUID | None
    social_worker: UUID | None
    address: str
    household: str
    neighbourhood: UUID | None
    record_number: str
    deceased_at: datetime | None
    moved_at: datetime | None
    merged_into: UUID | None
    id_number: str
    protected: bool = False

    @property
    def neighbourhood_team(self) -> None:
        """Not read for a card."""

    @property
    def masked_name(self) -> str:
        return mask_name(self.name)

    @property
    def phone_masked(self) -> str:
        return mask_tail(self.phone)

    @property
    def id_masked(self) -> str:
        return mask_tail(self.id_number)

    def age(self, on: date) -> int | None:
        """Full years on that day."""
        born = self.birth_date
        return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def mask_name(name: str) -> str:
    """The first character, and the last of three or more: 张＊, 张＊丽, 欧＊＊娜."""
    if len(name) <= 1:
        return name
    if len(name) == 2:
        return name[0] + "＊"
    return name[0] + "＊" * (len(name) - 2) + name[-1]


def mask_tail(text: str) -> str:
    return "＊" * (len(text) - 4) + text[-4:] if len(text) > 4 else text


_COLUMNS = (
    "id", "own_subject__subject", "home", "wrapped", "centre_id", "sex", "birth_date", "traits", "allergies", "active__team_id",
    "active__doctor_id", "active__social_worker_id", "household__code", "neighbourhood_id", "deceased_at",
    "moved_at", "merged_into_id", "protected_at", *(f"{field}_sealed" for field in records.SEALED),
)  # fmt: skip


def opened(found: QuerySet[Resident]) -> list[Card]:
    """The cards of a queryset in its order: one statement, then decryption."""
    return of_rows(asked(found))


def asked(found: QuerySet[Resident]) -> QuerySet[Any, Any]:
    """What a card is made of, of each of a query."""
    return _rows(found).values_list(*_COLUMNS)


def of_rows(rows: Iterable[tuple[Any, ...]]) -> list[Card]:
    """The cards of what `asked` found, in its order."""
    told = (dict(zip(_COLUMNS, row, strict=True)) for row in rows)
    return [_card(row) for row in told if row["wrapped"] is not None]


def _rows(found: QuerySet[Resident]) -> QuerySet[Resident]:
    wrapped = SubjectKey.objects.filter(subject=OuterRef("own_subject__subject")).values("wrapped")
    active = FilteredRelation("empanelments", condition=Q(empanelments__until=None))
    return found.annotate(active=active, wrapped=Subquery(wrapped))


def _card(row: dict[str, Any]) -> Card:
    home, subject, wrapped = row["home"], row["own_subject__subject"], bytes(row["wrapped"])
    clear = {
        field: records.unseal(home, subject, wrapped, field, row[f"{field}_sealed"])
        for field in records.SEALED
    }
    return Card(
        resident=row["id"],
        subject=subject,
        centre=row["centre_id"],
        name=clear["name"],
        sex=row["sex"],
        birth_date=row["birth_date"],
        id_tail=clear["id_number"][-4:],
        phone=clear["phone"],
        traits=tuple(row["traits"]),
        allergies=tuple(row["allergies"]),
        team=row["active__team_id"],
        doctor=row["active__doctor_id"],
        social_worker=row["active__social_worker_id"],
        address=clear["address"],
        household=row["household__code"] or "",
        neighbourhood=row["neighbourhood_id"],
        record_number=clear["record_number"],
        deceased_at=row["deceased_at"],
        moved_at=row["moved_at"],
        merged_into=row["merged_into_id"],
        id_number=clear["id_number"],
        protected=is_protected(row["protected_at"], row["traits"]),
    )


def of(row: Resident, placement: Placement, wrapped: bytes, household: str) -> Card:
    """The card of a resident that was read already."""
    told = {name: getattr(row, name) for name in _COLUMNS if hasattr(row, name)}
    return _card(
        {
            **told, "own_subject__subject": placement.subject, "wrapped": wrapped, "household__code": household,
            "active__team_id": placement.team, "active__doctor_id": placement.doctor,
            "active__social_worker_id": placement.social_worker,
        }
    )  # fmt: skip


def cards(subjects: Iterable[UUID]) -> dict[UUID, Card]:
    """subject → card of whoever it is mapped to now. One statement for all."""
    wanted = list(dict.fromkeys(subjects))
    if not wanted:
        return {}
    found = Resident.objects.annotate(asked=F("subjects__subject")).filter(asked__in=wanted)
    rows = _rows(found).values("asked", *_COLUMNS)
    return {row["asked"]: _card(row) for row in rows if row["wrapped"] is not None}
