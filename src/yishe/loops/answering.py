"""A loop as the answer to a command, with the resident behind it: from what the command read and wrote, or one statement.

Replay equals projection, so the row need not be read again; and the same command arriving twice is folded up to
the entry it made, which is the first answer.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from yishe.loops import acts, covering, kinds, promises, recording
from yishe.loops.company import is_leader
from yishe.loops.models import Loop
from yishe.loops.projection import folded
from yishe.loops.reading import Said
from yishe.loops.returning import barred
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.loop_decisions import Step
from yishe.policy.loop_roles import Situation, allowed
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import NotFound
from yishe.trust import ledger, quick
from yishe.trust.models import Entry


@dataclass(frozen=True)
class Answer:
    """The loop after the command, what its caller may do now, and the story so far."""

    state: LoopState
    resident: uuid.UUID | None
    allowed: tuple[str, ...]
    entries: tuple[Said, ...]


def answer(actor: Actor, loop_id: uuid.UUID, at: datetime, command_id: str | None = None) -> Answer:
    """The loop as `command_id` of this actor left it, or as it is now. The caller has asked access."""
    story = _story(loop_id)
    rows = story.entries
    made = [e.seq for e in rows if command_id and e.command_id == command_id and e.actor == actor.staff_id]
    upto = made[0] if made else rows[-1].seq if rows else 0
    then = folded(rows[:upto])
    if then is None:
        raise NotFound("no_such_loop", "没有这件闭环：请从“今日”或“台账”重新打开。")
    s, told = acts.situation(actor, then[0], at), _said(rows[:upto], story.key)
    return _cut(actor, Answer(then[0], story.resident, tuple(allowed(s)), told), at)


def _cut(actor: Actor, found: Answer, at: datetime) -> Answer:
    """Without what it is about, for those to whom the pack does not show that."""
    if not covering.words(actor, found.state, at):
        return found
    told = tuple(replace(one, data=covering.plain(one.data.items()), words={}) for one in found.entries)
    return replace(found, state=covering.covered(found.state), entries=told)


def after(actor: Actor, acted: acts.Acted, at: datetime, command_id: str | None = None) -> Answer:
    """The loop as a command just left it, from what the command itself read and wrote; where it led elsewhere, or was a
    repeat, it is read."""
    reading, said, state = acted.reading, acted.said, acted.state
    if reading is None or said is None or state is None:
        return answer(actor, acted.loop, at, command_id)
    new = [_of_step(seq, step, said) for seq, step in enumerate(acted.steps, reading.state.seq + 1)]
    s = acts.situation(actor, state, at)
    told = (*_said(reading.story, reading.key), *new)
    return _cut(actor, Answer(state, reading.resident, tuple(allowed(s)), told), at)


def _of_step(seq: int, step: Step, said: recording.Said) -> Said:
    """A step as its entry tells it."""
    facts = orjson.loads(ledger.canonical(step.data))
    return Said(seq, step.event, said.actor, said.at, said.occurred_at or said.at, facts, step.words)


def first(actor: Actor, made: promises.Opened, said: recording.Said, command_id: str | None = None) -> Answer:
    """The loop as it was just promised, from the promise itself; one that was there before is read."""
    if made.track is None:
        return answer(actor, made.loop, said.at, command_id)
    state = made.track.state
    words = made.track.words
    told = Said(state.seq, recording.PROMISED, said.actor, said.at, said.at, made.track.facts, words)
    s = acts.situation(actor, state, said.at, tracked=False)
    return Answer(state, made.resident, tuple(allowed(s)), (told,))


def allowed_in_list(
    actor: Actor, states: Sequence[LoopState], at: datetime
) -> dict[uuid.UUID, tuple[str, ...]]:
    """Loop → the verbs `actor` may use, without a statement a loop: children are read for all at once. Someone who only
    follows a loop is not looked up here: his verbs are shown on its page."""
    served = _children({s.id for s in states if kinds.opened_under(s.kind, s.pack).children})
    leads = {(s.team, s.centre): is_leader(actor.staff_id, s, at) for s in _one_of_each_place(states)}
    bars = barred(s for s in states if s.sender == actor.staff_id)
    calendar = packs.in_force().calendar
    return {
        s.id: tuple(
            allowed(
                Situation(
                    s, kinds.opened_under(s.kind, s.pack), calendar, at, actor.staff_id,
                    is_leader=leads[s.team, s.centre] and not actor.is_system, is_system=actor.is_system,
                    children=served.get(s.id, {}), barred=bars.get(s.id, ""),
                )
            )
        )
        for s in states
    }  # fmt: skip


def _one_of_each_place(states: Sequence[LoopState]) -> Iterable[LoopState]:
    return {(s.team, s.centre): s for s in states}.values()


@dataclass(frozen=True)
class _Story:
    """A stream's entries with the resident behind it now and the key to its words, in one statement."""

    entries: list[Entry]
    resident: uuid.UUID | None
    key: bytes | None


def _select() -> str:
    return (
        f"SELECT {quick.columns(Entry, 'e')}, s.resident_id, k.wrapped FROM trust_entry e "
        "LEFT JOIN people_subject s ON s.subject = e.subject LEFT JOIN trust_subjectkey k ON k.subject = e.subject "
        "WHERE e.stream = %s ORDER BY e.seq"
    )


def _story(loop_id: uuid.UUID) -> _Story:
    rows = quick.rows(_select(), [loop_id])
    if not rows:
        return _Story([], None, None)
    *_, resident, key = rows[0]
    entries = [quick.instance(Entry, row) for row in rows]
    return _Story(entries, quick.uid(resident), bytes(key) if key is not None else None)


def _said(rows: Iterable[Entry], key: bytes | None) -> tuple[Said, ...]:
    return tuple(_one(row, key) for row in rows)


def _one(row: Entry, key: bytes | None) -> Said:
    words = ledger.words(row, key) if key is not None else {}
    return Said(row.seq, row.kind, row.actor, row.recorded_at, row.occurred_at, ledger.facts_of(row), words)


def _children(parents: set[uuid.UUID]) -> dict[uuid.UUID, dict[str, bool]]:
    if not parents:
        return {}
    found: dict[uuid.UUID, dict[str, bool]] = {}
    rows = list(Loop.objects.filter(parent__in=parents))
    followed = {row.follows for row in rows if row.follows}
    for row in rows:
        if row.id not in followed and row.parent:
            title = str(kinds.opened_under(row.kind, row.pack).title)
            found.setdefault(row.parent, {})[title] = row.closed_as == "served"
    return found
