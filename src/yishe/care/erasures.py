"""Erasure: on an approved request everything that leads to a person is let go of, for good, in one transaction.

What law obliges to keep is first put away under keys of its own until its date; the answer says so with date and law.
The ledger and the insert-only tables stay as they are, unreadable, and still verify. An older backup that is restored
brings nobody back: the tombstones are replayed.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from yishe.care import questionnaire_links, retention
from yishe.care.models import Held
from yishe.care.retention import Holding
from yishe.loops import acts, kinds, reading
from yishe.loops.models import Loop
from yishe.people import erasing
from yishe.people.actors import Actor
from yishe.people.models import Subject
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement, placement_of_subject, subjects_of
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.talk import outbox
from yishe.trust import access_log, commit, keys, tombstones
from yishe.trust.commit import Bundle
from yishe.trust.models import Erasure, SubjectKey
from yishe.trust.tombstones import Tombstone

KIND, ERASED = "rights.erasure", "erased"
ACTION = "rights.erase"


@dataclass(frozen=True)
class Review:
    """What approving would do: what stays sealed and until when, and what must be ended before."""

    where: Placement
    state: LoopState
    kept: Sequence[Holding]
    in_the_way: Sequence[LoopState]


def review(actor: Actor, loop_id: UUID, at: datetime) -> Review:
    """Look at a request before deciding. Whoever may see the loop; Conflict when it is no open request."""
    found = reading.detail(actor, loop_id, at)
    if found.state.kind != KIND:
        raise NotFound("no_erasure", "这不是删除申请：请从申请的页面打开。")
    where = placement_of_subject(found.state.subject)
    if where is None or not found.state.is_open:
        raise Conflict("erased_already", "这份申请已经办结：资料已删除，或已答复不予删除。")
    mine = reading.for_subjects(subjects_of(where.resident), only_open=True)
    others = [one for one in mine if one.id != loop_id]
    return Review(where, found.state, retention.holdings(where.resident, at), others)


def erase(actor: Actor, loop_id: UUID, *, seq: int, at: datetime, command_id: str) -> Sequence[Holding]:
    """Approve the request and erase; returns what stays sealed. Asked again with the same command it is done already.

    Refused: who is not its performer, who took the request down himself, while other promises to her are open (they
    are named), a request that moved on (409).
    """
    row = Loop.objects.filter(id=loop_id, kind=KIND).first()
    if row is not None and row.outcome == ERASED and Erasure.objects.filter(number=loop_id).exists():
        return []
    around = review(actor, loop_id, at)
    _may(actor, around)
    with commit.atomically():
        proof = {"type": "erasure", "id": str(loop_id)}
        acts.act(
            actor, "complete", loop_id, seq=seq, at=at, command_id=command_id, outcome=ERASED, proofs=[proof]
        )
        _let_go(actor, around.where.resident, around.kept, loop_id, at)
        transaction.on_commit(settle, robust=True)
    return around.kept


def _may(actor: Actor, around: Review) -> None:
    state = around.state
    if actor.staff_id != state.performer:
        raise Forbidden("not_yours", "删除由这份申请的复核人批准：请联系页面上“现在轮到”的人。")
    if actor.staff_id == state.sender:
        raise Forbidden("own_request", "登记申请的人不能自己复核：请转交另一位负责人批准。")
    if around.in_the_way:
        titles = "、".join(
            dict.fromkeys(str(kinds.opened_under(one.kind, one.pack).title) for one in around.in_the_way)
        )
        raise Conflict(
            "open_loops", f"还有 {len(around.in_the_way)} 件答应居民的事没有办完：{titles}。请先办结或撤回，再批准删除。",
            loops=[str(one.id) for one in around.in_the_way],
        )  # fmt: skip


def _let_go(actor: Actor, resident: UUID, kept: Sequence[Holding], number: UUID, at: datetime) -> None:
    """Inside a transaction: put away what must be kept, then forget everything that leads to the person."""
    bundle = Bundle()
    mapped = list(Subject.objects.filter(resident=resident))
    retention.seal(bundle, mapped, kept, number)
    erasing.forget(bundle, resident, at)
    questionnaire_links.forget([row.subject for row in mapped])
    subjects = [(row.home, row.subject) for row in mapped]
    said = [{"category": one.code, "until": one.until.isoformat()} for one in kept]
    tombstones.record(bundle, subjects, number=number, at=at, kept=said)
    access_log.line(bundle, home=mapped[0].home, actor=actor.staff_id, action=ACTION,
                    subjects=[row.subject for row in mapped], at=at)  # fmt: skip
    outbox.forget([row.subject for row in mapped], but=number)
    bundle.commit()


def settle() -> None:
    """What follows a committed erasure and may be done again (every day it is): keys in memory, the list outside, and
    the disk's own leftovers."""
    keys.forget()
    tombstones.write_out()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            cursor.execute(
                "VACUUM trust_subjectkey, people_subject, people_resident, people_searchtoken, care_held"
            )


