"""Appending to a contract's stream, with its row following in the same bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care.contract_rows import columns, state_of
from yishe.care.models import Contract
from yishe.loops import repeats
from yishe.loops.recording import Said as Command
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.contract_state import APPLIED, MOVES, ContractState, Said, after
from yishe.policy.refusals import Conflict
from yishe.trust import commit, keys, ledger
from yishe.trust.commit import Bundle
from yishe.trust.ledger import Head


@dataclass(frozen=True)
class Once:
    """The name and fingerprint of a command, by which a repeat is recognised; without a name nothing is."""

    command_id: str | None = None
    digest: bytes | None = None

    def done(self, actor: Actor, at: datetime) -> UUID | None:
        """The contract this command led to before; Invalid when the name was used for another command."""
        before = repeats.entry_before(actor, Command(actor.staff_id, at, self.command_id, self.digest))
        return before.stream if before else None


UNNAMED = Once()


def begin(
    bundle: Bundle, contract: UUID, *, home: UUID, subject: UUID, actor: Actor, at: datetime, data: Mapping[str, Any],
    once: Once,
) -> None:  # fmt: skip
    """A new stream, and its row."""
    state = _after(None, APPLIED, actor, at, data)
    head = ledger.append(
        bundle, Head(), home=home, stream=contract, kind=APPLIED, actor=actor.staff_id, at=at,
        pack=packs.in_force().sha256, data=dict(data), subject=subject, command_id=once.command_id,
        command_digest=once.digest,
    )  # fmt: skip
    bundle.insert(Contract, id=contract, **columns(state, home, subject, head))


def advance(
    bundle: Bundle, row: Contract, kind: str, actor: Actor, at: datetime, data: Mapping[str, Any],
    words: dict[str, str] | None = None, once: Once = UNNAMED,
) -> None:  # fmt: skip
    """One more entry; the row is updated where it still stands as it was read. `row` follows, for a next entry."""
    key = keys.wrapped_key(row.subject) if words else None
    head = ledger.append(
        bundle, Head(row.seq, bytes(row.head)), home=row.home, stream=row.id, kind=kind, actor=actor.staff_id, at=at,
        pack=packs.in_force().sha256, data=dict(data), subject=row.subject, words=words, subject_key=key,
        command_id=once.command_id, command_digest=once.digest,
    )  # fmt: skip
    values: dict[str, Any] = {"seq": head.seq, "head": head.hash}
    if kind in MOVES:
        state = _after(state_of(row), kind, actor, at, data)
        whole = columns(state, row.home, row.subject, head)
        values = {name: value for name, value in whole.items() if value != getattr(row, name)}
    bundle.update(Contract, where={"id": row.id, "seq": row.seq}, values=values)
    for name, value in values.items():
        setattr(row, name, value)


def _after(
    before: ContractState | None, kind: str, actor: Actor, at: datetime, data: Mapping[str, Any]
) -> ContractState:
    state = after(before, Said(kind, actor.staff_id, at, data))
    if state is None:
        raise AssertionError("a contract begins with its application")
    return state


def commit_(bundle: Bundle) -> None:
    """Write it; Conflict when a colleague was first."""
    try:
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        raise Conflict("contract_changed", "另一位同事刚刚办过这份签约：请刷新后再看。") from None
