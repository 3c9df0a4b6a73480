"""Who someone is to a loop, and what he may therefore say: design §4, read from the table."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from yishe.policy.calendars import Calendar
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_table import CLOSED, Edge, table

RED = "red"


@dataclass(frozen=True)
class Situation:
    """Everything a decision looks at. `children` maps a child's title to whether it was closed as served; `nudged_at`
    is when the owner was last asked to move."""

    state: LoopState
    kind: LoopKind
    calendar: Calendar
    at: datetime
    actor: uuid.UUID
    is_leader: bool = False
    is_tracking: bool = False
    is_system: bool = False
    children: Mapping[str, bool] = field(default_factory=dict)
    barred: str = ""
    """Why this loop, closed, cannot come back: `already_open` or `resident_gone`."""
    nudged_at: datetime | None = None

    def then(self, state: LoopState) -> "Situation":
        """The same with the loop as it stands now; copied whole, as this is done for each step of each loop that is due."""
        new = object.__new__(Situation)
        new.__dict__.update(self.__dict__, state=state)
        return new


@dataclass(frozen=True)
class Command:
    """What someone says: the verb, and what the verb needs. `proofs` is evidence the system itself brings."""

    verb: str
    reason: str = ""
    outcome: str = ""
    evidence: tuple[dict[str, Any], ...] = ()
    note: str = ""
    to: uuid.UUID | None = None
    until: datetime | None = None
    said_by: str = ""
    proofs: tuple[dict[str, Any], ...] = ()


def roles(s: Situation) -> frozenset[str]:
    """The table's roles this actor has. In the sender's turn, whoever owns the loop stands for the sender."""
    if s.is_system:
        return frozenset({"system"})
    loop, found = s.state, set()
    if s.actor == loop.sender or (s.actor == loop.owner and loop.turn == "sender"):
        found.add("sender")
    if s.actor == loop.performer:
        found.add("performer")
    if s.actor == loop.owner:
        found.add("owner")
    if s.is_leader:
        found.add("leader")
    if found or s.is_tracking:
        found.add("participant")
    return frozenset(found)


def edge_for(s: Situation, verb: str) -> Edge | None:
    """The edge this actor may take with `verb` from here, ignoring what the verb needs."""
    mine = roles(s)
    for edge in table().leaving(s.state.place):
        if edge.verb == verb and mine & set(edge.by):
            return edge
    return None


def implied_before(s: Situation, verb: str) -> tuple[str, ...]:
    """Verbs that `verb` stands for in one press, where the kind says so (知悉 is accept, start, complete)."""
    if verb != "complete" or s.state.place not in ("requested", "seen", "accepted"):
        return ()
    wanted = ("start",) if s.state.place == "accepted" else ("accept", "start")
    return wanted if set(wanted) <= set(s.kind.implied) else ()


def blocked(s: Situation, verb: str) -> str:
    """Why the pack or the loop itself stops this verb although the table has the edge; '' when nothing does."""
    if verb == "hold" and s.state.urgency == RED:
        return "red_never_held"
    if verb == "refer_on" and s.kind.about == "matter":
        return "matter_not_referred"
    finishes = verb == "complete" or (verb == "confirm" and s.state.place == "completed")
    if finishes and not all(s.children.values()):
        return "children_open"
    if verb == "reopen" and s.state.place == CLOSED:
        return s.barred if s.at <= _reopen_until(s) else "reopen_too_late"
    return ""


def unnudged(s: Situation) -> str:
    """Why this actor may not ask the owner to move now; '' when he may."""
    if not s.state.is_open:
        return "nudge_closed"
    if s.actor == s.state.owner:
        return "nudge_oneself"
    if s.kind.nudge_every is None:
        return "nudge_never"
    again = nudge_again(s)
    return "nudged_already" if again and s.at < again else ""


def nudge_again(s: Situation) -> datetime | None:
    """From when on the owner may be asked again; None when nobody has asked yet."""
    if s.nudged_at is None or s.kind.nudge_every is None:
        return None
    return s.calendar.add(s.nudged_at, s.kind.nudge_every, "wall")


def _reopen_until(s: Situation) -> datetime:
    closed = s.state.closed_at or s.at
    return s.calendar.add(closed, s.kind.reopen_within, "wall")


def allowed(s: Situation) -> list[str]:
    """Verbs this actor may say now, in table order."""
    implied = s.actor == s.state.performer and bool(implied_before(s, "complete"))
    verbs = _takeable(s.state.place, roles(s), implied=implied)
    return [v for v in verbs if v not in _STOPPABLE or not blocked(s, v)]


_STOPPABLE = frozenset({"hold", "complete", "confirm", "reopen", "refer_on"})
"""The verbs that `blocked` may have something against."""


@cache
def _takeable(place: str, mine: frozenset[str], *, implied: bool) -> tuple[str, ...]:
    """The verbs of the edges that leave `place` and are open to any of these roles; complete too where it is implied."""
    open_ = {edge.verb for edge in table().leaving(place) if mine & set(edge.by)}
    return tuple(v for v in table().verbs() if v in open_ or (implied and v == "complete"))


def who_may(state: LoopState, verb: str) -> tuple[str, ...]:
    """The roles that may say `verb` in this state, for the words of a refusal."""
    return tuple(
        dict.fromkeys(
            r for e in table().leaving(state.place) if e.verb == verb for r in e.by if r != "system"
        )
    )
