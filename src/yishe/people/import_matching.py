"""Is this row someone we know? Decided on keyed fingerprints alone, without opening a single record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q

from yishe.people import records
from yishe.people.models import Resident
from yishe.people.particulars import Particulars

CREATED, UPDATED, UNCHANGED, HELD, REJECTED = "created", "updated", "unchanged", "held", "rejected"
OUTCOMES = (CREATED, UPDATED, UNCHANGED, HELD, REJECTED)
MATCHED = "matched"
"""Someone we know; whether anything changes is seen when the record is opened."""


@dataclass(frozen=True, slots=True)
class Known:
    """A record as its fingerprints show it."""

    resident: UUID
    centre: UUID
    id_blind: bytes | None
    record_blind: bytes | None
    person_blind: bytes | None
    contact_blind: bytes | None
    row_blind: bytes | None
    deceased: bool = False
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Prints:
    """The fingerprints of one row."""

    id_blind: bytes | None
    record_blind: bytes | None
    person_blind: bytes | None
    contact_blind: bytes | None
    row_blind: bytes

    def blinds(self) -> dict[str, bytes | None]:
        """As columns of a resident."""
        return {name: getattr(self, name) for name in _BLINDS}


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: str
    known: Known | None = None
    column: str = ""
    reason: str = ""


def prints(centre: UUID, said: Particulars, denied: Iterable[str] = (), place: str = "") -> Prints:
    blinds = records.blinds(said.name, said.id_number, said.birth_date, said.phone, said.record_number)
    everything = {**said.said(), "denied": sorted(denied), "place": place}
    return Prints(**blinds, row_blind=records.row_blind(centre, everything))


_BLINDS = ("id_blind", "record_blind", "person_blind", "contact_blind", "row_blind")


@dataclass
class Index:
    """Records by fingerprint: those of the database a batch may meet, and those this run has made."""

    by: dict[str, dict[bytes, list[Known]]] = field(default_factory=lambda: {name: {} for name in _BLINDS})

    def add(self, known: Known) -> None:
        for name in _BLINDS:
            value = getattr(known, name)
            if value is not None:
                self.by[name].setdefault(value, []).append(known)

    def get(self, name: str, value: bytes | None) -> list[Known]:
        return self.by[name].get(value, []) if value is not None else []

    def discard(self, known: Known) -> None:
        for name in _BLINDS:
            value = getattr(known, name)
            if value is not None and known in self.by[name].get(value, ()):
                self.by[name][value].remove(known)


def load(wanted: Iterable[Prints]) -> Index:
    """The records in use that share any fingerprint with these rows; of merged ones, who they became."""
    index, seen, survivors = Index(), set(), set()
    wanted = list(wanted)
    for name in _BLINDS:
        values = {value for one in wanted if (value := getattr(one, name)) is not None}
        for row in _rows(Q(**{f"{name}__in": values})) if values else ():
            if row["own_subject__resident"] != row["id"]:
                survivors.add(row["own_subject__resident"])
                index.add(_known({**row, "id": row["own_subject__resident"]}))
            elif row["id"] not in seen:
                seen.add(row["id"])
                index.add(_known(row))
    for row in _rows(Q(id__in=survivors - seen)) if survivors - seen else ():
        index.add(_known(row))
    return index


def _rows(wanted: Q) -> Iterable[dict[str, Any]]:
    return Resident.objects.filter(wanted).values(
        "id", "centre_id", *_BLINDS, "deceased_at", "moved_at", "own_subject__resident"
    )


def _known(row: Mapping[str, Any]) -> Known:
    blinds = {name: bytes(row[name]) if row[name] is not None else None for name in _BLINDS}
    return Known(
        resident=row["id"],
        centre=row["centre_id"],
        deceased=row["deceased_at"] is not None,
        moved=row["moved_at"] is not None,
        **blinds,
    )


def decide(row: Prints, centre: UUID, indexes: Iterable[Index]) -> Verdict:
    """The rule: the same ID number is the same person; the same record number with the same name, too; the same
    name and birth date, or name and telephone, only perhaps, and a person must look."""
    indexes = tuple(indexes)

    def met(name: str) -> list[Known]:
        return [known for index in indexes for known in index.get(name, getattr(row, name))]

    again = next((known for known in met("row_blind")), None)
    if again:
        return Verdict(UNCHANGED, again)
    return (
        _by_id(row, centre, met("id_blind"))
        or _by_record(row, centre, met("record_blind"))
        or _by_person(row, centre, _near(row, centre, met("person_blind")))
        or _by_contact(_near(row, centre, met("contact_blind")))
        or Verdict(CREATED)
    )


def _by_id(row: Prints, centre: UUID, found: list[Known]) -> Verdict | None:
    if not found:
        return None
    same = next((known for known in found if known.person_blind == row.person_blind), None)
    if same is None:
        return Verdict(
            HELD, found[0], "id_number", "身份证号与已有档案相同，但姓名不同：请核对是改名还是号码抄错。"
        )
    return _usable(same, centre)


def _by_record(row: Prints, centre: UUID, found: list[Known]) -> Verdict | None:
    if not found:
        return None
    for known in found:
        same_name = (known.person_blind == row.person_blind and row.person_blind is not None) or (
            known.contact_blind == row.contact_blind and row.contact_blind is not None
        )
        ids_agree = row.id_blind is None or known.id_blind is None
        if same_name and ids_agree:
            return _usable(known, centre)
    return Verdict(
        HELD, found[0], "record_number", "档案号与已有档案相同，但姓名、生日或身份证号不同：请核对档案号。"
    )


def _usable(known: Known, centre: UUID) -> Verdict:
    if known.deceased:
        return Verdict(HELD, known, "name", "系统中已登记死亡：请核对；如属误登，先撤销死亡登记。")
    if known.moved:
        return Verdict(HELD, known, "name", "系统中已登记迁出：如已迁回，请确认为同一人。")
    if known.centre != centre:
        return Verdict(HELD, known, "id_number", "已在本区另一个中心建档：如已迁来，请确认为同一人。")
    return Verdict(MATCHED, known)


def _near(row: Prints, centre: UUID, found: list[Known]) -> list[Known]:
    """Namesakes of another centre are no question when both have ID numbers, and these differ."""
    return [one for one in found if one.centre == centre or row.id_blind is None or one.id_blind is None]


def _by_person(row: Prints, centre: UUID, found: list[Known]) -> Verdict | None:
    if not found:
        return None
    for known in found:
        both_without = row.id_blind is None and known.id_blind is None
        if both_without and known.contact_blind == row.contact_blind and row.contact_blind is not None:
            return _usable(known, centre)
    differs = row.id_blind is not None and all(known.id_blind for known in found)
    words = "身份证号不同" if differs else "有一方缺身份证号"
    return Verdict(
        HELD, found[0], "name", f"与已有档案同名且同一天出生，但{words}，可能重复：请确认是不是同一人。"
    )


def _by_contact(found: list[Known]) -> Verdict | None:
    if not found:
        return None
    return Verdict(
        HELD,
        found[0],
        "phone",
        "与已有档案同名且电话相同，但身份证号或出生日期不同或缺失，可能重复：请确认是不是同一人。",
    )
