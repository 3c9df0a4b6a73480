"""Who may know of a loop: those who take part in it, lead, or follow it, and those who stand in a relation to the resident.

Taking part ends with the loop. Staff of the loop's own centre keep sight of what they did, as they may have to reopen it or
answer for it; guests (a hospital, a partner, someone who works elsewhere now) do not.
"""

from datetime import datetime
from uuid import UUID

from yishe.loops.company import is_leader
from yishe.loops.models import Loop, Tracking
from yishe.loops.projection import state_of
from yishe.people import access
from yishe.people.actors import Actor
from yishe.people.placements import placement_of_subject
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Forbidden

READ, RESIDENT = "loop.read", "resident.read"
UNKNOWN = "您没有参与这件闭环，与居民也没有服务关系，不能查看。"


def takes_part(actor: Actor, state: LoopState, at: datetime) -> bool:
    """One of its two sides or the one whose turn it is, in service, and the loop open or of the centre worked in."""
    if actor.is_system:
        return True
    if actor.staff_id not in (state.sender, state.performer, state.owner):
        return False
    return bool(actor.member.held(at)) if state.is_open else state.centre in actor.member.centres(at)


def follows(actor: Actor, state: LoopState, at: datetime) -> bool:
    """Follows the loop, and works in its centre."""
    return (
        state.centre in actor.member.centres(at)
        and Tracking.objects.filter(loop=state.id, person=actor.staff_id).exists()
    )


def relation(actor: Actor, state: LoopState, at: datetime, *, tracked: bool = True) -> str:
    """By which relation this person may know of the loop; Forbidden for a stranger, who is not even told its state.
    `tracked` False spares the question whether he follows it. Those who take part cost nothing to know."""
    if takes_part(actor, state, at):
        return access.SYSTEM if actor.is_system else access.PARTICIPANT
    if is_leader(actor.staff_id, state, at):
        return access.CENTRE_LEAD
    if tracked and follows(actor, state, at):
        return access.PARTICIPANT
    where = placement_of_subject(state.subject)
    if where is None:
        raise Forbidden("no_relation", UNKNOWN, action=READ)
    return access.require(actor, READ, where, at).relation


def hears(actor: Actor, loop: UUID | None, subject: UUID | None, at: datetime) -> bool:
    """Whether news of a loop, or of a resident, is still this person's business: a reason that ended ends the telling."""
    if subject is None:
        return bool(actor.member.held(at))
    row = Loop.objects.filter(id=loop).first() if loop else None
    if row is not None:
        return _may(actor, row, at)
    where = placement_of_subject(subject)
    return where is not None and access.may(actor, RESIDENT, where, at).allowed


def _may(actor: Actor, row: Loop, at: datetime) -> bool:
    try:
        relation(actor, state_of(row), at)
    except Forbidden:
        return False
    return True
