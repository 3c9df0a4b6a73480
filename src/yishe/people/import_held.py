"""Rows that wait for a person to look: the same person, or a new one?"""

import json
from collections.abc import Collection
from dataclasses import fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.people import access, import_matching, import_writing, residents
from yishe.people.actors import Actor
from yishe.people.import_headers import Line
from yishe.people.import_matching import HELD
from yishe.people.import_report import Done, Report
from yishe.people.import_rows import Read
from yishe.people.models import ImportRow, ImportRun, Resident
from yishe.people.particulars import Particulars
from yishe.people.placements import placed
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import commit, ids, keys
from yishe.trust.commit import Bundle

SAME, NEW = "same", "new"
IMPORT = "people.import"
PLACE = "people.importrow.cells"


def begin(actor: Actor, report: Report, at: datetime) -> UUID:
    """Store that a run has begun, with a key of its own; it is `report.run` from now on."""
    bundle, subject, run = Bundle(), ids.random(), ids.new()
    home = report.centre
    keys.new_subject(bundle, home, subject)
    with commit.atomically():
        bundle.commit()
        ImportRun.objects.create(
            id=run,
            home=home,
            actor=actor.staff_id,
            subject=subject,
            file_name=report.file_name[:200],
            sha256=report.sha256,
            kind=report.kind,
            dry_run=report.dry_run,
            started_at=at,
        )
    report.run = run
    return run


def keep(actor: Actor, report: Report, at: datetime) -> None:
    """Store how the run went, and of held rows what they said, sealed under the run's key."""
    run = ImportRun.objects.get(id=report.run or begin(actor, report, at))
    wrapped = keys.wrapped_key(run.subject)
    with commit.atomically():
        ImportRun.objects.filter(id=run.id).update(counts=report.counts, finished_at=at)
        rows = [
            _row(run.id, run.home, run.subject, wrapped, one) for one in report.done if one.outcome == HELD
        ]
        ImportRow.objects.bulk_create(rows, batch_size=500)


def took(run: UUID, one: Done, made: dict[str, Any]) -> None:
    """Store what a row became, in the caller's transaction."""
    ImportRow.objects.create(
        run_id=run, sheet=one.line.sheet[:80], number=one.line.number, outcome=one.outcome, resident_id=one.resident,
        made=made,
    )  # fmt: skip


def _row(run: UUID, home: UUID, subject: UUID, wrapped: bytes, one: Done) -> ImportRow:
    return ImportRow(
        run_id=run,
        sheet=one.line.sheet[:80],
        number=one.line.number,
        outcome=one.outcome,
        column=one.column[:60],
        reason=one.reason[:300],
        candidate_id=one.candidate,
        cells_sealed=keys.seal(home, subject, wrapped, _written(one.read), PLACE) if one.read else None,
    )


def _written(read: Read) -> str:
    said = {
        name: str(v) if isinstance(v, UUID | date) else v
        for name, v in (read.said or Particulars()).said().items()
    }
    return json.dumps({"centre": str(read.centre), "said": said, "denied": sorted(read.denied)})


def waiting(actor: Actor, centre: UUID, at: datetime) -> list[ImportRow]:
    """The centre's held rows nobody has decided yet, oldest first."""
    access.require_in_organisation(actor, IMPORT, centre, at)
    open_rows = ImportRow.objects.filter(run__home=centre, outcome=HELD, resolved_at=None)
    return list(open_rows.exclude(cells_sealed=None).select_related("run").order_by("id"))


def opened(row: ImportRow) -> Particulars:
    """What a held row said, in the clear; showing it leaves an access line by the caller."""
    return _read(row).said or Particulars()


def forget(residents: Collection[UUID], about: Collection[Particulars]) -> None:
    """Empty what waiting rows say of people who are erased: rows tied to them, and rows that say who they are."""
    waiting_rows = ImportRow.objects.exclude(cells_sealed=None).select_related("run")
    theirs = {
        row.id
        for row in waiting_rows
        if {row.resident_id, row.candidate_id} & set(residents)
        or any(_means(opened(row), one) for one in about)
    }
    ImportRow.objects.filter(id__in=theirs).update(cells_sealed=None, candidate=None)


