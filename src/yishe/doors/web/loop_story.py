"""The story of a loop in sentences, its stepper, and whose turn it is until when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from yishe.care.evidence import Reference, Shown
from yishe.doors.web import attaching, faces, loop_rows, spoken, wording
from yishe.doors.web.page import Here
from yishe.doors.web.shapes import Link, Said, Step
from yishe.loops.company import company_of
from yishe.loops.reading import Detail
from yishe.loops.reading import Said as Entry
from yishe.policy.loop_escalation import coming
from yishe.policy.loop_roles import nudge_again, unnudged
from yishe.policy.loop_table import table
from yishe.policy.loop_words import NUDGE, codes
from yishe.trust import ids

Known = Mapping[Reference, Shown]
NOTHING: Known = {}
EVENT_VERBS = {
    "declined": "decline",
    "held": "hold",
    "failed": "fail",
    "confirmed": "confirm",
    "referred_on": "refer_on",
    "reopened": "reopen",
    "cancelled": "cancel",
    "handed_over": "hand_over",
    "voided": "void",
}
GOOD = ("confirmed", "completed")
BAD = ("declined", "failed", "escalated")
MARKS = {"todo": "next", "done": "done", "now": "now"}


def lines(here: Here, found: Detail, known: Known = NOTHING) -> list[Said]:
    """One line for each entry, in order of seq; `known` are the records that entries point to."""
    return [_line(here, found, entry, known) for entry in found.entries]


def story(here: Here, found: Detail) -> list[Said]:
    """The lines, with what the system repeats said once: how often, and when last."""
    told: list[Said] = []
    brought = [one for entry in found.entries for one in entry.data.get("evidence") or ()]
    known = attaching.opened(here, found.state.subject, brought)
    for _, same in groupby(
        lines(here, found, known), key=lambda one: (one.who, one.words, one.system, one.quote)
    ):
        first, *again = same
        if first.system and again:
            more = f"共 {len(again) + 1} 次，最近 {spoken.stamp(again[-1].at, here.now)}"
            told.append(replace(first, tags=(*first.tags, more)))
        else:
            told += [first, *again]
    return told


def _line(here: Here, found: Detail, entry: Entry, known: Known) -> Said:
    quiet = entry.actor == ids.SYSTEM
    quote = "\n".join(filter(None, (entry.words.get(name, "") for name in ("reason", "note"))))
    colour = "red" if entry.kind in BAD and not _gentle(entry) else "green" if entry.kind in GOOD else ""
    return Said(
        entry.at,
        faces.name(here, entry.actor),
        _sentence(here, found, entry),
        quote,
        quiet,
        colour,
        links=_links(entry),
        proofs=[
            attaching.proof(here, one, _proof_title(found, one), known)
            for one in entry.data.get("evidence") or ()
        ],
    )


def _gentle(entry: Entry) -> bool:
    return entry.kind == "escalated" and not entry.data.get("late")


def _sentence(here: Here, found: Detail, entry: Entry) -> str:
    words = wording.EVENTS.get(entry.kind, entry.kind)
    special = _SENTENCES.get(entry.kind)
    if special:
        return special(here, found, entry)
    code = entry.data.get("reason")
    book = codes(found.kind, EVENT_VERBS.get(entry.kind, ""))
    return f"{words}：{book.get(code, wording.coded('cancel_reasons', str(code)))}" if code else words


def _noted(here: Here, found: Detail, entry: Entry) -> str:
    """A note, the asking of whoever's move it was then, or a track that came to its end."""
    if entry.data.get("child"):
        return wording.EVENTS["child_closed"]
    return "催了一下" if entry.data.get("reason") == NUDGE else wording.EVENTS["noted"]


def _promised(here: Here, found: Detail, entry: Entry) -> str:
    moved = any(one.kind == "handed_over" for one in found.entries)
    receiver = "" if moved else f"给{_who(here, found.state.performer)}"
    clock = found.kind.clock("accept", found.state.reason or None)
    return f"发出{receiver}" + (f"，{clock.zh}内接单" if clock and not clock.said else "")


def _completed(here: Here, found: Detail, entry: Entry) -> str:
    outcome = entry.data.get("outcome", "")
    return f"回写结果：{found.kind.outcomes.get(outcome, outcome)}"


def _held(here: Here, found: Detail, entry: Entry) -> str:
    until = entry.data.get("until", "")
    reason = found.kind.hold_reasons.get(entry.data.get("reason", ""), "")
    return f"暂停：{reason}" + (f"，到 {str(until)[:10]}" if until else "")


def _handed(here: Here, found: Detail, entry: Entry) -> str:
    reason = entry.data.get("reason", "")
    why = (
        {"ladder": "逾期升级", "shift_end": "班次结束"}.get(reason)
        or str(found.kind.hand_over_reasons.get(reason, ""))
        or wording.coded("hand_over_reasons", reason)
    )
    return f"转交给{_who(here, entry.data.get('to'))}" + (f"：{why}" if why else "")


def _heard(here: Here, found: Detail, entry: Entry) -> str:
    by = "家属代述" if entry.data.get("said_by") == "proxy" else "居民本人说"
    helper = "（由办理人代记）" if entry.actor == found.state.performer else ""
    return f"{by}：{wording.HEARD.get(entry.data.get('helped', ''), '')}{helper}"


def _climbed(here: Here, found: Detail, entry: Entry) -> str:
    clock = wording.CLOCKS.get(entry.data.get("clock", ""), "")
    told = "、".join(_who(here, one) for one in entry.data.get("told", ()))
    if not entry.data.get("late"):
        return f"{clock}时限{_share(found, entry)}，提醒{told}"
    return f"{clock}已逾期，报{told}"


