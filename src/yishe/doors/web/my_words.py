"""What was promised, in words for the resident: who helps, what was said, until when, how it stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yishe.doors.web import faces, spoken
from yishe.doors.web.my_page import Mine
from yishe.loops import kinds
from yishe.people import packs
from yishe.policy.loop_state import LoopState

STANDS = {
    "requested": "已经收到，正在安排人",
    "seen": "已经收到，正在安排人",
    "asked": "等补充情况",
    "accepted": "已经有人接下",
    "in-progress": "正在办",
    "on-hold": "先等一等，到时候继续",
    "rejected": "没有接下，正在另外安排",
    "failed": "没有办成，正在另外安排",
    "cancelled": "停下了，正在确认",
    "completed": "办完了，等确认",
}
SENSITIVE = "一件当面谈的事"


@dataclass(frozen=True)
class Told:
    """One promise. `to_confirm`: she asked for it herself, so she says whether it is done."""

    id: UUID
    seq: int
    what: str
    who: str
    duty: str
    phone: str
    when: str
    how: str
    late: bool
    open: bool
    to_confirm: bool


def promises(mine: Mine, found: Iterable[LoopState], *, sensitive: bool) -> list[Told]:
    """The promises themselves, without their parts. Sensitive ones by no more than that there is one, or not at all."""
    shown = [one for one in found if one.parent is None and (sensitive or not one.sensitive)]
    return [_told(mine, one) for one in shown]


def _told(mine: Mine, one: LoopState) -> Told:
    performer, duty = mine.staff.people.get(one.performer), packs.in_force().duties.get(one.duty)
    asked = one.sender == mine.own.person
    return Told(
        id=one.id, seq=one.seq, what=_what(one), who=performer.name if performer else "",
        duty=str(duty.title) if duty else "", phone=faces.phone(mine, one.performer), when=_when(one, mine.now),
        how=_how(one), late=one.is_open and one.promised_by < mine.now, open=one.is_open,
        to_confirm=asked and one.is_open and one.state == "completed",
    )  # fmt: skip


def _what(one: LoopState) -> str:
    if one.sensitive:
        return SENSITIVE
    kind = kinds.opened_under(one.kind, one.pack)
    reason = kind.reasons.get(one.reason)
    return f"{kind.title}：{reason.title}" if reason else str(kind.title)


def _when(one: LoopState, now: datetime) -> str:
    if one.closed_at is not None:
        return f"{spoken.day(one.closed_at, now)}结束"
    return f"说好 {spoken.day(one.promised_by, now)} 之前"


def _how(one: LoopState) -> str:
    if one.is_open:
        return STANDS.get(one.state, "正在办")
    outcome = kinds.opened_under(one.kind, one.pack).outcomes.get(one.outcome)
    if one.closed_as == "served":
        return f"办好了：{outcome}" if outcome and not one.sensitive else "办好了"
    return "没有办成；需要时请告诉您的团队"
