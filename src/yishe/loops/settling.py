"""A loop made right again after the world around it changed: leave, posts, teams, moving, death, merging.

Open loops move or end by rule and are never orphaned. The rules, in order: a resident who died or moved away ends
what was not yet served; one who has another team takes his loops there; an owner who is not there is relieved.
"""

import uuid
from datetime import datetime
from typing import Any

from yishe.loops import kinds
from yishe.loops.company import is_leader, leaders
from yishe.loops.tracks import children
from yishe.people import directory
from yishe.people.packs import in_force as packs_in_force
from yishe.people.placements import Placement, placement_of_subject, present
from yishe.policy.loop_decisions import Cast, Step, after, decide, handed
from yishe.policy.loop_roles import Command, Situation
from yishe.policy.loop_state import LoopState
from yishe.trust import ids

DONE = "completed"


def situation(state: LoopState, at: datetime) -> Situation:
    """How the system itself looks at a loop."""
    kind = kinds.opened_under(state.kind, state.pack)
    tracks = children(state) if kind.children else {}
    return Situation(state, kind, packs_in_force().calendar, at, ids.SYSTEM, is_system=True, children=tracks)


def settled(s: Situation, where: Placement | None) -> list[Step]:
    """The steps that fit the loop to the world at `s.at`; none when it fits already."""
    steps: list[Step] = []
    for rule in (_ended, _moved, _relieved):
        step = rule(s, where) if s.state.is_open else None
        if step is not None:
            steps.append(step)
            s = after(s, step)
    return steps


def relieved(state: LoopState, at: datetime) -> list[Step]:
    """What an act must be followed by when the turn came to someone who is not there: someone who is takes over."""
    if not state.is_open:
        return []
    s = situation(state, at)
    if s.state.owner and _still_answers(directory.current(), s, s.state.owner):
        return []
    step = _relieved(s, placement_of_subject(state.subject))
    return [step] if step else []


def _ended(s: Situation, where: Placement | None) -> Step | None:
    """What was served still waits for its confirmation; everything else ends with the person's going. A matter is about nobody who
    could go."""
    gone = "" if s.kind.about == "matter" else _gone(where)
    if not gone or s.state.state == DONE:
        return None
    step = decide(s, Command("cancel"), Cast())[-1]
    return Step(step.event, {**step.changes, "gone": gone, "close_reason": gone}, {"reason": gone})


def _gone(where: Placement | None) -> str:
    """Why nothing more can be done for the resident; without a placement her data were erased."""
    if where is None:
        return "erased"
    return "dead" if where.deceased_at else "moved" if where.moved_at else ""


def _moved(s: Situation, where: Placement | None) -> Step | None:
    """The team that answers now takes over; in the sender's turn only the other side changes."""
    if where is None or where.gone:
        return None
    team = where.team or where.neighbourhood_team
    if (where.centre, team) == (s.state.centre, s.state.team):
        return None
    place = {"centre": where.centre, "team": team, "last_at": s.at}
    found = directory.current().performer(s.state.duty, where, s.at)
    if s.state.turn == "sender":
        return Step("handed_over", {**place, "performer": found.member.id, "shift_until": found.until},
                    {"to": str(s.state.owner), "reason": "team_changed"}, told=(found.member.id,))  # fmt: skip
    return _to(s, found.member.id, "performer", found.until, "team_changed", place)


def _relieved(s: Situation, where: Placement | None) -> Step | None:
    """The owner is away, gone, or no longer holds the duty: someone who is there takes over."""
    book, owner = directory.current(), s.state.owner
    if owner is None or _still_answers(book, s, owner):
        return None
    side = "sender" if s.state.turn == "sender" else "performer"
    if side == "sender":
        to, until = _for_sender(book, s, owner), None
    else:
        to, until = _for_performer(book, s, owner, where)
    if to is None or to == owner:
        return None
    return _to(s, to, side, until, "leave" if book.away(owner, s.at) else "post_ended", {"last_at": s.at})


def _still_answers(book: directory.Directory, s: Situation, owner: uuid.UUID) -> bool:
    if owner == s.state.subject:  # the resident herself asked, signed in
        return bool(present([owner]))
    member = book.people.get(owner)
    if member is None or not book.present(member, s.at):
        return False
    if s.state.turn == "sender" or is_leader(owner, s.state, s.at):
        return True
    return any(post.duty == s.state.duty and post.centre == s.state.centre for post in member.held(s.at))


def _for_sender(book: directory.Directory, s: Situation, owner: uuid.UUID) -> uuid.UUID | None:
    """Who stands in, else a leader: whoever confirms must be someone else than who performed, if anyone is."""
    stand_in = book.stand_in(owner, s.at)
    if stand_in is not None:
        return stand_in.id
    above = [p for p in leaders(book, s.state, s.at) if p != owner]
    return next((p for p in above if p != s.state.performer), above[0] if above else None)


def _for_performer(
    book: directory.Directory, s: Situation, owner: uuid.UUID, where: Placement | None
) -> tuple[uuid.UUID | None, datetime | None]:
    stand_in = book.stand_in(owner, s.at)
    if stand_in is not None and s.state.duty in stand_in.duties(s.at):
        return stand_in.id, None
    if s.kind.about == "matter":
        return book.holder(s.state.duty, s.state.centre, s.at, (owner,)).member.id, None
    if where is None:
        return next((p for p in leaders(book, s.state, s.at) if p != owner), None), None
    found = book.performer(s.state.duty, where, s.at)
    return found.member.id, found.until


def _to(
    s: Situation, to: uuid.UUID, side: str, until: datetime | None, why: str, more: dict[str, Any]
) -> Step:
    changes = {**handed(s, to, side, until), **more}
    return Step("handed_over", changes, {"to": str(to), "reason": why}, told=(to,))
