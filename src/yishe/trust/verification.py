"""Verifying the ledger, of any size: every hash and chain recomputed, in parts that hold whole streams, in several processes.

No more is held at once than a few parts. What is found first is what comes first by home and stream, however many processes
there are. With a share to refold, that share of the streams is folded anew and compared with its rows.
"""

import hashlib
import multiprocessing
import signal
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

import orjson
from django.db import connections, models

from yishe.trust import columns, quick
from yishe.trust.ledger import GENESIS, stamp
from yishe.trust.models import Entry
from yishe.trust.replay import Difference, Streams

SIZE = 20_000
"""Entries to a part; a part ends with a stream, so that it may be longer."""
HEADS = 5_000
ALONE = 2
"""Parts that are not worth a second process."""
MOST = 100
"""Differences that are told one by one."""
NOWHERE = uuid.UUID(int=0)

Row = Sequence[Any]
Remembered = tuple[uuid.UUID, uuid.UUID, int, bytes]
"""(home, stream, seq, hash) of an entry that somebody wrote down elsewhere."""
Refold = Callable[[Streams], tuple[int, list[Difference]]]
"""How many of these streams it folded, and where their rows say something else. Found by name in other processes."""


@dataclass(frozen=True)
class Broken:
    """The first place where the ledger does not hold."""

    home: uuid.UUID
    stream: uuid.UUID
    seq: int
    reason: str
    at: datetime | None = None
    """When the entry says it was recorded; None when there is no entry to ask."""


@dataclass(frozen=True)
class Mark:
    """Up to this stream of this home, and of all homes before it, every entry was verified."""

    home: uuid.UUID
    stream: uuid.UUID


@dataclass(frozen=True)
class Verified:
    """`streams` are those whose entries were read, `refolded` those of them that were folded anew."""

    entries: int = 0
    streams: int = 0
    broken: Broken | None = None
    refolded: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def whole(self) -> bool:
        return self.broken is None and not self.differences

    def __add__(self, other: "Verified") -> "Verified":
        return Verified(
            self.entries + other.entries, self.streams + other.streams, self.broken or other.broken,
            self.refolded + other.refolded, (*self.differences, *other.differences)[:MOST],
        )  # fmt: skip


@dataclass(frozen=True)
class Refolding:
    """Which streams are folded anew: a share between 0 and 1, the same ones for the same seed."""

    refold: Refold
    share: float
    seed: int = 1

    def wanted(self, stream: uuid.UUID) -> bool:
        drawn = hashlib.blake2b(stream.bytes, digest_size=8, salt=self.seed.to_bytes(16, "big")).digest()
        return int.from_bytes(drawn, "big") < self.share * 2**64


@dataclass(frozen=True)
class Way:
    """How to go about it. `after` goes on where an earlier run stopped; `processes` None is as many as are worth it."""

    after: Mark | None = None
    processes: int | None = 1
    refolding: Refolding | None = None
    progress: Callable[[int, Mark], None] = field(default=lambda *_: None)
    """Told after each part: entries verified so far, and up to where."""


@dataclass(frozen=True)
class _Part:
    found: Verified
    mark: Mark | None = None


_Task = Callable[[], _Part]


def verify(
    heads: Sequence[type[models.Model]] = (), sealed: Iterable[Remembered] = (), way: Way | None = None
) -> Verified:
    """Recompute every hash and chain. `heads` are the projections, whose rows remember the last entry of their stream:

    one cut off the end leaves its chain whole and is only seen by them. `sealed` are the entries that signed digests remember: a
    stream written anew from the start is only seen by them.
    """
    how, found = way or Way(), Verified()
    for part in _in_order(_tasks(how, heads, sealed), _processes(how.processes)):
        found += part.found
        if part.mark:
            how.progress(found.entries, part.mark)
        if found.broken:
            break
    return found


def _tasks(way: Way, heads: Sequence[type[models.Model]], sealed: Iterable[Remembered]) -> Iterator[_Task]:
    for home, first, last in _ranges(way.after):
        yield partial(_range, home, first, last, way.refolding)
    for some in _by(sealed, HEADS):
        yield partial(_not_as_sealed, some)
    for model in heads:
        for after, upto in _parts_of(model):
            yield partial(_not_the_last, model, after, upto)


def _by(items: Iterable[Remembered], size: int) -> Iterator[list[Remembered]]:
    found = iter(items)
    while some := list(islice(found, size)):
        yield some


# Processes


def _processes(wanted: int | None) -> int | None:
    """Others would not see what an open transaction wrote."""
    return 1 if columns.here().in_atomic_block else wanted


def _in_order(tasks: Iterator[_Task], processes: int | None) -> Iterator[_Part]:
    """What each task found, in their order. With `processes` None others are started only when there is more than a little to do."""
    here = tasks if processes == 1 else islice(tasks, ALONE if processes is None else 0)
    yield from (task() for task in here)
    first = next(tasks, None)
    if first is not None:
        yield from _at_once(first, tasks, processes)


