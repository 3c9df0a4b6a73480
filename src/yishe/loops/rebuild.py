"""Refolding all that is projected from the ledger, loops, consents, who is protected: replay must equal the rows."""

import uuid
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from yishe.loops.models import Loop
from yishe.loops.projection import columns, folded
from yishe.people import consent_rows, protections
from yishe.trust import replay
from yishe.trust.models import Entry


def refolded() -> Iterator[tuple[uuid.UUID, dict[str, Any]]]:
    """(loop, columns as its entries leave it) for every loop stream of the ledger."""
    opened = Entry.objects.filter(kind="promised", seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=opened).order_by("stream", "seq").iterator(chunk_size=2000)
    for stream, group in groupby(entries, key=lambda e: e.stream):
        result = folded(group)
        if result:
            yield stream, columns(*result)


def differences() -> list[replay.Difference]:
    """Everywhere the rows of loops and consents say something else than their ledger; empty when all is well."""
    rows = Loop.objects.values()
    found = replay.differences(
        refolded(), lambda stream: rows.filter(id=stream).first(), rows.values_list("id", flat=True)
    )
    return found + consent_rows.differences() + protections.differences()


def counts() -> dict[str, int]:
    """How many rows were compared."""
    return {"loops": Loop.objects.count(), "consents": sum(1 for _ in consent_rows.heads())}


def heads() -> Iterator[tuple[uuid.UUID, int, bytes]]:
    """(stream, seq, hash) as the rows remember them, for verifying that no stream was cut short."""
    yield from (
        (i, s, bytes(h))
        for i, s, h in Loop.objects.values_list("id", "seq", "head").iterator(chunk_size=2000)
    )
    yield from consent_rows.heads()
