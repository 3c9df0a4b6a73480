"""A loop as a row: who it is about, what is owed, by when and by whom, and what one press does."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from yishe.doors.web import faces, spoken, wording
from yishe.doors.web.page import Here
from yishe.doors.web.shapes import Act, Chip, Group, Row
from yishe.loops import kinds
from yishe.loops.company import is_leader
from yishe.people.cards import Card
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_table import table
from yishe.trust import ids

WEEK = timedelta(days=7)
SOLID = ("red", "orange")
LIVE_WITHIN = timedelta(hours=12)
DIRECT = ("receive", "accept", "start", "resume", "confirm")
"""Verbs done by the press itself, as they need nothing said; `confirm` only of a served loop."""
BACK = {
    "completed": "{who}已办完，请您确认：",
    "rejected": "{who}退回：",
    "failed": "{who}没有办成：",
    "cancelled": "{who}取消：",
    "asked": "{who}请您补充：",
}


def kind_of(loop: LoopState) -> LoopKind:
    return kinds.opened_under(loop.kind, loop.pack)


def place(loop: LoopState) -> str:
    return "closed" if loop.closed_at else loop.state


def title(loop: LoopState) -> str:
    """What is owed, in words. A sensitive reason is not named in lists."""
    kind = kind_of(loop)
    if loop.sensitive and kind.about == "matter":
        return "内容请打开看"
    if loop.sensitive:
        return f"{kind.title}（原因请打开看）"
    reason = kind.reasons.get(loop.reason)
    return str(reason.title) if reason else str(kind.title)


def state_words(loop: LoopState) -> str:
    """Where it stands; how it ended when closed."""
    if loop.closed_at:
        return wording.CLOSED_AS.get(loop.closed_as, "已闭环")
    return wording.BUSINESS.get(loop.business_status, loop.business_status)


def colour(loop: LoopState, here: Here) -> str:
    """Red when its time has passed, orange today, yellow within a week; green and calm when nothing presses."""
    if loop.closed_at:
        return "green" if loop.closed_as == "served" else "calm"
    due = loop.due_at or loop.promised_by
    if due <= here.now:
        return "red"
    if spoken.local(due).date() == spoken.local(here.now).date():
        return "orange"
    return "yellow" if due - here.now < WEEK else "calm"


def chip(loop: LoopState, here: Here, *, named: bool = False) -> Chip:
    """The clock of the present step; with the owner's name when we wait for someone else."""
    if loop.closed_at:
        words = wording.CLOSED_AS.get(loop.closed_as, "已闭环")
        return Chip(f"{words} {spoken.day(loop.closed_at, here.now)}", colour(loop, here), loop.closed_at)
    due, step = loop.due_at or loop.promised_by, step_of(loop)
    shade = colour(loop, here)
    if loop.state == "on-hold":
        return Chip(f"暂停，{spoken.day(due, here.now)}恢复", "calm", due)
    words = spoken.remaining(due, here.now, step) if due <= here.now else spoken.before(due, here.now)
    if named:
        return Chip(f"{faces.name(here, loop.owner)} {words}", "red" if due <= here.now else "calm", due)
    return Chip(words, shade, due, live=abs(due - here.now) < LIVE_WITHIN, step=step)


def step_of(loop: LoopState) -> str:
    """What its clock waits for; empty where nobody accepts it apart from doing it."""
    clock = table().states[loop.state].due or ""
    return "" if clock in kind_of(loop).implied else wording.CLOCKS.get(clock, "")


def whom(loop: LoopState, card: Card | None) -> str:
    """Who a row is about: the resident, or what it is when it is about none."""
    if card is not None:
        return card.name
    kind = kind_of(loop)
    return str(kind.title) if kind.about == "matter" else "（资料已删除）"


def row(loop: LoopState, card: Card | None, here: Here, *, acting: bool = False, named: bool = False) -> Row:
    """`acting` adds what I may press; `named` says for whom we wait."""
    shade = colour(loop, here) if not named or colour(loop, here) == "red" else "calm"
    return Row(
        id=str(loop.id),
        href=f"/loops/{loop.id}",
        name=whom(loop, card),
        age=faces.age(card, here) if card else "",
        fact=faces.fact(card) if card else "",
        colour=shade,
        why=title(loop),
        sent_by=sent_by(loop, here),
        code=loop.reason if loop.reason[:1].isupper() and not loop.sensitive else "",
        urgent=loop.urgency == "red" and not loop.closed_at,
        chip=chip(loop, here, named=named),
        acts=acts(loop, here, card) if acting else (),
        phone=faces.phone(here, loop.owner) if named and shade == "red" else "",
    )


def sent_by(loop: LoopState, here: Here) -> str:
    """`王医生转来：`, or what came back to the sender."""
    if loop.closed_at:
        return ""
    me = here.actor.staff_id
    if loop.state in BACK and loop.turn == "sender":
        return BACK[loop.state].format(who=faces.name(here, loop.performer)) if loop.owner == me else ""
    if loop.sender in (ids.SYSTEM, me) or not kind_of(loop).asked_by:  # only a rule makes it: nobody sent it
        return ""
    return f"{faces.name(here, loop.sender)}转来："


