"""Between the rows of contracts and what they project, and the replay that must equal them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from yishe.care.models import Attempt, Contract, Owed
from yishe.policy import contract_state, contract_year
from yishe.policy.contract_state import (
    APPLIED,
    ATTEMPTED,
    KEPT,
    OPENED,
    RELEASED,
    REPLANNED,
    SIGNED,
    ContractState,
    Said,
)
from yishe.trust import ids, ledger, replay
from yishe.trust.ledger import Head
from yishe.trust.models import Entry

UNKEPT: Mapping[str, Any] = {"kept_on": None, "kept_by": None, "evidence": None}
_STATE = tuple(field.name for field in fields(ContractState))


def columns(state: ContractState, home: UUID, subject: UUID, head: Head) -> dict[str, Any]:
    """Every column of the row for this state but its id."""
    values = {name: getattr(state, name) for name in _STATE}
    return values | {"home": home, "subject": subject, "seq": head.seq, "head": head.hash}


def state_of(row: Contract) -> ContractState:
    """The state as the row shows it."""
    return ContractState(**{name: getattr(row, name) for name in _STATE})


def promised(item: Mapping[str, Any], contract: UUID, home: UUID, subject: UUID) -> dict[str, Any]:
    """The row of a promise as the entry that promised it wrote it."""
    days = {name: date.fromisoformat(item[name]) for name in ("starts", "due", "ends")}
    return {**item, **days, "id": UUID(item["id"]), "contract_id": contract, "home": home, "subject": subject}


def written(owed: Sequence[contract_year.Owed]) -> list[dict[str, Any]]:
    """Promises as the ledger keeps them, each with an id of its own."""
    return [{"id": str(ids.new()), **one.plain} for one in owed]


def laid(
    owed: Sequence[contract_year.Owed], row: Contract
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The same beside the rows that `promised` would make of them."""
    new, mine = [ids.new() for _ in owed], {"contract_id": row.id, "home": row.home, "subject": row.subject}
    said = [{"id": str(one), **promise.plain} for one, promise in zip(new, owed, strict=True)]
    return said, [{"id": one, **mine, **promise.columns} for one, promise in zip(new, owed, strict=True)]


def happened(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry about one promise changes in its row."""
    found: dict[str, Any] = {"loop": UUID(item["loop"])} if "loop" in item else {}
    if "on" in item:
        found |= {"kept_on": date.fromisoformat(item["on"]), "evidence": UUID(item["evidence"])}
    return found


def changed(said: Mapping[str, Any], on: date) -> dict[str, dict[str, Any]]:
    """Promise → columns that an entry of planning anew changes in rows which were there before."""
    asked = {one["id"]: {"covers": one["covers"]} for one in said["covers"]}
    fallen = {one["id"]: {"withdrawn_on": on, "withdrawn_why": one["why"]} for one in said["withdrawn"]}
    return asked | fallen


def _streams() -> Iterator[tuple[UUID, Sequence[Entry]]]:
    begun = Entry.objects.filter(kind=APPLIED, seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=begun).order_by("stream", "seq").iterator(chunk_size=2000)
    for stream, group in groupby(entries, key=lambda one: one.stream):
        yield stream, list(group)


def refolded(streams: replay.Streams | None = None) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """(contract, columns as its entries leave it) for these contracts, or every one of the ledger."""
    for stream, rows in _streams() if streams is None else streams.items():
        state = contract_state.fold(
            Said(one.kind, one.actor, one.recorded_at, ledger.facts_of(one)) for one in rows
        )
        last = rows[-1]
        if state is not None and last.subject is not None:
            yield stream, columns(state, last.home, last.subject, Head(last.seq, bytes(last.hash)))


def refolded_items(streams: replay.Streams | None = None) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """The same for every promise of the contracts' years."""
    for stream, rows in _streams() if streams is None else streams.items():
        items: dict[str, dict[str, Any]] = {}
        for one in rows:
            said = ledger.facts_of(one)
            if one.kind in (SIGNED, REPLANNED) and one.subject is not None:
                items |= {it["id"]: promised(it, stream, one.home, one.subject) for it in said["year"]}
            if one.kind == REPLANNED:
                for which, values in changed(said, date.fromisoformat(said["on"])).items():
                    items[which] |= values
            elif one.kind == RELEASED:
                for it in said["items"]:
                    items[it["id"]] |= UNKEPT
            elif one.kind in (OPENED, KEPT):
                for it in said["items"]:
                    by = {"kept_by": one.actor} if one.kind == KEPT else {}
                    items[it["id"]] |= happened(it) | by
        yield from ((row["id"], {k: v for k, v in row.items() if k != "id"}) for row in items.values())


def attempted(
    said: Mapping[str, Any], contract: UUID, home: UUID, subject: UUID, by: UUID, at: datetime
) -> dict[str, Any]:
    """The row of an attempt as its entry wrote it."""
    again, visit = said.get("again_at"), said.get("visit")
    return {
        "id": UUID(said["id"]), "home": home, "subject": subject, "contract_id": contract, "way": said["way"],
        "outcome": said["outcome"], "reached": said["reached"], "tried_at": datetime.fromisoformat(said["tried_at"]),
        "again_at": datetime.fromisoformat(again) if again else None, "visit": UUID(visit) if visit else None,
        "by": by, "recorded_at": at,
    }  # fmt: skip


def refolded_attempts() -> Iterator[tuple[UUID, dict[str, Any]]]:
    """The same for every attempt to reach somebody."""
    for one in Entry.objects.filter(kind=ATTEMPTED).order_by("stream", "seq").iterator(chunk_size=2000):
        if one.subject is None:
            continue
        said = ledger.facts_of(one)
        row = attempted(said, one.stream, one.home, one.subject, one.actor, one.recorded_at)
        yield row["id"], {name: value for name, value in row.items() if name != "id"}


def compared(streams: replay.Streams) -> list[replay.Difference]:
    """Where the rows of these contracts, and of their promises, say something else."""
    mine = list(streams)
    return replay.beside(refolded(streams), Contract.objects.filter(id__in=mine).values()) + replay.beside(
        refolded_items(streams), Owed.objects.filter(contract_id__in=mine).values()
    )


def differences() -> list[replay.Difference]:
    """Everywhere the rows say something else than their ledger; empty when all is well."""
    rows, items, tries = Contract.objects.values(), Owed.objects.values(), Attempt.objects.values()
    return (
        replay.differences(
            refolded(), lambda stream: rows.filter(id=stream).first(), rows.values_list("id", flat=True)
        )
        + replay.differences(
            refolded_items(), lambda one: items.filter(id=one).first(), items.values_list("id", flat=True)
        )
        + replay.differences(
            refolded_attempts(), lambda one: tries.filter(id=one).first(), tries.values_list("id", flat=True)
        )
    )
