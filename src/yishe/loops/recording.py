"""From decided steps to what is written: append, project, tell. The last three lines of every writer here."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yishe.loops.models import Loop
from yishe.loops.projection import Track, columns, derived
from yishe.people import access
from yishe.policy.loop_decisions import Step, everyone
from yishe.policy.loop_state import LoopState, applied
from yishe.policy.loop_words import NUDGE
from yishe.talk import outbox
from yishe.trust import access_log, ids, ledger, origin
from yishe.trust.commit import Bundle
from yishe.trust.ledger import Head

QUIET = ("received", "retimed")
"""Events nobody needs a notice of; open screens still follow them."""

CLOCKWORK = ("reminded", "escalated")
"""Events that are for those whom the ladder names; the others' open screens follow."""

PROMISED = "promised"
"""The event that begins every stream."""

NUDGED = "nudged"
"""What a notice calls a note that asks its reader to move; it is for the owner alone."""


@dataclass(frozen=True)
class Said:
    """Who says it, when, and the command's name and fingerprint for recognising a repeat."""

    actor: uuid.UUID
    at: datetime
    command_id: str | None = None
    digest: bytes | None = None
    occurred_at: datetime | None = None
    source: str = ""


def born(
    bundle: Bundle,
    opening: dict[str, Any],
    said: Said,
    key: bytes | None,
    words: dict[str, str],
    codes: dict[str, Any],
) -> Track:
    """A new stream whose first entry carries the whole opening state and its `codes`; the row is inserted."""
    state = applied(None, 1, opening)
    facts = {**({"reason": state.reason} if state.reason else {}), **codes}
    data = {"set": opening, **facts}
    head = _append(bundle, Head(), state, PROMISED, said, data, key, words, first=True)
    bundle.insert(Loop, **columns(state, head))
    _relate(bundle, state, said.at, (state.sender, state.performer))
    _tell(bundle, None, state, PROMISED, said, ())
    return Track(state, head, facts, words)


def carry(
    bundle: Bundle,
    track: Track,
    steps: Sequence[Step],
    said: Said,
    key: bytes | None,
    watching: Iterable[uuid.UUID] = (),
) -> Track:
    """Append every step to the stream and update the row once, pinned on the seq that was decided on."""
    before, state, head = track.state, track.state, track.head
    for step in steps:
        earlier, state = state, applied(state, state.seq + 1, step.changes)
        data = {**({"set": step.changes} if step.changes else {}), **step.data}
        head = _append(bundle, head, state, step.event, said, data, key, step.words, first=step is steps[-1])
        _tell(bundle, earlier, state, _told_as(step), said, (*step.told, *watching))
    _project(bundle, before, state, head, {name for step in steps for name in step.changes})
    _relations_follow(bundle, before, state, said.at)
    return Track(state, head)


def _append(
    bundle: Bundle, head: Head, state: LoopState, event: str, said: Said, data: dict[str, Any], key: bytes | None,
    words: dict[str, str], *, first: bool,
) -> Head:  # fmt: skip
    return ledger.append(
        bundle, head, home=state.home, stream=state.id, kind=event, actor=said.actor, at=said.at, pack=state.pack,
        data=data, subject=state.subject, subject_key=key, words=words, occurred_at=said.occurred_at,
        command_id=said.command_id if first else None, command_digest=said.digest if first else None,
    )  # fmt: skip


def _project(bundle: Bundle, before: LoopState, state: LoopState, head: Head, touched: Iterable[str]) -> None:
    """Of the fields that steps touched those that are another now, and what is read off them."""
    changed: dict[str, Any] = {}
    for name in sorted(touched):  # in one order, so that updates of one shape share a statement
        value = getattr(state, name)
        if value != getattr(before, name):
            changed[name] = value
    if "state" in changed or "closed_at" in changed:
        old, new = derived(before), derived(state)
        changed |= {name: value for name, value in new.items() if value != old[name]}
    where = {"id": state.id, "seq": before.seq}
    bundle.update(Loop, where=where, values={**changed, "seq": state.seq, "head": head.hash})


def seen(bundle: Bundle | None, home: uuid.UUID, subject: uuid.UUID, verb: str, said: Said) -> None:
    """The access line of an act, in the act's own commit. A repeated command shows the loop again and passes no
    bundle; what the clock does is nobody's look."""
    if said.source or origin.current().door:
        access_log.line(
            bundle, home=home, actor=said.actor, action=f"loop.{verb}", subjects=[subject],
            relation=access.PARTICIPANT, source=said.source, at=said.at,
        )  # fmt: skip


def source_of(state: LoopState) -> str:
    return f"loop:{state.id}"


def _relate(
    bundle: Bundle, state: LoopState, at: datetime, people: Iterable[uuid.UUID], *, again: bool = False
) -> None:
    """Participants may see the resident for as long as they take part; `again` for those who may have been in before."""
    for person in dict.fromkeys(people):
        if person == ids.SYSTEM:
            continue
        access.facts(
            bundle, home=state.home, person=person, subject=state.subject, relation=access.PARTICIPANT,
            source=source_of(state), since=at,
        )  # fmt: skip
        if again:
            access.renew_facts(bundle, person=person, source=source_of(state))


def _relations_follow(bundle: Bundle, before: LoopState, state: LoopState, at: datetime) -> None:
    """Who joins may see from now on, who is handed off no longer, and with the loop it ends for all."""
    old, new = _sides(before), _sides(state)
    if before.is_open and not state.is_open:
        access.end_facts(bundle, source=source_of(state), until=at)
    elif state.is_open and not before.is_open:
        _relate(bundle, state, at, sorted(new), again=True)
    elif old != new:
        _relate(bundle, state, at, sorted(new - old), again=True)
        for person in sorted(old - new):
            access.end_facts(bundle, source=source_of(state), until=at, person=person)


def _sides(state: LoopState) -> set[uuid.UUID]:
    return {state.sender, state.performer, *([state.owner] if state.owner else [])}


def _told_as(step: Step) -> str:
    return NUDGED if step.event == "noted" and step.data.get("reason") == NUDGE else step.event


def _tell(
    bundle: Bundle,
    before: LoopState | None,
    state: LoopState,
    event: str,
    said: Said,
    extra: Iterable[uuid.UUID],
) -> None:
    """A notice to everyone concerned but the one who acted; his own open screens only follow."""
    named = list(dict.fromkeys(extra))
    concerned = dict.fromkeys([*everyone(state, named), *(everyone(before) if before else [])])
    told = [
        {"event": event, "kind": state.kind, "mine": mine, "by": str(said.actor)} for mine in (False, True)
    ]
    whom = []
    for person in concerned:
        if person != ids.SYSTEM:
            quiet = person == said.actor or event in QUIET or _for_others(event, person, state, named)
            whom.append(outbox.Reached(person, quiet, told[person == state.owner]))
    outbox.reach(
        bundle, whom, home=state.home, topic=f"loop.{event}", key=f"{state.id}:{state.seq}", at=said.at, loop=state.id,
        subject=state.subject, urgency=state.urgency,
    )  # fmt: skip


def _for_others(event: str, person: uuid.UUID, state: LoopState, named: Sequence[uuid.UUID]) -> bool:
    """Some events have one addressee."""
    return (event in CLOCKWORK and person not in named) or (event == NUDGED and person != state.owner)


def not_before(at: datetime, state: LoopState) -> datetime:
    """The moment an entry is recorded at: a clock set back never puts an entry before the one it follows."""
    return max(at, state.last_at or state.promised_at)


__all__ = ["Said", "Track", "born", "carry", "not_before", "source_of"]