def _at_once(first: _Task, others: Iterator[_Task], processes: int | None) -> Iterator[_Part]:
    with _pool(processes) as pool:
        waiting: deque[Future[_Part]] = deque([pool.submit(first)])
        ahead = 2 * (processes or multiprocessing.cpu_count())
        for task in others:
            waiting.append(pool.submit(task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _pool(processes: int | None) -> Iterator[ProcessPoolExecutor]:
    """They come to be as copies of this one, which has no connection at that moment: each opens its own."""
    connections.close_all()
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), initializer=_undisturbed)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _undisturbed() -> None:
    """Whoever interrupts the command interrupts the one who waits for the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# Entries

_FIELDS = quick.names(Entry)
_HOME, _STREAM, _SEQ = (_FIELDS.index(name) for name in ("home", "stream", "seq"))
_RECORDED, _PREVIOUS, _HASH = (_FIELDS.index(name) for name in ("recorded_at", "previous", "hash"))


def _ranges(after: Mark | None) -> Iterator[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID | None]]:
    """(home, after this stream, up to and with that one) for the whole ledger, or what of it comes after a mark."""
    if after:
        yield from _ranges_of(after.home, after.stream)
    home = _next_home(after.home if after else None)
    while home is not None:
        yield from _ranges_of(home, None)
        home = _next_home(home)


def _next_home(before: uuid.UUID | None) -> uuid.UUID | None:
    """By a step through the key and not by reading the table."""
    where, values = ("WHERE home > %s", [before]) if before else ("", [])
    rows = quick.rows(f"SELECT home FROM trust_entry {where} ORDER BY home LIMIT 1", values)
    return quick.uid(rows[0][0]) if rows else None


def _ranges_of(
    home: uuid.UUID, after: uuid.UUID | None
) -> Iterator[tuple[uuid.UUID, uuid.UUID | None, uuid.UUID | None]]:
    while True:
        where, values = _between(home, after, None)
        step = (
            f"SELECT stream FROM trust_entry e WHERE {where} ORDER BY stream, seq LIMIT 1 OFFSET {SIZE - 1}"
        )
        rows = quick.rows(step, values)
        last = quick.uid(rows[0][0]) if rows else None
        yield home, after, last
        if last is None:
            return
        after = last


def _between(home: uuid.UUID, after: uuid.UUID | None, upto: uuid.UUID | None) -> tuple[str, list[Any]]:
    sides = [(" AND e.stream > %s", after), (" AND e.stream <= %s", upto)]
    given = [(text, value) for text, value in sides if value is not None]
    return "e.home = %s" + "".join(text for text, _ in given), [home, *(value for _, value in given)]


def _range(
    home: uuid.UUID, after: uuid.UUID | None, upto: uuid.UUID | None, refolding: Refolding | None
) -> _Part:
    where, values = _between(home, after, upto)
    sql = f"SELECT {quick.columns(Entry, 'e')} FROM trust_entry e WHERE {where} ORDER BY e.stream, e.seq"
    rows = quick.rows(sql, values)
    if not columns.on_postgresql():
        rows = [tuple(quick.values(Entry, row)) for row in rows]
    found = _chained(rows)
    mark = Mark(home, rows[-1][_STREAM]) if rows and not found.broken else None
    if refolding and rows and not found.broken:
        found += _refolded(rows, refolding)
    return _Part(found, mark)


def _chained(rows: Sequence[Row]) -> Verified:
    """Each entry beside the one before it, and its hash beside what it says."""
    stream, streams, seq, hash_ = None, 0, 0, GENESIS
    for count, row in enumerate(rows, 1):
        if row[_STREAM] != stream:
            stream, streams, seq, hash_ = row[_STREAM], streams + 1, 0, GENESIS
        reason = _fault(row, seq, hash_)
        if reason:
            at = quick.moment(row[_RECORDED])
            return Verified(
                count, streams, Broken(quick.known(row[_HOME]), quick.known(stream), row[_SEQ], reason, at)
            )
        seq, hash_ = row[_SEQ], row[_HASH]
    return Verified(len(rows), streams)


def _fault(row: Row, seq: int, before: bytes) -> str:
    if row[_SEQ] != seq + 1:
        return f"entry {seq + 1} is missing"
    if row[_PREVIOUS] != before:
        return "does not follow the entry before it"
    if _digest(row) != row[_HASH]:
        return "content does not match its hash"
    return ""


def _digest(row: Row) -> bytes:
    """What `ledger.digest` answers, from the bare row: it is asked millions of times."""
    (
        home, stream, seq, form, kind, actor, subject, occurred, recorded, pack, command, command_digest, data, sealed,
        previous, _,
    ) = row  # fmt: skip
    then = _stamp(recorded)
    fields = [
        form, home, stream, seq, kind, actor, subject, then if occurred == recorded else _stamp(occurred), then, pack,
        command, command_digest.hex() if command_digest is not None else None, data,
        hashlib.sha256(sealed).hexdigest() if sealed is not None else None,
    ]  # fmt: skip
    return hashlib.sha256(previous + orjson.dumps(fields)).digest()


def _stamp(at: datetime) -> str:
    """As `ledger.stamp`; the driver gives moments in UTC already."""
    return f"{at.isoformat(timespec='microseconds')[:26]}Z" if at.tzinfo is UTC else stamp(at)


# Rows


def _refolded(rows: Sequence[Row], refolding: Refolding) -> Verified:
    drawn: dict[uuid.UUID, list[Entry]] = {}
    asked: dict[uuid.UUID, bool] = {}
    for row in rows:
        stream = row[_STREAM]
        if stream not in asked:
            asked[stream] = refolding.wanted(stream)
        if asked[stream]:
            drawn.setdefault(stream, []).append(Entry(**dict(zip(_FIELDS, row, strict=True))))
    if not drawn:
        return Verified()
    count, differences = refolding.refold(drawn)
    if differences:  # an act may have come in between the entries and the row: once more
        differences = refolding.refold(_again(drawn))[1]
    return Verified(refolded=count, differences=tuple(differences))


def _again(drawn: Streams) -> Streams:
    within, values = quick.among("e.stream", list(drawn))
    sql = f"SELECT {quick.columns(Entry, 'e')} FROM trust_entry e WHERE {within} ORDER BY e.stream, e.seq"
    found: dict[uuid.UUID, list[Entry]] = {}
    for entry in (quick.instance(Entry, row) for row in quick.rows(sql, values)):
        found.setdefault(entry.stream, []).append(entry)
    return found


# What others remember of the ledger


def _not_as_sealed(some: Sequence[Remembered]) -> _Part:
    """The first of these entries that is not there, or not the one that was sealed."""
    within, values = quick.among("e.stream", [stream for _, stream, _, _ in some])
    sql = f"SELECT e.home, e.stream, e.seq, e.hash FROM trust_entry e WHERE {within}"
    there = {
        (quick.known(home), quick.known(stream), seq): hash_
        for home, stream, seq, hash_ in quick.rows(sql, values)
    }
    for home, stream, seq, hash_ in some:
        if there.get((home, stream, seq), hash_) != hash_:
            at = Entry.objects.values_list("recorded_at", flat=True).get(home=home, stream=stream, seq=seq)
            return _Part(Verified(broken=Broken(home, stream, seq, "not the entry that was sealed", at)))
        if (home, stream, seq) not in there:
            ends = _ends(home, stream)
            reason = f"entry {seq} was sealed, the stream ends at {ends}"
            return _Part(Verified(broken=Broken(home, stream, ends + 1, reason)))
    return _Part(Verified())


def _ends(home: uuid.UUID, stream: uuid.UUID) -> int:
    rows = quick.rows("SELECT max(seq) FROM trust_entry WHERE home = %s AND stream = %s", [home, stream])
    return rows[0][0] or 0


def _parts_of(model: type[models.Model]) -> Iterator[tuple[uuid.UUID, uuid.UUID | None]]:
    """(after this id, up to and with that one) for all rows of a projection."""
    after: uuid.UUID | None = NOWHERE
    while after is not None:
        step = f"SELECT id FROM {model._meta.db_table} WHERE id > %s ORDER BY id LIMIT 1 OFFSET {SIZE - 1}"
        rows = quick.rows(step, [after])
        last = quick.uid(rows[0][0]) if rows else None
        yield after, last
        after = last


def _not_the_last(model: type[models.Model], after: uuid.UUID, upto: uuid.UUID | None) -> _Part:
    """The first of these rows that remembers another entry than the last of its stream, in one statement: row and entries of
    one moment."""
    most, values = (" AND r.id <= %s", [after, upto]) if upto else ("", [after])
    sql = f"""
        SELECT r.home, r.id, r.seq FROM {model._meta.db_table} r
        LEFT JOIN trust_entry e ON e.home = r.home AND e.stream = r.id AND e.seq >= r.seq
        WHERE r.id > %s{most} AND (e.seq IS NULL OR e.seq <> r.seq OR e.hash <> r.head) ORDER BY r.id LIMIT 1
    """
    for home, stream, seq in quick.rows(sql, values):
        ends = _ends(home, stream)
        reason = f"the row knows entry {seq}, the stream ends at {ends}"
        return _Part(Verified(broken=Broken(quick.known(home), quick.known(stream), ends + 1, reason)))
    return _Part(Verified())
