"""Between the rows of plans and what they project, and the replay that must equal them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from yishe.care.models import Plan, PlanPromise
from yishe.policy import plan_state
from yishe.policy.plan_state import OPENED, WRITTEN, PlanState, Said
from yishe.trust import ledger, replay
from yishe.trust.ledger import Head
from yishe.trust.models import Entry

_STATE = tuple(field.name for field in fields(PlanState))


def columns(state: PlanState, home: UUID, subject: UUID, head: Head) -> dict[str, Any]:
    """Every column of the row for this state but its id."""
    values = {name: getattr(state, name) for name in _STATE} | {"present": list(state.present)}
    return values | {"home": home, "subject": subject, "seq": head.seq, "head": head.hash}


def state_of(row: Plan) -> PlanState:
    """The state as the row shows it."""
    return PlanState(**{name: getattr(row, name) for name in _STATE} | {"present": tuple(row.present)})


def promised(item: Mapping[str, Any], plan: UUID, home: UUID, subject: UUID) -> dict[str, Any]:
    """The row of a promise as the entry that brought the version into force wrote it."""
    days = {name: date.fromisoformat(item[name]) for name in ("opens", "due")}
    return {
        **item, **days, "id": UUID(item["id"]), "plan_id": plan, "home": home, "subject": subject, "loop": None,
        "dropped": False,
    }  # fmt: skip


def _streams() -> Iterator[tuple[UUID, Sequence[Entry]]]:
    begun = Entry.objects.filter(kind=WRITTEN, seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=begun).order_by("stream", "seq").iterator(chunk_size=2000)
    for stream, group in groupby(entries, key=lambda one: one.stream):
        yield stream, list(group)


def refolded(streams: replay.Streams | None = None) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """(plan, columns as its entries leave it) for these plans, or every one of the ledger."""
    for stream, rows in _streams() if streams is None else streams.items():
        state = plan_state.fold(
            Said(one.kind, one.actor, one.recorded_at, ledger.facts_of(one)) for one in rows
        )
        last = rows[-1]
        if state is not None and last.subject is not None:
            yield stream, columns(state, last.home, last.subject, Head(last.seq, bytes(last.hash)))


def refolded_promises(streams: replay.Streams | None = None) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """The same for every promise of the plans."""
    for stream, rows in _streams() if streams is None else streams.items():
        items: dict[str, dict[str, Any]] = {}
        for one in rows:
            said = ledger.facts_of(one)
            for it in said.get("dropped", ()):
                items[it] |= {"dropped": True}
            if one.subject is not None:
                items |= {
                    it["id"]: promised(it, stream, one.home, one.subject) for it in said.get("promises", ())
                }
            if one.kind == OPENED:
                items[said["promise"]] |= {"loop": UUID(said["loop"])}
        yield from ((row["id"], {k: v for k, v in row.items() if k != "id"}) for row in items.values())


def compared(streams: replay.Streams) -> list[replay.Difference]:
    """Where the rows of these plans, and of their promises, say something else."""
    mine = list(streams)
    return replay.beside(refolded(streams), Plan.objects.filter(id__in=mine).values()) + replay.beside(
        refolded_promises(streams), PlanPromise.objects.filter(plan_id__in=mine).values()
    )


def differences() -> list[replay.Difference]:
    """Everywhere the rows say something else than their ledger; empty when all is well."""
    rows, items = Plan.objects.values(), PlanPromise.objects.values()
    return replay.differences(
        refolded(), lambda stream: rows.filter(id=stream).first(), rows.values_list("id", flat=True)
    ) + replay.differences(
        refolded_promises(), lambda one: items.filter(id=one).first(), items.values_list("id", flat=True)
    )