def acts(loop: LoopState, here: Here, card: Card | None) -> list[Act]:
    """For the owner: the one verb that brings it forward, solid only when late or due today, and the way back."""
    kind, person = kind_of(loop), card.name if card else ""
    first = forward(loop, kind)
    if not first:
        return []
    pressing = colour(loop, here) in SOLID
    if kind.children and first == "complete":
        look = "go" if pressing else ""
        return [
            Act(
                "open",
                "看各轨",
                f"/loops/{loop.id}",
                look,
                dialog=False,
                about=str(loop.id)[-12:],
                person=person,
            )
        ]
    found = [act(loop, kind, first, person, "go" if pressing else "", brief=True)]
    if loop.state in ("requested", "seen") and first == "accept" and pressing:
        found.append(act(loop, kind, "decline", person, "quiet", brief=True))
    return found


def forward(loop: LoopState, kind: LoopKind) -> str:
    choices = wording.FORWARD.get(loop.state, ())
    if "complete" in choices and "accept" in kind.implied and loop.state in ("requested", "seen", "accepted"):
        return "complete"
    return choices[0] if choices else ""


def verb_words(loop: LoopState, kind: LoopKind, verb: str, *, brief: bool = False) -> str:
    """To confirm what was not served is to end it."""
    if verb == "confirm" and loop.state != "completed":
        return wording.END
    return wording.verb(kind, verb, brief=brief)


def act(loop: LoopState, kind: LoopKind, verb: str, person: str, look: str, *, brief: bool = False) -> Act:
    direct = verb in DIRECT and not (verb == "confirm" and loop.state != "completed")
    words = verb_words(loop, kind, verb, brief=brief)
    return Act(
        verb=verb,
        words=words if direct or look == "go" else f"{words}…",
        href=f"/loops/{loop.id}/{verb}",
        look=look,
        direct=direct,
        seq=loop.seq,
        command_id=str(ids.new()) if direct else "",
        about=str(loop.id)[-12:],
        person=person,
    )


def waited(
    found: Iterable[LoopState], cards: Mapping[UUID, Card], here: Here, asked: Mapping[UUID, datetime]
) -> list[Row]:
    """Rows of what others must do, each with 催一下, or with when they were asked already."""
    return [nudging(row(one, cards.get(one.subject), here, named=True), one, here, asked) for one in found]


def looked_after(
    found: Iterable[LoopState], cards: Mapping[UUID, Card], here: Here, asked: Mapping[UUID, datetime]
) -> list[Row]:
    """Rows of anybody's: 催一下 only on those this person takes part in or leads."""
    rows = []
    for one in found:
        mine = here.actor.staff_id in (one.sender, one.performer) or is_leader(
            here.actor.staff_id, one, here.now
        )
        plain = row(one, cards.get(one.subject), here, named=True)
        rows.append(nudging(plain, one, here, asked) if mine else plain)
    return rows


def nudging(shown: Row, loop: LoopState, here: Here, asked: Mapping[UUID, datetime]) -> Row:
    if loop.closed_at or loop.owner == here.actor.staff_id or kind_of(loop).nudge_every is None:
        return shown
    if loop.id in asked:
        return replace(shown, said=f"{spoken.stamp(asked[loop.id], here.now)} 已催")
    return replace(shown, acts=(nudge(loop, shown.name),))


def nudge(loop: LoopState, person: str) -> Act:
    return Act(
        verb="nudge",
        words="催一下",
        href=f"/loops/{loop.id}/nudge",
        look="quiet",
        direct=True,
        seq=loop.seq,
        command_id=str(ids.new()),
        about=str(loop.id)[-12:],
        person=person,
    )


def by_time(found: Iterable[LoopState], cards: Mapping[UUID, Card], here: Here) -> list[Group]:
    """My own work: overdue, today, this week, later; red urgency first within each."""
    names = {
        "red": ("late", "已逾期", "先办"),
        "orange": ("today", "今天到期", ""),
        "yellow": ("week", "七天内", ""),
        "calm": ("later", "以后", ""),
    }
    groups = []
    loops = list(found)
    for shade, (code, words, note) in names.items():
        mine = [one for one in loops if colour(one, here) == shade]
        mine.sort(key=lambda one: (one.urgency != "red", one.due_at or one.promised_by))
        if mine:
            count = f"{len(mine)} 件" + (f"，{note}" if note else "")
            rows = [row(one, cards.get(one.subject), here, acting=True) for one in mine]
            groups.append(Group(code, words, count, rows))
    return groups


def in_short(here: Here, opened: Iterable[LoopState], card: Card) -> list[Row]:
    """What is open for one resident, the most pressing first, each with whose move it is."""
    ranked = sorted(opened, key=lambda one: one.due_at or one.promised_by)
    return [row(one, card, here, named=True) for one in ranked]


def of_subject(here: Here, found: Iterable[LoopState], card: Card) -> list[Group]:
    """All loops of one resident: open ones first, then closed ones, newest first."""
    loops = list(found)
    opened = sorted(
        (one for one in loops if not one.closed_at), key=lambda one: one.due_at or one.promised_by
    )
    closed = sorted((one for one in loops if one.closed_at), key=lambda one: one.promised_at, reverse=True)
    groups = []
    for code, words, part in (("open", "在办", opened), ("closed", "已结束", closed)):
        if part:
            rows = [row(one, card, here, named=code == "open") for one in part]
            groups.append(Group(code, words, f"{len(part)} 件", rows))
    return groups
