"""What a command does to a loop: pure, from one situation to the steps that are recorded.

A step is one ledger event: which verb, what changed (exactly the fields that folding will apply) and the codes
and words that go with it. Nothing here reads a clock, a database or a name.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yishe.policy import loop_words as say
from yishe.policy.loop_clocks import Keeper, Kept, due_of, next_of, read
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_roles import Command, Situation, blocked, edge_for, implied_before, unnudged
from yishe.policy.loop_state import LoopState, applied
from yishe.policy.loop_table import CLOSED, Edge, table
from yishe.policy.refusals import Invalid

RESTARTS = ("confirm", "supply")
SETTLED = ("noted", "heard", "handed_over", "reminded", "escalated", "retimed")


@dataclass(frozen=True)
class Step:
    """One event to append. `told` are staff to be told beyond sender, performer and owner."""

    event: str
    changes: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    told: tuple[uuid.UUID, ...] = ()


@dataclass(frozen=True)
class Cast:
    """People a decision may need: the leader, and who performs after a reopening."""

    leader: uuid.UUID | None = None
    performer: uuid.UUID | None = None
    shift_until: datetime | None = None


def keeper_of(s: Situation) -> Keeper:
    return Keeper(s.kind, s.state.reason, s.state.urgency, s.calendar)


def decide(s: Situation, command: Command, cast: Cast) -> list[Step]:
    """The steps that carry out `command`, or a refusal saying state, who may, and what is possible now."""
    steps: list[Step] = []
    for verb in implied_before(s, command.verb) if s.actor == s.state.performer else ():
        step = _taken(s, Command(verb), cast)
        steps.append(step)
        s = after(s, step)
    stop = blocked(s, command.verb)
    if stop and edge_for(s, command.verb):
        raise say.refuse_blocked(s, command.verb, stop)
    return [*steps, _taken(s, command, cast)]


def after(s: Situation, step: Step) -> Situation:
    """The situation once the step is recorded."""
    return s.then(applied(s.state, s.state.seq + 1, step.changes))


def _taken(s: Situation, command: Command, cast: Cast) -> Step:
    edge = edge_for(s, command.verb)
    if edge is None:
        raise say.refuse_edge(s, command.verb)
    data, words = say.understood(s, edge, command)
    changes = _changes(s, edge, command, cast)
    return Step(edge.event, changes, data, words)


def _changes(s: Situation, edge: Edge, command: Command, cast: Cast) -> dict[str, Any]:
    own = _OWN.get(edge.verb, _nothing)(s, command, cast)
    if edge.event in SETTLED:
        return {**own, "last_at": s.at}
    target = _target(s, edge)
    if edge.ends or (edge.verb == "complete" and s.kind.confirm == "none"):
        return {**own, **_closing(s, target, edge)}
    return {**own, **_moving(s, target, own)}


def _target(s: Situation, edge: Edge) -> str:
    if edge.to == "same":
        return s.state.state
    return s.state.before_hold if edge.to == "before" else edge.to


def _closing(s: Situation, target: str, edge: Edge) -> dict[str, Any]:
    """A closed loop has no owner, no clock, no next moment."""
    changes: dict[str, Any] = {
        "state": target, "closed_at": s.at, "closed_as": edge.ends or "served", "owner": None, "next_at": None,
        "due_at": None, "hold_until": None, "shift_until": None, "clocks": {}, "last_at": s.at,
    }  # fmt: skip
    if edge.verb == "complete":
        changes["confirmed_by"] = "not_needed"
    elif edge.ends == "served":
        changes["confirmed_by"] = "auto" if edge.event == "auto_confirmed" else "person"
    return changes


def _moving(s: Situation, target: str, own: dict[str, Any]) -> dict[str, Any]:
    """To another open state: its clocks, its owner, its deadline and the next moment to look."""
    keeper = keeper_of(s)
    clocks = own.pop("clocks", None) or moved_clocks(s.state, target, keeper, s.at)
    turn = table().states[target].turn
    owner = own.get("owner") or own.get(turn) or getattr(s.state, turn)
    promised_by = own.get("promised_by") or s.state.promised_by
    hold_until = own.get("hold_until") if target == "on-hold" else None
    shift = own.get("shift_until", s.state.shift_until) if turn == "performer" else None
    return {
        "state": target, "owner": owner, "clocks": clocks, "hold_until": hold_until, "last_at": s.at,
        "accept_by": read(clocks["accept"]["due"]) if "accept" in clocks else s.state.accept_by,
        "due_at": hold_until or due_of(target, clocks, promised_by),
        "next_at": next_of(target, clocks, keeper, (hold_until, shift), promised_by),
    }  # fmt: skip


def moved_clocks(state: LoopState, target: str, keeper: Keeper, at: datetime) -> dict[str, Kept]:
    """The clocks on entering `target`: some stop, some go on where they stood, some begin."""
    wanted = keeper.running_in(target)
    clocks: dict[str, Kept] = {}
    for name, kept in state.clocks.items():
        if name not in wanted:
            clocks[name] = keeper.stopped(name, kept, at) if "next" in kept else kept
        elif "next" in kept:
            clocks[name] = kept
        elif name not in RESTARTS:
            clocks[name] = keeper.resumed(name, kept, at)
    for name in wanted:
        fresh = keeper.started(name, at) if name not in clocks else None
        if fresh:
            clocks[name] = fresh
    return clocks


def _nothing(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    return {}


def _receive(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    return {"seen_at": s.at}


def _accept(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    """The deadline it was accepted under is remembered: clocks are gone once a loop is closed."""
    kept = s.state.clocks.get("accept")
    by = read(kept["due"]) if kept else None
    return {"accepted_at": s.at, "accept_by": by, "seen_at": s.state.seen_at or s.at}


def _decline(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    """A second refusal between the same two sides is no longer theirs to settle."""
    again = s.state.declines > 0 and cast.leader is not None
    return {"declines": s.state.declines + 1, **({"owner": cast.leader} if again else {})}


def _start(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    return {"started_at": s.at}


def _hold(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    latest = s.calendar.add(s.at, s.kind.hold_max, "wall")
    if c.until is None or not s.at < c.until <= latest:
        raise Invalid(
            "hold_until",
            f"暂停要写明恢复时间，在现在之后、{say.moment(latest)}之前。",
            latest=latest.isoformat(),
        )
    return {"hold_until": c.until, "before_hold": s.state.state}


def _complete(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    return {"completed_at": s.at, "outcome": c.outcome}


def _close_reason(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    return {"close_reason": c.reason}


def _reopen(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    """The only act that moves a promise date: the finish clock starts anew."""
    keeper = keeper_of(s)
    finish = keeper.started("finish", s.at)
    clocks = {"finish": finish} if finish else {}
    return {
        "clocks": clocks, "promised_by": read(finish["due"]) if finish else s.state.promised_by,
        "performer": cast.performer or s.state.performer, "shift_until": cast.shift_until,
        "closed_at": None, "closed_as": "", "close_reason": "", "completed_at": None, "confirmed_by": "",
        "outcome": "", "gone": "", "started_at": s.state.started_at or s.at, "accepted_at": s.state.accepted_at or s.at,
    }  # fmt: skip


def _note(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    stop = unnudged(s) if say.is_nudge(c) else ""
    if stop:
        raise say.refuse_nudge(s, stop)
    return {}


def _hand_over(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    if c.to is None or c.to == s.state.owner:
        raise Invalid("to", "转交要选另一位接手人。")
    side = "sender" if s.state.turn == "sender" else "performer"
    return handed(s, c.to, side, cast.shift_until)


def handed(s: Situation, to: uuid.UUID, side: str, shift_until: datetime | None) -> dict[str, Any]:
    """A new owner; state and clocks stay as they are."""
    shift = shift_until if side == "performer" else s.state.shift_until
    running = shift if s.state.turn == "performer" else None
    coming = next_of(
        s.state.state, s.state.clocks, keeper_of(s), (s.state.hold_until, running), s.state.promised_by
    )
    return {side: to, "owner": to, "shift_until": shift, "next_at": coming}


def _heard(s: Situation, c: Command, cast: Cast) -> dict[str, Any]:
    return {"heard": c.outcome, "heard_by_performer": s.actor == s.state.performer}


_OWN = {
    "receive": _receive, "accept": _accept, "decline": _decline, "start": _start, "hold": _hold,
    "complete": _complete, "reopen": _reopen, "hand_over": _hand_over, "heard": _heard, "note": _note,
    "confirm": _close_reason, "refer_on": _close_reason, "cancel": _close_reason, "void": _close_reason,
}  # fmt: skip


def opening(
    state: LoopState, kind: LoopKind, calendar: Any, dates: dict[str, datetime], shift_until: datetime | None
) -> dict[str, Any]:
    """What the promise itself fixes: clocks from now, deadline of the first step, promise date, next moment."""
    keeper = Keeper(kind, state.reason, state.urgency, calendar)
    clocks: dict[str, Kept] = {}
    for name in keeper.running_in("requested"):
        kept = keeper.started(name, state.promised_at, dates.get(name))
        if kept:
            clocks[name] = kept
    promised_by = max((read(k["due"]) for k in clocks.values()), default=state.promised_at)
    if "finish" in clocks:
        promised_by = read(clocks["finish"]["due"])
    return {
        "clocks": clocks, "promised_by": promised_by, "shift_until": shift_until,
        "accept_by": read(clocks["accept"]["due"]) if "accept" in clocks else None,
        "due_at": due_of("requested", clocks, promised_by),
        "next_at": next_of("requested", clocks, keeper, (shift_until,), promised_by),
    }  # fmt: skip


def everyone(state: LoopState, extra: Iterable[uuid.UUID] = ()) -> list[uuid.UUID]:
    """Sender, performer, owner and whoever else is named, each once."""
    people = [state.sender, state.performer, *([state.owner] if state.owner else []), *extra]
    return list(dict.fromkeys(people))


__all__ = ["CLOSED", "Cast", "Step", "after", "decide", "everyone", "handed", "keeper_of", "opening"]
