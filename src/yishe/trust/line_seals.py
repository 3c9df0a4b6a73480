"""Access lines under the daily digest: one changed, taken away or slipped in afterwards is found, and named.

A digest lists the lines it holds, by home: moment, id and hash of each. Nothing is added to the writing of a line.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yishe.policy import cursors
from yishe.policy.refusals import Unavailable
from yishe.trust import quick
from yishe.trust.ledger import canonical
from yishe.trust.models import AccessLine, Digest, SealedLines

FORM = 1
LINE = 56
LATE = 3
"""So many digests back a line that was committed late is still taken in. Earlier, it was slipped in."""
_FIELDS = tuple(f.attname for f in AccessLine._meta.concrete_fields)
_HOMES = """
WITH RECURSIVE h(home) AS (
  SELECT (SELECT home FROM trust_accessline ORDER BY home LIMIT 1)
  UNION ALL SELECT (SELECT home FROM trust_accessline WHERE home > h.home ORDER BY home LIMIT 1) FROM h
  WHERE h.home IS NOT NULL
) SELECT home FROM h WHERE home IS NOT NULL
"""


@dataclass(frozen=True)
class Sealed:
    """One line as a digest remembers it."""

    at: datetime
    id: uuid.UUID
    hash: bytes


@dataclass(frozen=True)
class BrokenLine:
    """The first access line that is not as it was sealed. `reason` is Chinese; `number` the digest that holds it."""

    home: uuid.UUID
    id: uuid.UUID
    at: datetime
    reason: str
    number: int = 0


@dataclass(frozen=True)
class Lines:
    """What checking found: how many sealed lines hold, and the first that does not."""

    count: int = 0
    broken: BrokenLine | None = None


NO_LINES = Lines()

# Sealing


def to_seal(number: int) -> list[SealedLines]:
    """What digest `number` is to hold: every line that no earlier one holds, by home; homes without any are left out.

    Unavailable when lines are sealed already under a digest that is gone."""
    if SealedLines.objects.filter(number__gte=number).exists() and not Digest.objects.filter(number=number):
        raise Unavailable(
            "seal_taken", "有下一份日摘要的封存清单而没有日摘要，不再封存：请运行 yishe ledger verify 查看。"
        )
    since = _reached(number - 1)
    found = (SealedLines(home=home, number=number, lines=_unsealed(home, number, since)) for home in homes())
    return [one for one in found if one.lines]


def homes() -> list[uuid.UUID]:
    """Every home that has a line, by steps through the key and not by reading the table."""
    return [home for (one,) in quick.rows(_HOMES, []) if (home := quick.uid(one)) is not None]


def _reached(number: int) -> datetime | None:
    """The moment before which no line may be unsealed when `number` is the last digest; None when all may be."""
    return Digest.objects.filter(number=number - LATE, form__gte=2).values_list("at", flat=True).first()


def _unsealed(home: uuid.UUID, number: int, since: datetime | None) -> bytes:
    recent = SealedLines.objects.filter(home=home, number__gte=number - 2 * LATE)
    known = {line.id for row in recent for line in read(bytes(row.lines))} if since else _all_known(home)
    return b"".join(
        packed(Sealed(row[1], row[2], hash_of(row))) for row in _lines(home, since) if row[2] not in known
    )


def _all_known(home: uuid.UUID) -> set[uuid.UUID]:
    return {line.id for row in SealedLines.objects.filter(home=home) for line in read(bytes(row.lines))}


def _lines(
    home: uuid.UUID, since: datetime | None, until: datetime | None = None
) -> Iterator[tuple[Any, ...]]:
    """The home's lines as tuples of all fields, in order of time; `since` and `until` are included."""
    rows = AccessLine.objects.filter(home=home)
    if since:
        rows = rows.filter(at__gte=since)
    if until:
        rows = rows.filter(at__lte=until)
    yield from rows.order_by("at", "id").values_list(*_FIELDS).iterator(chunk_size=5000)


def hash_of(line: tuple[Any, ...]) -> bytes:
    """Over every field of the line."""
    return hashlib.sha256(b"yishe line" + canonical([FORM, *line]).encode()).digest()


def packed(line: Sealed) -> bytes:
    stamp = int((line.at - cursors.EPOCH) / cursors.MICROSECOND)
    return stamp.to_bytes(8, "big", signed=True) + line.id.bytes + line.hash


def read(blob: bytes) -> Iterator[Sealed]:
    """The lines written in `blob`; ValueError when it is not a whole number of them."""
    if len(blob) % LINE:
        raise ValueError("not whole lines")
    for i in range(0, len(blob), LINE):
        stamp = int.from_bytes(blob[i : i + 8], "big", signed=True)
        at = cursors.EPOCH + stamp * cursors.MICROSECOND
        yield Sealed(at, uuid.UUID(bytes=blob[i + 8 : i + 24]), blob[i + 24 : i + LINE])


def root_of(rows: Iterable[SealedLines]) -> bytes:
    """The hash over what one digest holds of all homes."""
    parts = sorted((row.home.bytes, bytes(row.lines)) for row in rows)
    return hashlib.sha256(b"".join(home + hashlib.sha256(lines).digest() for home, lines in parts)).digest()


def count_of(rows: Iterable[SealedLines]) -> int:
    return sum(len(row.lines) // LINE for row in rows)


# Checking


def check() -> Lines:
    """Compare every sealed line with what stands there now. The digests themselves are checked before."""
    last = Digest.objects.order_by("-number").values_list("number", flat=True).first() or 0
    until, count = _reached(last), 0
    for home in sorted({*homes(), *SealedLines.objects.values_list("home", flat=True).distinct()}):
        found = _check_home(home, until)
        count += found.count
        if found.broken:
            return Lines(count, found.broken)
    return Lines(count)


def _check_home(home: uuid.UUID, until: datetime | None) -> Lines:
    count = early = 0
    for row in SealedLines.objects.filter(home=home).order_by("number").iterator(chunk_size=5):
        expected = {line.id: line for line in read(bytes(row.lines))}
        broken = _compare(home, row.number, expected)
        if broken:
            return Lines(count, broken)
        count += len(expected)
        early += sum(1 for line in expected.values() if until and line.at <= until)
    if until and AccessLine.objects.filter(home=home, at__lte=until).count() > early:
        return Lines(count, _slipped_in(home, until))
    return Lines(count)


def _compare(home: uuid.UUID, number: int, expected: dict[uuid.UUID, Sealed]) -> BrokenLine | None:
    """The first of the expected lines that is gone or says something else."""
    waiting = dict(expected)
    moments = [line.at for line in expected.values()]
    for row in _lines(home, min(moments), max(moments)):
        sealed = waiting.pop(row[2], None)
        if sealed and sealed.hash != hash_of(row):
            return BrokenLine(home, sealed.id, sealed.at, "内容与封存时不同", number)
    for sealed in waiting.values():
        there = AccessLine.objects.filter(id=sealed.id).exists()
        return BrokenLine(home, sealed.id, sealed.at, "被改到别处" if there else "封存过，现在没有了", number)
    return None


def _slipped_in(home: uuid.UUID, until: datetime) -> BrokenLine | None:
    known = _all_known(home)
    for row in _lines(home, None, until):
        if row[2] not in known:
            return BrokenLine(home, row[2], row[1], "那一天封存之后才写进来")
    return None