def _share(found: Detail, entry: Entry) -> str:
    """How far the clock had run, from the rung it passed."""
    ladder = found.kind.ladder(entry.data.get("clock", ""), found.state.urgency)
    rung = entry.data.get("rung")
    percent = ladder[rung].percent if isinstance(rung, int) and 0 <= rung < len(ladder) else None
    return "过半" if percent == 50 else "将到"


_SENTENCES = {
    "promised": _promised,
    "completed": _completed,
    "held": _held,
    "handed_over": _handed,
    "heard": _heard,
    "noted": _noted,
    "reminded": _climbed,
    "escalated": _climbed,
}


def _who(here: Here, staff: Any) -> str:
    return faces.name(here, staff if isinstance(staff, UUID) else UUID(staff)) if staff else ""


def _proof_title(found: Detail, one: Mapping[str, Any]) -> str:
    type_ = str(one.get("type", ""))
    return str(found.kind.evidence.get(type_) or wording.RECORDS.get(type_, type_))


def _links(entry: Entry) -> tuple[Link, ...]:
    onward = entry.data.get("to_loop")
    return (Link("看再转的那一件", f"/loops/{onward}"),) if onward else ()


def steps(here: Here, found: Detail) -> list[Step]:
    """The stepper: done with who and how fast, the present one in the colour of its clock."""
    shade = loop_rows.colour(found.state, here)
    before, rows = found.state.promised_at, []
    for one in found.steps:
        note = _when(here, found, one.at, before, one.by) if one.at else ""
        before = one.at if one.at and note else before
        stopped = one.mark == "now" and found.state.state in ("rejected", "failed", "cancelled")
        state = "stopped" if stopped else MARKS[one.mark]
        rows.append(Step(wording.STEPS[one.name], state, note, shade if state == "now" else ""))
    return rows


def _when(here: Here, found: Detail, at: Any, before: Any, by: UUID | None) -> str:
    who = faces.name(here, by) if by else ""
    if at == found.state.promised_at:
        return f"{who} {spoken.stamp(at, here.now)}"
    took = at - before
    if at == found.state.seen_at == found.state.accepted_at and who == "":
        return ""
    return f"{who} {'即时' if took < timedelta(minutes=1) else spoken.span(took)}".strip()


def turn(here: Here, found: Detail) -> dict[str, Any]:
    """现在轮到谁, how long is left, until when exactly, and what comes if it passes."""
    state = found.state
    if not state.is_open:
        words = wording.CLOSED_AS.get(state.closed_as, "已闭环")
        outcome = str(found.kind.outcomes.get(state.outcome, "")) or str(
            found.kind.close_reasons.get(state.close_reason, "")
        )
        heard = wording.HEARD.get(state.heard, "")
        auto = "（到期自动确认）" if state.confirmed_by == "auto" else ""
        return {
            "closed": True,
            "words": words + auto,
            "outcome": outcome,
            "heard": heard,
            "at": state.closed_at,
            "colour": "green" if state.closed_as == "served" else "calm",
        }
    due = state.due_at or state.promised_by
    step = loop_rows.step_of(state)
    mine = state.owner == here.actor.staff_id
    return {
        "closed": False,
        "who": "您" if mine else faces.name(here, state.owner),
        "mine": mine,
        "due": due,
        "step": step,
        "colour": loop_rows.colour(state, here),
        "left": spoken.remaining(due, here.now),
        "live": abs(due - here.now) < loop_rows.LIVE_WITHIN,
        "do": "恢复办理"
        if state.state == "on-hold"
        else step or loop_rows.verb_words(state, loop_rows.kind_of(state), "complete"),
        "state": wording.BUSINESS.get(state.business_status, ""),
        "promised_by": state.promised_by,
        "within": _within(found),
        "then": then(here, found),
    }


def then(here: Here, found: Detail) -> str:
    """What the clock does next if nobody moves."""
    following = coming(found.situation, company_of(found.state, None, here.now))
    if following is None or found.state.state == "on-hold":
        return ""
    when = f"{spoken.day(following.at, here.now)} {spoken.local(following.at):%H:%M}"
    if following.confirms:
        return f"不动的话，{when} 自动确认"
    told = "、".join("您" if one == here.actor.staff_id else faces.name(here, one) for one in following.told)
    return f"不动的话，{when} {'提醒' if set(following.told) == {found.state.owner} else '报'}{told}"


def asked(here: Here, found: Detail) -> dict[str, Any]:
    """催一下 for those who wait: the press, or when it was done and from when on it may be done again."""
    s = found.situation
    told = [e.at for e in found.entries if e.kind == "noted" and e.data.get("reason") == NUDGE]
    s = replace(s, nudged_at=told[-1] if told else None)
    why, again = unnudged(s), nudge_again(s)
    if "note" not in found.allowed or why not in ("", "nudged_already"):
        return {}
    if not why or not again:
        return {"nudge": replace(loop_rows.nudge(found.state, ""), look="")}
    last = spoken.stamp(told[-1], here.now)
    return {"nudged": f"{last} 已催，{spoken.stamp(again, here.now)} 起可以再催"}


def _within(found: Detail) -> str:
    name = table().states[found.state.state].due or ""
    clock = found.kind.clock(name, found.state.reason or None)
    return f"（{clock.zh}）" if clock else ""


def related(found: Detail) -> list[Link]:
    links = []
    if found.state.follows:
        links.append(Link("接续前一件", f"/loops/{found.state.follows}"))
    if found.state.parent:
        links.append(Link("属于双轨中的一轨，看总件", f"/loops/{found.state.parent}"))
    return links
