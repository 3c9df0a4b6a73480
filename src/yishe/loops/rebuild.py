"""Refolding all that is projected from the ledger, loops, consents, who is protected: replay must equal the rows."""

import uuid
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db import models

from yishe.loops.models import Loop
from yishe.loops.projection import columns, folded
from yishe.people import consent_rows, protections
from yishe.people.models import Consent
from yishe.trust import replay
from yishe.trust.models import Entry

PROMISED = "promised"
"""The first entry of every loop."""


def _streams() -> Iterator[tuple[uuid.UUID, Iterable[Entry]]]:
    opened = Entry.objects.filter(kind=PROMISED, seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=opened).order_by("stream", "seq").iterator(chunk_size=2000)
    yield from groupby(entries, key=lambda e: e.stream)


def refolded(streams: replay.Streams | None = None) -> Iterator[tuple[uuid.UUID, dict[str, Any]]]:
    """(loop, columns as its entries leave it) for these loop streams, or every one of the ledger."""
    for stream, group in _streams() if streams is None else streams.items():
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


def compared(streams: replay.Streams) -> list[replay.Difference]:
    """Where the rows of these loops say something else."""
    return replay.beside(refolded(streams), Loop.objects.filter(id__in=list(streams)).values())


def counts() -> dict[str, int]:
    """How many rows were compared."""
    return {"loops": Loop.objects.count(), "consents": Consent.objects.count()}


def heads() -> tuple[type[models.Model], ...]:
    """The projections whose rows remember the last entry of their stream, so that one cut short is seen."""
    return Loop, Consent
