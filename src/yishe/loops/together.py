"""One verb said to many loops: each is decided by its own rules, what is decided is written together, a chunk at a time.

What is refused for one hinders no other. Where a chunk loses a race it is said again one by one: mostly the whole of it was said
before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from yishe.loops import acts, nudges, projection
from yishe.loops.recording import Said
from yishe.people.actors import Actor
from yishe.policy.loop_roles import Command
from yishe.policy.loop_words import is_nudge
from yishe.policy.refusals import Refused
from yishe.trust import batch
from yishe.trust.batch import Batch
from yishe.trust.commit import Duplicate, Stale


@dataclass(frozen=True)
class Asked:
    """A verb for one loop, said with its own command id."""

    loop: UUID
    command: Command
    said: Said


def act_all(actor: Actor, asked: Sequence[Asked], *, dry_run: bool = False) -> list[Refused | None]:
    """Why each of them was refused, in their order, None for what is done. Said again under the same command ids it does
    nothing twice; with `dry_run` it is decided only."""
    found: list[Refused | None] = []
    for n in range(0, len(asked), batch.AT_ONCE):
        found += _together(actor, asked[n : n + batch.AT_ONCE], dry_run)
    return found


def _together(actor: Actor, part: Sequence[Asked], dry_run: bool) -> list[Refused | None]:
    together = Batch()
    found = _decided(together, actor, part)
    if dry_run:
        return found
    try:
        together.commit()
    except (Stale, Duplicate):
        return [refused or _alone(actor, one) for refused, one in zip(found, part, strict=True)]
    return found


def _decided(together: Batch, actor: Actor, part: Sequence[Asked]) -> list[Refused | None]:
    """Each by its own rules, over what was read of all at once."""
    loops = [one.loop for one in part]
    known = projection.read_all(loops)
    nudged = nudges.last(loops) if any(is_nudge(one.command) for one in part) else {}
    found: list[Refused | None] = []
    for one in part:
        try:
            reading = known.get(one.loop) or projection.read(one.loop)
            bundle = acts.prepared(actor, reading, one.command, one.said, nudged)
        except Refused as refused:
            found.append(refused)
            continue
        found.append(None)
        if bundle is not None:
            together.take_in(bundle)
    return found


def _alone(actor: Actor, one: Asked) -> Refused | None:
    try:
        acts.acted(actor, one.loop, projection.found(one.loop).seq, one.command, one.said)
    except Refused as refused:
        return refused
    return None
