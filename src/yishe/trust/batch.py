"""Many acts as one commit: the same bundle, written by COPY on PostgreSQL and by executemany on SQLite.

What is written, and which races are refused, is what the acts would have written and refused one by one; only that all of them
come through together or none. For whoever writes thousands of rows at a time: a population, never a person.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, connections, models, transaction

from yishe.policy.refusals import Refused
from yishe.trust import columns, commit
from yishe.trust.commit import Bundle, Duplicate, Stale, Write
from yishe.trust.sending import send
from yishe.trust.sparing import sparing

Key = tuple[Any, ...]
Act = Callable[[Bundle], bool]
"""Adds what it writes to the bundle; whether it had anything to say."""
T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 200
"""Acts to a commit beside day work: so few that on SQLite nobody waits for it."""
SMALL = 100


class Batch(Bundle):
    """Holds as many acts as are to be written together. Used once."""

    def __init__(self) -> None:
        super().__init__()
        self._inserts: dict[Key, list[list[Any]]] = {}

    def _into(self, model: type[models.Model], names: commit.Names, *, absent: bool) -> list[list[Any]]:
        """As a bundle does, but found by key: there may be thousands."""
        key = (model, names, absent)
        found = self._inserts.get(key)
        if found is None:
            found = self._inserts[key] = super()._into(model, names, absent=absent)
        return found

    def commit(self) -> None:
        """Write all or nothing. Raises Stale or Duplicate as a bundle does."""
        if not self._writes:
            return
        writes, self._writes, self._inserts = self._writes, [], {}
        try:
            with commit.atomically():
                for alike in _updates(writes):
                    _changed(alike)
                for one in writes:
                    if not one.where:
                        _inserted(one)
        except IntegrityError as error:
            raise Duplicate(str(error)) from error


Prepare = Callable[[Sequence[T]], tuple[Batch, R]]
"""Reads what these need and adds what they write to a batch; with it whatever the caller wants to know of them."""


def at_once(items: Sequence[T], prepare: Prepare[T, R]) -> Iterator[tuple[R, bool]]:
    """Prepares and commits these as one, and tells whether it came through. Where it lost a race each half is prepared anew and
    commits alone, so that what is left out is one and not a thousand."""
    batch, what = prepare(items)
    yield from _halved(items, what, prepare, through=_came_through(batch))


def in_parts(parts: Iterable[Sequence[T]], prepare: Prepare[T, R]) -> Iterator[tuple[R, bool]]:
    """The same for part after part, each committed while the next is being prepared. What is prepared must not build on the part
    before. Inside a transaction, and on SQLite, one comes after the other."""
    for (items, what), through in _one_behind((items, *prepare(items)) for items in parts):
        yield from _halved(items, what, prepare, through=through)


def together(items: Sequence[T], acts: Callable[[Sequence[T]], Iterable[Act]]) -> int:
    """One act for each of these in one commit; how many were said. `acts` reads what they need and gives them one by one. What is
    refused, breaks, or has nothing to say hinders no other."""
    return sum(said for said, through in at_once(items, partial(_said, acts)) if through)


def _said(acts: Callable[[Sequence[T]], Iterable[Act]], items: Sequence[T]) -> tuple[Batch, int]:
    batch, said = Batch(), 0
    for act in acts(items):
        bundle = Bundle()
        with suppress(Refused), sparing("one act of many"):
            if act(bundle):
                batch.take_in(bundle)
                said += 1
    return batch, said


def _halved(
    items: Sequence[T], what: R, prepare: Prepare[T, R], *, through: bool
) -> Iterator[tuple[R, bool]]:
    half = len(items) // 2
    if through or not half:
        yield what, through
        return
    yield from at_once(items[:half], prepare)
    yield from at_once(items[half:], prepare)


def _one_behind(
    prepared: Iterable[tuple[Sequence[T], Batch, R]],
) -> Iterator[tuple[tuple[Sequence[T], R], bool]]:
    """Commits each while the next is being prepared."""
    if not columns.on_postgresql() or columns.here().in_atomic_block:
        yield from (((items, what), _came_through(batch)) for items, batch, what in prepared)
        return
    with ThreadPoolExecutor(1) as writer:
        try:
            before: tuple[tuple[Sequence[T], R], Future[bool]] | None = None
            for items, batch, what in prepared:
                now = (items, what), writer.submit(_came_through, batch)
                if before is not None:
                    yield before[0], before[1].result()
                before = now
            if before is not None:
                yield before[0], before[1].result()
        finally:
            writer.submit(connections.close_all).result()


def _came_through(batch: Batch) -> bool:
    try:
        batch.commit()
    except (Stale, Duplicate):
        return False
    return True


def apart(waiting: Iterable[tuple[UUID, UUID]]) -> Iterator[list[UUID]]:
    """Of acts and the streams they write to, parts in which each stream is written to once: its second entry follows on the first."""
    times, waves = Counter[UUID](), defaultdict[int, list[UUID]](list)
    for act, stream in waiting:
        waves[times[stream]].append(act)
        times[stream] += 1
    for wave in waves.values():
        yield from (wave[n : n + AT_ONCE] for n in range(0, len(wave), AT_ONCE))


def _updates(writes: Iterable[Write]) -> list[list[Write]]:
    """Updates of one shape together; guards first, as in a bundle."""
    found: dict[Key, list[Write]] = {}
    for one in writes:
        if one.where:
            found.setdefault(one.shape, []).append(one)
    return sorted(found.values(), key=lambda alike: not alike[0].guard)


def _changed(alike: Sequence[Write]) -> None:
    """Updates of one shape as one statement on PostgreSQL; Stale unless each guarded row was as expected."""
    first = alike[0]
    with columns.here().cursor() as cursor:
        if columns.on_postgresql() and first.names:
            cursor.execute(_update_all(first), _turned(alike))
            hit = cursor.rowcount
        elif first.names:
            cursor.executemany(commit.statement_of(first.shape), [one.params() for one in alike])
            hit = cursor.rowcount
        else:  # the same row may be required by many
            alike = list({tuple(one.params()): one for one in alike}.values())
            hit = sum(_required(cursor, one) for one in alike)
    if first.guard and hit != len(alike):
        raise Stale(first.model.__name__)


def _required(cursor: Any, one: Write) -> bool:
    cursor.execute(commit.statement_of(one.shape), one.params())
    return cursor.fetchone() is not None


def _turned(alike: Sequence[Write]) -> list[list[Any]]:
    """The values of many updates column by column."""
    return [list(column) for column in zip(*(one.params() for one in alike), strict=True)]


def _update_all(first: Write) -> str:
    known = columns.of(first.model)
    table = first.model._meta.db_table
    named = [known[name] for name in (*first.names, *first.where)]
    arrays = ", ".join(
        f"%b{one.cast}[]" for one in named
    )  # in binary: as text each value is searched for what must be quoted
    given = ", ".join(f"c{n}" for n in range(len(named)))
    sets = ", ".join(f"{one.name} = v.c{n}" for n, one in enumerate(named[: len(first.names)]))
    where = " AND ".join(f"t.{one.name} = v.c{n}" for n, one in enumerate(named) if n >= len(first.names))
    return f'UPDATE "{table}" t SET {sets} FROM unnest({arrays}) AS v({given}) WHERE {where}'


def _inserted(one: Write) -> None:
    with columns.here().cursor() as cursor:
        if one.absent:
            _inserted_where_absent(cursor, one)
        elif columns.on_postgresql():
            copied(cursor, one.model, one.names, one.rows)
        else:
            single = Write(one.model, one.names, one.rows[:1])
            cursor.executemany(commit.statement_of(single.shape), one.rows)


def _inserted_where_absent(cursor: Any, one: Write) -> None:
    """Many are copied as what they nearly always are, absent; only if one was there already they are asked for one by one."""
    if columns.on_postgresql() and len(one.rows) > SMALL:
        with suppress(IntegrityError), transaction.atomic():
            copied(cursor, one.model, one.names, one.rows)
            return
    for n in range(0, len(one.rows), SMALL):
        part = Write(one.model, one.names, one.rows[n : n + SMALL], absent=True)
        send(commit.statement_of(part.shape), part.params())


def copied(
    cursor: Any, model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Rows into a table by PostgreSQL's COPY, in binary; values as `columns` stores them. Told the types beforehand, the driver
    need not ask each value for its own. A taken key is told as any statement tells it."""
    named = [columns.of(model)[name] for name in names]
    listed = ", ".join(one.name for one in named)
    with (
        columns.here().wrap_database_errors,
        cursor.copy(f'COPY "{model._meta.db_table}" ({listed}) FROM STDIN (FORMAT BINARY)') as stream,
    ):
        stream.set_types([one.cast.removeprefix("::") for one in named])
        for row in rows:
            stream.write_row(row)
