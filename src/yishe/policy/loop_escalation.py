"""What the passing of time does to a loop: reminders, the ladder up, the end of a hold or a shift.

One event a clock, naming the highest rung passed however long nobody looked; rungs that hand over are never
skipped. A rung that would tell the owner of his own lateness, or nobody, goes to the next distinct person up.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yishe.policy.loop_clocks import Passed, next_of
from yishe.policy.loop_decisions import Cast, Step, _closing, after, decide, handed, keeper_of
from yishe.policy.loop_kinds import Rung
from yishe.policy.loop_roles import RED, Command, Situation
from yishe.policy.loop_table import table

RANKS = ("team_lead", "centre_director", "administrator")
WHOLE = 100


@dataclass(frozen=True)
class Company:
    """Who can be called on. `role` answers for one role; `relief` finds who takes over a shift, and until when."""

    role: Callable[[str], uuid.UUID | None]
    relief: Callable[[], tuple[uuid.UUID, datetime | None] | None]


@dataclass(frozen=True)
class Coming:
    """The next rung of the present step's clock: when, whom it tells, or that it confirms by itself."""

    at: datetime
    told: tuple[uuid.UUID, ...]
    confirms: bool


def coming(s: Situation, company: Company) -> Coming | None:
    """What happens next if nobody moves; None while no clock of the present step runs."""
    name = table().states[s.state.state].due or ""
    kept, ladder = s.state.clocks.get(name), keeper_of(s).ladder(name)
    if not kept or "next" not in kept or not ladder:
        return None
    rung = ladder[min(kept["passed"], len(ladder) - 1)]
    at = datetime.fromisoformat(kept["next"])
    return Coming(at, tuple(_hearers(s, (rung,), company)), rung.auto_confirm and _confirms_itself(s))


def passed(s: Situation, company: Company) -> list[Step]:
    """Every step that is due at `s.at`, in order; empty when nothing is. `s.is_system` must hold."""
    steps: list[Step] = []
    for due in (_hold_ended, _shift_ended):
        step = due(s, company)
        if step:
            steps.append(step)
            s = after(s, step)
    for name in keeper_of(s).running_in(s.state.state):
        for step in _rungs_passed(s, name, company):
            steps.append(step)
            s = after(s, step)
        if not s.state.is_open:
            break
    return steps


def _hold_ended(s: Situation, company: Company) -> Step | None:
    if s.state.hold_until is None or s.state.hold_until > s.at:
        return None
    return decide(s, Command("resume"), Cast())[-1]


def _shift_ended(s: Situation, company: Company) -> Step | None:
    """The one on duty goes home; the loop stays with someone who is there."""
    if s.state.turn != "performer" or s.state.shift_until is None or s.state.shift_until > s.at:
        return None
    found = company.relief()
    to, until = found if found else (s.state.performer, None)
    changes = {**handed(s, to, "performer", until), "last_at": s.at}
    return Step("handed_over", changes, {"to": str(to), "reason": "shift_end"}, told=(to,))


def _rungs_passed(s: Situation, name: str, company: Company) -> list[Step]:
    kept = s.state.clocks.get(name)
    if kept is None:
        return []
    later, hit = keeper_of(s).passed(name, kept, s.at)
    if hit is None:
        return []
    if any(r.auto_confirm for r in hit.rungs) and _confirms_itself(s):
        edge = next(e for e in table().edges if e.verb == "auto_confirm")
        return [Step("auto_confirmed", _closing(s, "completed", edge), {"clock": name, "rung": hit.highest})]
    steps = [_told(s, name, later, hit, company)]
    receiver = next((r.hand_over_to for r in reversed(hit.rungs) if r.hand_over_to), None)
    to = _resolved(receiver, s, company, set()) if receiver else None
    if to is not None and to != s.state.owner:
        now = after(s, steps[0])
        side = "sender" if s.state.turn == "sender" else "performer"
        steps.append(Step("handed_over", {**handed(now, to, side, None), "last_at": s.at},
                          {"to": str(to), "reason": "ladder", "clock": name}, told=(to,)))  # fmt: skip
    return steps


def _confirms_itself(s: Situation) -> bool:
    """Never red, never a refusal or failure, never a parent with a track open again."""
    return s.state.state == "completed" and s.state.urgency != RED and all(s.children.values())


def _told(s: Situation, name: str, later: dict[str, Any], hit: Passed, company: Company) -> Step:
    """One event for everything this clock passed; the highest rung says who is told, and lower ones are included."""
    told = _hearers(s, hit.rungs, company)
    clocks = {**s.state.clocks, name: later}
    coming = next_of(
        s.state.state, clocks, keeper_of(s), (s.state.hold_until, _shift(s)), s.state.promised_by
    )
    late = _is_late(hit.rungs[-1], later, s.at)
    data = {"clock": name, "rung": hit.highest, "late": late, "told": [str(t) for t in told]}
    event = "escalated" if late or set(told) - {s.state.owner} else "reminded"
    return Step(event, {"clocks": clocks, "next_at": coming, "last_at": s.at}, data, told=tuple(told))


def _hearers(s: Situation, rungs: tuple[Rung, ...], company: Company) -> list[uuid.UUID]:
    """Whom these rungs tell, each once, in order."""
    told: list[uuid.UUID] = []
    for rung in rungs:
        for role in rung.tell:
            taken = set() if role in ("owner", "sender", "performer") else set(told)
            person = _resolved(role, s, company, taken)
            if person is not None and person not in told:
                told.append(person)
    return told


def _shift(s: Situation) -> datetime | None:
    return s.state.shift_until if s.state.turn == "performer" else None


def _is_late(rung: Rung, kept: dict[str, Any], at: datetime) -> bool:
    return datetime.fromisoformat(kept["due"]) <= at


def _resolved(role: str, s: Situation, company: Company, taken: set[uuid.UUID]) -> uuid.UUID | None:
    """The person for `role`; above the owner, always someone else than the owner when anyone is there."""
    own = {"owner": s.state.owner, "sender": s.state.sender, "performer": s.state.performer}
    if role in own:
        return own[role]
    person = company.role(role)
    if person is not None and person != s.state.owner and person not in taken:
        return person
    first = RANKS.index(role) + 1 if role in RANKS else 0
    for higher in RANKS[first:]:
        person = company.role(higher)
        if person is not None and person != s.state.owner and person not in taken:
            return person
    return s.state.owner