def _means(said: Particulars, one: Particulars) -> bool:
    """Whether a row speaks of this person: the same ID number, or the same name with nothing against it."""
    if said.id_number and one.id_number:
        return said.id_number == one.id_number
    agree = (said.phone == one.phone, said.birth_date == one.birth_date)
    return bool(said.name) and said.name == one.name and any(agree)


def _read(row: ImportRow) -> Read:
    run = row.run
    if row.cells_sealed is None:
        raise Conflict("resolved", "这一行已经处理过了：请刷新。")
    wrapped = keys.wrapped_key(run.subject)
    kept = json.loads(keys.unseal(run.home, run.subject, wrapped, bytes(row.cells_sealed), PLACE))
    said = {name: _value(name, value) for name, value in kept["said"].items()}
    line = Line(row.sheet, row.number, [])
    return Read(line, UUID(kept["centre"]), Particulars(**said), frozenset(kept["denied"]))


_IDS = {field.name for field in fields(Particulars) if "UUID" in str(field.type)}


def _value(name: str, value: Any) -> Any:
    if name in _IDS:
        return UUID(value)
    if name == "birth_date":
        return date.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def resolve(actor: Actor, row_id: int, answer: str, at: datetime, *, resident: UUID | None = None) -> UUID:
    """Decide a held row: `same` person as the candidate (or as `resident`), or a `new` one. Returns the resident."""
    if answer not in (SAME, NEW):
        raise Invalid("unknown_answer", "请选择“同一人”或“新居民”。")
    row = ImportRow.objects.filter(id=row_id, outcome=HELD).select_related("run").first()
    if row is None:
        raise NotFound("no_row", "没有这一行：可能已被清理，请重新导入。")
    access.require_in_organisation(actor, IMPORT, row.run.home, at)
    if row.resolved_at:
        raise Conflict("resolved", "另一位同事已经处理了这一行：请刷新。")
    read = _read(row)
    with commit.atomically():
        same = resident or row.candidate_id
        found = _as_new(actor, read, at) if answer == NEW else _as_same(actor, read, same, at)
        hit = ImportRow.objects.filter(id=row_id, resolved_at=None).update(
            resolved_at=at, resolved_as=answer, resident=found, cells_sealed=None
        )
        if not hit:
            raise Conflict("resolved", "另一位同事已经处理了这一行：请刷新。")
    return found


def _as_new(actor: Actor, read: Read, at: datetime) -> UUID:
    said = read.said or Particulars()
    made = residents.register(actor, said.said(), at, centre=read.centre, source=import_writing.SOURCE)
    _remember(made.resident, read)
    return made.resident


def _as_same(actor: Actor, read: Read, resident: UUID | None, at: datetime) -> UUID:
    if resident is None:
        raise Invalid("no_candidate", "请先选择它与哪一份档案是同一人。")
    stands = placed(resident)
    if stands.merged_into:
        return _as_same(actor, read, stands.merged_into, at)
    if stands.moved_at or stands.deceased_at:
        residents.revive(actor, resident, at)
    if stands.centre != read.centre:
        residents.move(actor, resident, at, centre=read.centre, neighbourhood=None)
    said = (read.said or Particulars()).said()
    answering = {key: said.pop(key, None) for key in ("team", "doctor", "social_worker")}
    before = import_writing.open_all([resident])[resident].before
    said["traits"] = tuple((set(before.traits) | set(said.get("traits", ()))) - read.denied)
    said["allergies"] = tuple(set(before.allergies) | set(said.get("allergies", ())))
    residents.amend(actor, resident, said, at)
    if answering["team"]:
        team = answering.pop("team")
        residents.empanel(actor, resident, team, at, **answering, source=import_writing.SOURCE)
    _remember(resident, read)
    return resident


def _remember(resident: UUID, read: Read) -> None:
    marks = import_matching.prints(read.centre, read.said or Particulars(), read.denied)
    Resident.objects.filter(id=resident).update(row_blind=marks.row_blind)
