"""The same command arriving twice: recognised by its key, answered as the first time, refused with another body."""

import uuid

from yishe.loops.recording import Said
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid
from yishe.trust import ids, ledger
from yishe.trust.ledger import Entry


def entry_before(actor: Actor, said: Said) -> Entry | None:
    """The entry this command made before, or None. Invalid when the key was used for another command."""
    if not said.command_id:
        return None
    homes = [unit.id for unit in directory.current().organisations.values() if unit.level == "centre"]
    entry = ledger.command(homes, actor.staff_id, said.command_id)
    if entry is None:
        return None
    known = bytes(entry.command_digest) if entry.command_digest is not None else None
    if known != said.digest:
        raise Invalid("key_reused", "这个 Idempotency-Key 已用于另一个请求：新的操作请换一个新的键。")
    return entry


def answered_before(actor: Actor, said: Said) -> uuid.UUID | None:
    """The loop this command made or moved before; None when it is new."""
    entry = entry_before(actor, said)
    if entry is None:
        return None
    led_to = ids.parse(ledger.facts_of(entry).get("to_loop"))
    return led_to or entry.stream
