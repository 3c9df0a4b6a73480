"""A promise kept, or fallen away, by something that happened elsewhere: a contact recorded, a contract ended.

Whoever did it need not be its performer: he takes it over and completes it in one commit, so that the story names him.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from yishe.loops.projection import Track, read
from yishe.loops.recording import Said, carry, not_before
from yishe.loops.settling import situation
from yishe.people.actors import Actor
from yishe.policy.loop_decisions import Cast, Step, after, decide, handed
from yishe.policy.loop_roles import Command
from yishe.trust.commit import Bundle

HELD = "on-hold"


def fulfil(
    bundle: Bundle, actor: Actor, loop: UUID, *, outcome: str, proof: Mapping[str, Any], said: Said
) -> None:
    """Add the completing of `loop` by `actor` to the caller's bundle. Conflict in words when it is the sender's turn or it
    is closed."""
    track = read(loop).track
    s = replace(
        situation(track.state, not_before(said.at, track.state)), actor=actor.staff_id, is_system=False
    )
    steps: list[Step] = []
    if s.state.performer != actor.staff_id and s.state.is_open and s.state.turn == "performer":
        changes = {**handed(s, actor.staff_id, "performer", None), "last_at": s.at}
        steps.append(Step("handed_over", changes, {"to": str(actor.staff_id), "reason": "better_placed"}))
        s = after(s, steps[-1])
    if s.state.state == HELD:
        steps += decide(s, Command("resume"), Cast())
        s = after(s, steps[-1])
    steps += decide(s, Command("complete", outcome=outcome, proofs=(dict(proof),)), Cast())
    _carried(bundle, track, steps, said)


def withdraw(bundle: Bundle, loop: UUID, reason: str, said: Said) -> bool:
    """Add the end of `loop`, not served, because what it rested on is gone; `reason` is a close reason. False when it is
    closed already or waits for its confirmation."""
    track = read(loop).track
    s = situation(track.state, not_before(said.at, track.state))
    if not s.state.is_open or s.state.state == "completed":
        return False
    step = decide(s, Command("cancel"), Cast())[-1]
    ended = Step(step.event, {**step.changes, "close_reason": reason}, {"reason": reason})
    _carried(bundle, track, [ended], said)
    return True


def _carried(bundle: Bundle, track: Track, steps: list[Step], said: Said) -> None:
    carry(bundle, track, steps, replace(said, at=not_before(said.at, track.state)), None)
