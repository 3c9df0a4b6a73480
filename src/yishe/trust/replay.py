"""Comparing projected rows with what their ledger streams say: replay must equal projection."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yishe.trust.models import Entry

BYTES = (bytes, memoryview)
Streams = Mapping[uuid.UUID, Sequence[Entry]]
"""Whole streams, each in order."""


@dataclass(frozen=True)
class Difference:
    """One column in which a row and the replay disagree; `column` is `*` when row or stream is missing."""

    stream: uuid.UUID
    column: str
    row: str
    replay: str


def differences(
    replayed: Iterable[tuple[uuid.UUID, Mapping[str, Any]]],
    row_of: Callable[[uuid.UUID], Mapping[str, Any] | None],
    present: Iterable[uuid.UUID],
) -> list[Difference]:
    """Where rows say something else than `replayed`, (stream, columns); `present` are the ids of all rows."""
    found: list[Difference] = []
    seen: set[uuid.UUID] = set()
    for stream, wanted in replayed:
        seen.add(stream)
        row = row_of(stream)
        if row is None:
            found.append(Difference(stream, "*", "missing", "present"))
        else:
            found += _unlike(stream, row, wanted)
    return found + [Difference(one, "*", "present", "missing") for one in present if one not in seen]


def beside(
    replayed: Iterable[tuple[uuid.UUID, Mapping[str, Any]]], rows: Iterable[Mapping[str, Any]]
) -> list[Difference]:
    """The same for some streams, with all the rows that belong to them, by `id`, read at once."""
    there = {row["id"]: row for row in rows}
    return differences(replayed, there.get, there)


def _unlike(stream: uuid.UUID, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Difference]:
    for name, value in wanted.items():
        here = bytes(row[name]) if isinstance(row[name], BYTES) else row[name]
        if here != value:
            yield Difference(stream, name, str(here)[:80], str(value)[:80])
