"""Taking back what a workbook brought in: within the pack's time, by whoever brought it or an administrator, with a reason.

Nothing is deleted: each fact is followed by one that says it was entered in error, and what it had changed is as before. What
has been built upon since stays, and is listed with why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yishe.care import entries
from yishe.care.past_entries import IMPORT
from yishe.care.past_import import KINDS
from yishe.people import access, directory, packs
from yishe.people.actors import Actor
from yishe.people.import_matching import CREATED
from yishe.people.models import ImportRow, ImportRun
from yishe.people.staffing import ADMINISTRATOR
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound, Refused
from yishe.policy.sheets import Undoing
from yishe.trust import access_log, commit, ids, ledger
from yishe.trust.commit import Bundle

UNDONE = "import.undone"


@dataclass(frozen=True)
class Undone:
    """One row of the workbook: taken back, or why it stays. `hint` says what is left to a person."""

    sheet: str
    number: int
    resident: UUID
    refusal: str = ""
    hint: str = ""


def preview(actor: Actor, run: UUID, at: datetime) -> list[Undone]:
    """What `undo` would take back now and what would stay; nothing stays written. Raises as `undo`."""
    row = found(actor, run, at)
    with commit.rehearsed():
        return [_tried(actor, row, one, at) for one in _rows(row)]


def undo(actor: Actor, run: UUID, reason: str, at: datetime) -> list[Undone]:
    """Take back the rows of an import that nothing has been built upon, the last first; asked again, those that have become free
    since. NotFound, Forbidden, Conflict when its time is over, Invalid for a reason that is none."""
    row, reasons = found(actor, run, at), rule().reasons
    if reason not in reasons:
        known = "、".join(str(one) for one in reasons.values())
        raise Invalid("reason", f"撤销导入要选一个原因：{known}。", field="reason", possible=list(reasons))
    done = [_tried(actor, row, one, at) for one in _rows(row)]
    _written_down(actor, row, reason, [one for one in done if not one.refusal], at)
    return done


def _tried(actor: Actor, run: ImportRun, row: ImportRow, at: datetime) -> Undone:
    """One row, whole or not at all."""
    if row.resident_id is None:
        raise TypeError("a row that was taken in without a resident")
    try:
        with commit.atomically():
            hint = KINDS[run.kind].undo(row.made, entries.whose(row.resident_id), actor, at)
            ImportRow.objects.filter(id=row.id).update(undone_at=at)
    except Refused as refused:
        return Undone(row.sheet, row.number, row.resident_id, refused.title)
    except (commit.Stale, commit.Duplicate):
        return Undone(row.sheet, row.number, row.resident_id, "刚才有人在改这位居民的记录：请再撤销一次。")
    return Undone(row.sheet, row.number, row.resident_id, hint=hint)


def _written_down(actor: Actor, run: ImportRun, reason: str, done: Iterable[Undone], at: datetime) -> None:
    """That it was taken back, why, and how much: in the ledger, once for each act."""
    subjects = [entries.whose(one.resident).subject for one in done]
    if not subjects:
        return
    bundle = Bundle()
    data = {"run": str(run.id), "reason": reason, "rows": len(subjects)}
    ledger.append(
        bundle, ledger.Head(), home=run.home, stream=ids.new(), kind=UNDONE, actor=actor.staff_id, at=at,
        pack=packs.in_force().sha256, data=data,
    )  # fmt: skip
    access_log.deed(
        bundle, home=run.home, actor=actor.staff_id, action=UNDONE, subjects=sorted(set(subjects)), relation="",
        purpose=reason, at=at,
    )  # fmt: skip
    bundle.commit()


# Readers


def found(actor: Actor, run: UUID, at: datetime) -> ImportRun:
    """An import that this person may take back now. Raises as `undo`."""
    row = ImportRun.objects.filter(id=run, dry_run=False, kind__in=list(KINDS)).first()
    if row is None:
        raise NotFound("no_import", "没有这次导入：请从“导入”页面的列表里打开。")
    access.require_in_organisation(actor, IMPORT, row.home, at)
    if not _his(actor, row, at):
        who = directory.current().people.get(row.actor)
        name = who.name if who else "导入的人"
        raise Forbidden("not_yours", f"这次导入由{name}做：请本人或管理员撤销。")
    within = rule().within
    if at > row.started_at + within.exact():
        raise Conflict("undo_over", f"导入已超过 {within.zh}，不能再整批撤销：请在居民页面逐条更正。")
    return row


def recent(actor: Actor, centre: UUID, at: datetime) -> list[ImportRun]:
    """The imports of a centre that this person may take back now, the newest first; none without the right to take in."""
    undoing = packs.in_force().imports.undo
    if undoing is None or centre not in access.organisations(actor, IMPORT, at):
        return []
    since = at - undoing.within.exact()
    rows = ImportRun.objects.filter(home=centre, dry_run=False, kind__in=list(KINDS), started_at__gte=since)
    having = rows.filter(lines__outcome=CREATED, lines__undone_at=None).distinct()
    return [one for one in having.order_by("-started_at", "-id") if _his(actor, one, at)]


def _his(actor: Actor, row: ImportRun, at: datetime) -> bool:
    mine = actor.is_system or actor.staff_id == row.actor
    return mine or ADMINISTRATOR in actor.member.duties(at)


def _rows(run: ImportRun) -> list[ImportRow]:
    rows = run.lines.filter(outcome=CREATED, undone_at=None)
    return list(rows.order_by("-id"))


def rule() -> Undoing:
    """What the pack says of taking back. Invalid when it says nothing."""
    undoing = packs.in_force().imports.undo
    if undoing is None:
        raise Invalid("no_undo", "政策包没有撤销导入的规定：请管理员补上 imports.yaml 的 undo。")
    return undoing
