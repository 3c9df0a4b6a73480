"""One verb said to many loops: each is decided by its own rules, what is decided is written together, a chunk at a time.

What is refused for one hinders no other. Where a chunk loses a race it is said again one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from yishe.loops import acts, projection
from yishe.loops.recording import Said
from yishe.people.actors import Actor
from yishe.policy.loop_roles import Command
from yishe.policy.refusals import Refused
from yishe.trust.batch import Batch
from yishe.trust.commit import Duplicate, Stale

CHUNK = 200


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
    for n in range(0, len(asked), CHUNK):
        found += _together(actor, asked[n : n + CHUNK], dry_run)
    return found


def _together(actor: Actor, part: Sequence[Asked], dry_run: bool) -> list[Refused | None]:
    batch = Batch()
    found = [_decided(batch, actor, one) for one in part]
    if dry_run or not batch:
        return found
    try:
        batch.commit()
    except (Stale, Duplicate):
        return [refused or _alone(actor, one) for refused, one in zip(found, part, strict=True)]
    return found


def _decided(batch: Batch, actor: Actor, one: Asked) -> Refused | None:
    try:
        bundle = acts.prepared(actor, one.loop, one.command, one.said)
    except Refused as refused:
        return refused
    if bundle is not None:
        batch.take_in(bundle)
    return None


def _alone(actor: Actor, one: Asked) -> Refused | None:
    try:
        acts.acted(actor, one.loop, projection.found(one.loop).seq, one.command, one.said)
    except Refused as refused:
        return refused
    return None
