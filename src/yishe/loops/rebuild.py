"""Refolding every loop from the ledger: replay must equal the rows, and any difference is reported."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from yishe.loops.models import Loop
from yishe.loops.projection import columns, folded
from yishe.trust.models import Entry

BYTES = (bytes, memoryview)


@dataclass(frozen=True)
class Difference:
    """One column in which the row and the replay disagree; `column` is `*` when row or stream is missing."""

    loop: uuid.UUID
    column: str
    row: str
    replay: str


def refolded() -> Iterator[tuple[uuid.UUID, dict[str, Any]]]:
    """(loop, columns as its entries leave it) for every loop stream of the ledger."""
    opened = Entry.objects.filter(kind="promised", seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=opened).order_by("stream", "seq").iterator(chunk_size=2000)
    for stream, group in groupby(entries, key=lambda e: e.stream):
        result = folded(group)
        if result:
            yield stream, columns(*result)


def differences() -> list[Difference]:
    """Everywhere the rows say something else than their ledger; empty when all is well."""
    found: list[Difference] = []
    seen: set[uuid.UUID] = set()
    for stream, wanted in refolded():
        seen.add(stream)
        row: dict[str, Any] | None = Loop.objects.filter(id=stream).values().first()  # type: ignore[assignment]
        found += (
            [Difference(stream, "*", "missing", "present")]
            if row is None
            else list(_unlike(stream, row, wanted))
        )
    orphans = (
        Loop.objects.exclude(id__in=seen).values_list("id", flat=True)
        if seen
        else Loop.objects.values_list("id", flat=True)
    )
    found += [Difference(loop, "*", "present", "missing") for loop in orphans]
    return found


def _unlike(stream: uuid.UUID, row: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Difference]:
    for name, value in wanted.items():
        here = bytes(row[name]) if isinstance(row[name], BYTES) else row[name]
        if here != value:
            yield Difference(stream, name, str(here)[:80], str(value)[:80])


def heads() -> Iterator[tuple[uuid.UUID, int, bytes]]:
    """(stream, seq, hash) as the rows remember them, for verifying that no stream was cut short."""
    yield from (
        (i, s, bytes(h))
        for i, s, h in Loop.objects.values_list("id", "seq", "head").iterator(chunk_size=2000)
    )
