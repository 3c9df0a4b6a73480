"""Refolding all that is projected from the ledger: loops, consents, contracts, plans and classes. Replay must equal the rows."""

from collections.abc import Iterator
from uuid import UUID

from yishe.care import class_stream, contract_rows, plan_rows
from yishe.care.class_models import ClassOf
from yishe.care.models import Attempt, Contract, Plan
from yishe.loops import rebuild
from yishe.trust import replay


def differences() -> list[replay.Difference]:
    """Everywhere a row says something else than its ledger; empty when all is well."""
    rooms = (rebuild, contract_rows, plan_rows, class_stream)
    return [one for each in rooms for one in each.differences()]


def counts() -> dict[str, int]:
    """How many rows were compared."""
    rows = {
        "contracts": Contract.objects, "attempts": Attempt.objects, "plans": Plan.objects, "classes": ClassOf.objects,
    }  # fmt: skip
    return {**rebuild.counts(), **{name: each.count() for name, each in rows.items()}}


def heads() -> Iterator[tuple[UUID, int, bytes]]:
    """(stream, seq, hash) as the rows remember them, for verifying that no stream was cut short."""
    yield from rebuild.heads()
    yield from contract_rows.heads()
    yield from plan_rows.heads()
    yield from class_stream.heads()