def replay(actor: Actor, at: datetime) -> int:
    """Erase again whom a restored backup brought back; returns how many subjects. What law obliges to keep is put
    away anew from what the backup holds. Open promises end by their rule."""
    back = tombstones.waiting()
    for one in back:
        with commit.atomically():
            _again(actor, one, at)
    if back:
        transaction.on_commit(settle, robust=True)
    return len(back)


def _again(actor: Actor, one: Tombstone, at: datetime) -> None:
    where = placement_of_subject(one.subject)
    if where is not None:
        _let_go(actor, where.resident, retention.holdings(where.resident, at), one.number, one.at)
        return
    bundle = Bundle()
    tombstones.record(bundle, [(one.home, one.subject)], number=one.number, at=one.at, kept=[])
    Held.objects.filter(id=one.subject).delete()
    SubjectKey.objects.filter(subject=one.subject).delete()
    bundle.commit()


def due(actor: Actor, at: datetime) -> int:
    """Erase what was kept and whose date has come; returns how many categories."""
    today = at.astimezone(ZONE).date()
    ended = list(Held.objects.filter(until__lte=today))
    for held in ended:
        with commit.atomically():
            bundle = Bundle()
            tombstones.record(bundle, [(held.home, held.id)], number=held.number, at=at, kept=[])
            access_log.line(
                bundle, home=held.home, actor=actor.staff_id, action="rights.due", subjects=[held.id], at=at
            )
            SubjectKey.objects.filter(subject=held.id).delete()
            held.delete()
            bundle.commit()
    transaction.on_commit(settle, robust=True)
    return len(ended)


def answer(kept: Sequence[Holding]) -> list[str]:
    """What the resident is told, in words, with date and legal source."""
    lines = [
        "您的姓名、证件号、电话、住址和各项记录已删除，无法恢复；留下的统计数字认不出是您。",
    ]
    for one in kept:
        lines.append(
            f"{one.rule.title}（{len(one.entries)} 条）：依据{one.rule.law}，{one.rule.words}，"
            f"封存到 {one.until:%Y-%m-%d}，到期删除；封存期间除依法查询外不再使用。"
        )
    return lines if kept else [*lines, "没有依法必须继续保存的部分。"]


def open_held(actor: Actor, held_id: UUID, reason: str, at: datetime) -> dict[str, Any]:
    """What is kept, in the clear, on a lawful demand that `reason` names; leaves an access line."""
    held = Held.objects.filter(id=held_id).first()
    if held is None:
        raise NotFound("no_held", "没有这份封存材料：可能已到期删除。")
    if not reason.strip():
        raise Invalid("reason", "调阅封存材料要写明谁依据什么要求调阅。", field="reason")
    access_log.line(None, home=held.home, actor=actor.staff_id, action="rights.held", subjects=[held.id],
                    purpose=reason.strip(), at=at)  # fmt: skip
    return retention.opened(held)


def listed() -> list[dict[str, Any]]:
    """Every erasure, newest first, with what is still kept of it."""
    still = defaultdict(list)
    for held in Held.objects.order_by("until"):
        still[held.number].append(
            {"id": str(held.id), "category": held.category, "until": held.until.isoformat()}
        )
    numbers = dict[UUID, datetime]()
    for row in Erasure.objects.order_by("at"):
        numbers.setdefault(row.number, row.at)
    return [
        {"number": str(number), "at": at, "kept": still[number]} for number, at in reversed(numbers.items())
    ]
