"""Refolding all that is projected from the ledger: loops, consents and contracts. Replay must equal the rows."""

from collections.abc import Iterator
from uuid import UUID

from yishe.care import contract_rows
from yishe.care.models import Contract
from yishe.loops import rebuild
from yishe.trust import replay


def differences() -> list[replay.Difference]:
    """Everywhere a row says something else than its ledger; empty when all is well."""
    return rebuild.differences() + contract_rows.differences()


def counts() -> dict[str, int]:
    """How many rows were compared."""
    return {**rebuild.counts(), "contracts": Contract.objects.count()}


def heads() -> Iterator[tuple[UUID, int, bytes]]:
    """(stream, seq, hash) as the rows remember them, for verifying that no stream was cut short."""
    yield from rebuild.heads()
    yield from contract_rows.heads()
