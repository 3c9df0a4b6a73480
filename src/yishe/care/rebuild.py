"""Refolding all that is projected from the ledger: loops, consents, contracts, plans and classes. Replay must equal the rows."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.db import models

from yishe.care import class_stream, contract_rows, plan_rows
from yishe.care.class_models import ClassOf
from yishe.care.models import Attempt, Contract, Plan
from yishe.loops import rebuild
from yishe.people import consent_rows
from yishe.policy.class_state import ASSIGNED
from yishe.policy.consent_state import GIVEN
from yishe.policy.contract_state import APPLIED
from yishe.policy.plan_state import WRITTEN
from yishe.trust import replay
from yishe.trust.models import Entry


def differences() -> list[replay.Difference]:
    """Everywhere a row says something else than its ledger; empty when all is well."""
    rooms = (rebuild, contract_rows, plan_rows, class_stream)
    return [one for each in rooms for one in each.differences()]


def compared(streams: replay.Streams) -> tuple[int, list[replay.Difference]]:
    """How many of these streams have rows of their own, and where those say something else than the stream does."""
    sorts: dict[str, dict[UUID, Sequence[Entry]]] = {}
    for stream, entries in streams.items():
        sorts.setdefault(entries[0].kind, {})[stream] = entries
    known = {kind: some for kind, some in sorts.items() if kind in _COMPARED}
    found = [one for kind, some in known.items() for one in _COMPARED[kind](some)]
    return sum(map(len, known.values())), found


_COMPARED: Mapping[str, Callable[[replay.Streams], list[replay.Difference]]] = {
    rebuild.PROMISED: rebuild.compared,
    GIVEN: consent_rows.compared,
    APPLIED: contract_rows.compared,
    WRITTEN: plan_rows.compared,
    ASSIGNED: class_stream.compared,
}
"""By the kind of a stream's first entry."""


def counts() -> dict[str, int]:
    """How many rows were compared."""
    rows = {
        "contracts": Contract.objects, "attempts": Attempt.objects, "plans": Plan.objects, "classes": ClassOf.objects,
    }  # fmt: skip
    return {**rebuild.counts(), **{name: each.count() for name, each in rows.items()}}


def heads() -> tuple[type[models.Model], ...]:
    """The projections whose rows remember the last entry of their stream, so that one cut short is seen."""
    return *rebuild.heads(), Contract, Plan, ClassOf
