"""Refolding all that is projected from the ledger: loops, consents, contracts and plans. Replay must equal the rows."""

from collections.abc import Iterator
from uuid import UUID

from yishe.care import contract_rows, plan_rows
from yishe.care.models import Contract, Plan
from yishe.loops import rebuild
from yishe.trust import replay


def differences() -> list[replay.Difference]:
    """Everywhere a row says something else than its ledger; empty when all is well."""
    return rebuild.differences() + contract_rows.differences() + plan_rows.differences()


def counts() -> dict[str, int]:
    """How many rows were compared."""
    return {**rebuild.counts(), "contracts": Contract.objects.count(), "plans": Plan.objects.count()}


def heads() -> Iterator[tuple[UUID, int, bytes]]:
    """(stream, seq, hash) as the rows remember them, for verifying that no stream was cut short."""
    yield from rebuild.heads()
    yield from contract_rows.heads()
    yield from plan_rows.heads()
