"""Everything people say to a loop after it was promised: one function for every verb of the table."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from yishe.loops import kinds, knowing, nudges
from yishe.loops.company import is_leader, leader_above
from yishe.loops.models import Loop, Tracking
from yishe.loops.projection import Read, Track, found, read
from yishe.loops.promises import Wanted, into, pin_directory
from yishe.loops.recording import Said, carry, not_before, seen
from yishe.loops.repeats import answered_before
from yishe.loops.returning import barred
from yishe.loops.settling import relieved
from yishe.loops.tracks import children, served
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.people.packs import in_force as packs_in_force
from yishe.people.placements import Placement, of_matter, placement_of_subject
from yishe.policy.loop_decisions import Cast, Step, decide
from yishe.policy.loop_roles import Command, Situation, allowed
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_words import is_nudge
from yishe.policy.refusals import Conflict, Invalid, Refused
from yishe.trust import ids
from yishe.trust.commit import Bundle, Duplicate, Stale

FRESH_PEOPLE = ("hand_over", "reopen", "refer_on")
CHILD_DONE = ("complete", "confirm")
TRIES = 3
"""How often a lost race that left this loop alone (a sibling track, a changed roster) is decided again."""


def act(
    actor: Actor, verb: str, loop_id: uuid.UUID, *, seq: int, at: datetime, command_id: str | None = None,
    digest: bytes | None = None, reason: str = "", outcome: str = "", evidence: Sequence[dict[str, Any]] = (),
    note: str = "", to: uuid.UUID | None = None, until: datetime | None = None, said_by: str = "",
    occurred_at: datetime | None = None, source: str = "", proofs: Sequence[dict[str, Any]] = (),
) -> uuid.UUID:  # fmt: skip
    """Carry out one verb; returns the id of the loop acted on (the new one for refer_on).

    `proofs`: evidence of the caller's own doing. `source`: a door whose answer shows the loop; its access line is then part
    of the commit. Refused: wrong turn (403), wrong state or `stale` (409), what is missing or unknown (422).
    """
    command = Command(verb, reason, outcome, tuple(evidence), note, to, until, said_by, tuple(proofs))
    said = Said(actor.staff_id, at, command_id, digest, occurred_at, source)
    return acted(actor, loop_id, seq, command, said).loop


@dataclass(frozen=True)
class Acted:
    """What a command led to: the loop to look at next. Where the story was asked for and this very command moved the
    loop, also what it read, what it `said` in which `steps`, and the state they left."""

    loop: uuid.UUID
    reading: Read | None = None
    said: Said | None = None
    steps: Sequence[Step] = ()
    state: LoopState | None = None


def acted(
    actor: Actor, loop_id: uuid.UUID, seq: int, command: Command, said: Said, *, told: bool = False,
    reading: Read | None = None,
) -> Acted:  # fmt: skip
    """The same; `told` reads the story along, for an answer without another statement. `reading` is what was just read."""
    verb, at = command.verb, said.at
    for nth in range(TRIES):
        reading = reading if reading and not nth else read(loop_id, told=told)
        state = reading.state
        knowing.relation(actor, state, at, tracked=reading.tracked)
        said = replace(said, at=not_before(at, state))
        if state.seq != seq:
            before = _repeated(actor, state, verb, said)
            if before:
                return Acted(before)
            raise stale(actor, state, seq, at)
        bundle = Bundle()
        try:
            answer = _decided(bundle, actor, reading, command, said)
            seen(bundle, state.home, state.subject, verb, said)
            bundle.commit()
        except (Stale, Duplicate, Refused) as fault:
            # The key comes before state and turn: a repeat is answered, another body under it is what is wrong.
            before = _repeated(actor, state, verb, said)
            if before:
                return Acted(before)
            if isinstance(fault, Refused):
                raise
            directory.forget()
        else:
            return answer
    raise _why_not(actor, loop_id, seq, at)


def prepared(
    actor: Actor, reading: Read, command: Command, said: Said, nudged: Mapping[uuid.UUID, datetime]
) -> Bundle | None:
    """What a verb would write now to the loop that was read, for whoever writes many together; None when this very command was
    carried out before. `nudged` as `nudges.last` tells it. Refused as `act`."""
    state, bundle = reading.state, Bundle()
    knowing.relation(actor, state, said.at, tracked=reading.tracked)
    said = replace(said, at=not_before(said.at, state))
    try:
        _decided(bundle, actor, reading, command, said, nudged)
    except Refused:
        if _repeated(actor, state, command.verb, said):
            return None
        raise
    seen(bundle, state.home, state.subject, command.verb, said)
    return bundle


def _repeated(actor: Actor, state: LoopState, verb: str, said: Said) -> uuid.UUID | None:
    """What this command led to when it arrived before, with the access line of this answer."""
    before = answered_before(actor, said)
    if before:
        seen(None, state.home, state.subject, verb, said)
    return before


def situation(actor: Actor, state: LoopState, at: datetime, tracked: bool = True) -> Situation:
    """What the decision looks at. Children, and being one of those who track, cost a statement where they matter."""
    concerned = actor.staff_id in (state.sender, state.performer, state.owner)
    leads = not actor.is_system and is_leader(actor.staff_id, state, at)
    tracking = tracked and not (concerned or leads or actor.is_system) and _tracks(actor.staff_id, state.id)
    kind = kinds.opened_under(state.kind, state.pack)
    bars = barred([state]) if actor.staff_id == state.sender else {}
    return Situation(
        state, kind, packs_in_force().calendar, at, actor.staff_id, leads, tracking, actor.is_system,
        children(state) if kind.children else {}, barred=bars.get(state.id, ""),
    )  # fmt: skip


def _tracks(person: uuid.UUID, loop_id: uuid.UUID) -> bool:
    return Tracking.objects.filter(loop=loop_id, person=person).exists()


def _decided(
    bundle: Bundle, actor: Actor, reading: Read, command: Command, said: Said,
    nudged: Mapping[uuid.UUID, datetime] | None = None,
) -> Acted:  # fmt: skip
    """Decide and add everything to the bundle; returns the loop the caller wants to see next."""
    track, state = reading.track, reading.state
    s = situation(actor, state, said.at, reading.tracked)
    if is_nudge(command):
        last = nudges.last([state.id]) if nudged is None else nudged
        s = replace(s, nudged_at=last.get(state.id))
    where = _where(s) if command.verb in FRESH_PEOPLE else None
    cast = _cast(s, command, where)
    steps = decide(s, command, cast)
    _check_receiver(s, command, where)
    onward = None
    if command.verb == "refer_on":
        onward = _refer_on(bundle, actor, s, command, where, said)
        steps = [replace(steps[-1], data={**steps[-1].data, "to_loop": str(onward)})]
    watching = _watching(state.id) if reading.tracked else ()
    if state.parent and command.verb in CHILD_DONE and steps[-1].changes.get("closed_as") == "served":
        _relieve(bundle, served(bundle, state, said), said.at)
    moved = carry(bundle, track, steps, said, reading.key, watching)
    relieved_too = _relieve(bundle, moved, said.at)
    if command.verb in ("hand_over", "reopen"):
        pin_directory(bundle)
    if onward or relieved_too or not reading.story:
        return Acted(onward or state.id)
    return Acted(state.id, reading, said, steps, moved.state)


def _where(s: Situation) -> Placement | None:
    state = s.state
    if s.kind.about == "matter":
        return of_matter(state.home, state.centre, state.subject)
    return placement_of_subject(state.subject)


def _relieve(bundle: Bundle, track: Track | None, at: datetime) -> bool:
    """The turn never stays with someone who is away or gone. Returns whether it had to move on."""
    steps = relieved(track.state, at) if track else []
    if track and steps:
        carry(bundle, track, steps, Said(ids.SYSTEM, at), None)
    return bool(steps)


def _watching(loop_id: uuid.UUID) -> list[uuid.UUID]:
    return list(Tracking.objects.filter(loop=loop_id).values_list("person", flat=True))


def _cast(s: Situation, command: Command, where: Placement | None) -> Cast:
    if command.verb == "decline" and s.state.declines:
        return Cast(leader=leader_above(s.state, s.at, (s.state.sender, s.state.performer)))
    if command.verb == "reopen" and where is not None:
        book = directory.current()
        member = book.people.get(s.state.performer)
        if member is not None and book.present(member, s.at):
            return Cast(performer=s.state.performer)
        matter = s.kind.about == "matter"
        fresh = (
            book.holder(s.state.duty, where.centre, s.at)
            if matter
            else book.performer(s.state.duty, where, s.at)
        )
        return Cast(performer=fresh.member.id, shift_until=fresh.until)
    return Cast()


def _check_receiver(s: Situation, command: Command, where: Placement | None) -> None:
    """A loop is handed only to someone who works here, is there, and whose duty it is, or who leads."""
    if command.verb != "hand_over" or command.to is None:
        return
    book = directory.current()
    member = book.people.get(command.to)
    if member is None or not member.held(s.at):
        raise Invalid("to", "接手人不是在岗的工作人员：请从名单里选。", field="to")
    if book.away(member.id, s.at):
        raise Conflict("to_away", f"{member.name}正在休假：请选其他人，或转给其替班人。", field="to")
    leads = is_leader(member.id, s.state, s.at)
    if not (s.state.turn == "sender" or s.state.duty in member.duties(s.at) or leads):
        raise Invalid("to_duty", f"{member.name}不承担“{_title(s)}”：请转给同职责的人或负责人。", field="to")
    if s.state.centre not in member.centres(s.at) and not leads:
        raise Invalid("to_centre", f"{member.name}不在这个中心：跨中心请用“再转”。", field="to")


def _refer_on(
    bundle: Bundle, actor: Actor, s: Situation, command: Command, where: Placement | None, said: Said
) -> uuid.UUID:
    """The new loop, tied to the old. The same two sides again carry the count of refusals along."""
    if where is None:
        raise Conflict("resident_gone", "这位居民的档案已不在册，不能再转。")
    chosen = _chosen(command.to, s)
    same = (chosen or s.state.performer) == s.state.performer
    wanted = Wanted(
        s.state.kind, s.state.reason, command.note, parent=s.state.parent, follows=s.state.id,
        declines=s.state.declines if same else 0, to=chosen, sender=actor.staff_id,
        duty=s.state.duty,
    )  # fmt: skip
    return into(bundle, actor, where, wanted, Said(said.actor, said.at)).state.id


def _chosen(to: uuid.UUID | None, s: Situation) -> uuid.UUID | None:
    if to is None:
        return None
    member = directory.current().people.get(to)
    if member is None or not directory.current().present(member, s.at):
        raise Invalid("to", "接手人不是在岗的工作人员：请从名单里选。", field="to")
    if s.state.duty not in member.duties(s.at) and not is_leader(member.id, s.state, s.at):
        raise Invalid("to_duty", f"{member.name}不承担“{_title(s)}”：请转给同职责的人或负责人。", field="to")
    return to


def _title(s: Situation) -> str:
    return packs_in_force().duties[s.state.duty].title.zh


def stale(actor: Actor, state: LoopState, seq: int, at: datetime) -> Conflict:
    """Someone acted first: what the state is now and what is possible."""
    s = situation(actor, state, at)
    return Conflict(
        "stale", "这件事刚刚有了新进展，您看到的已不是最新：请先看发生了什么，再决定。",
        seq=state.seq, given=seq, state=state.status, business_status=state.business_status, allowed=allowed(s),
        loop=str(state.id),
    )  # fmt: skip


def _why_not(actor: Actor, loop_id: uuid.UUID, seq: int, at: datetime) -> Exception:
    state = found(loop_id)
    if state.seq != seq:
        return stale(actor, state, seq, at)
    same = Loop.objects.filter(subject=state.subject, kind=state.kind, reason=state.reason)
    other = same.filter(closed_at=None, single=True).exclude(id=state.id).values_list("id", flat=True).first()
    if other:
        return Conflict("already_open", "同一原因已有另一件在办：请在那一件上继续。", existing=str(other))
    return Conflict("busy", "同时有人在操作相关事项，请再点一次。")
