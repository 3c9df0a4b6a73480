"""Reading a table for the lake as a stream of batches, and which of its months changed since it was last read.

On PostgreSQL every row knows the transaction that wrote it. A month is read again when one of its rows was written by a
transaction that was not over when the last reading began, or when it has another number of rows: so nothing that is committed
late is missed, whatever time it carries, and nothing that is gone stays. SQLite has no such mark: there all is read.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa
from django.db import connection
from pyarrow import csv as arrow_csv

from yishe.insight.lake_tables import Table
from yishe.policy.indicators import SCHEMAS
from yishe.trust.columns import on_postgresql

MONTH = "month"
ROWS = 20_000
BLOCK = 4 << 20
WORD = re.compile(r"\[(\w+) ([\w.]+)\]")
TYPES = {
    "string": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us"), "float64": pa.float64(),
    "int64": pa.int64(),
}  # fmt: skip
_ZONE = "AT TIME ZONE 'Asia/Shanghai'"
_POSTGRESQL = {
    "uid": "encode(uuid_send({0}), 'hex')",
    "day": "({0} " + _ZONE + ")::date",
    "at": "({0} AT TIME ZONE 'UTC')",
    "month": "date_trunc('month', {0})::date",
    "codes": "(SELECT '|' || string_agg(one, '|' ORDER BY one) || '|' FROM jsonb_array_elements_text({0}) one)",
    "number": "(o.values ->> '{0}')::float8",
}
_SQLITE = {
    "uid": "{0}",
    "day": "date({0}, '+8 hours')",
    "at": "{0}",
    "month": "substr({0}, 1, 7) || '-01'",
    "codes": "(SELECT '|' || group_concat(value, '|') || '|' FROM (SELECT value FROM json_each({0}) ORDER BY value))",
    "number": "json_extract(o.\"values\", '$.{0}')",
}
"""The words of `lake_tables` on both databases. Shanghai has had no summer time since 1991."""


@dataclass(frozen=True)
class Mark:
    """Where a reading began: every transaction before `xmin` was over. `place` is the database; None on SQLite."""

    place: str = ""
    xmin: int | None = None


def mark() -> Mark:
    """Asked before anything is read."""
    if not on_postgresql():
        return Mark()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid, "
            "pg_snapshot_xmin(pg_current_snapshot())::text FROM pg_database WHERE datname = current_database()"
        )
        place, xmin = cursor.fetchone()
    return Mark(str(place), int(xmin))


def months(table: Table, home: UUID, since: Mark, now: Mark) -> dict[str, tuple[int, bool]]:
    """Of each month how many rows there are, and whether one of them may have changed since."""
    back = _oldest(since, now) if table.changed else None
    changed = "TRUE" if on_postgresql() else "1"
    if back is not None:
        changed = (
            f"BOOL_OR({' OR '.join(f'age({alias}.xmin) <= age({back!r}::xid)' for alias in table.changed)})"
        )
    asked = f"SELECT {_month(table)}, COUNT(*), {changed}"
    with connection.cursor() as cursor:
        cursor.execute(f"{asked} FROM {_from(table, home)} GROUP BY 1")
        return {month: (count, bool(moved)) for month, count, moved in cursor.fetchall()}


def batches(table: Table, home: UUID, wanted: Collection[str] | None) -> Iterator[pa.RecordBatch]:
    """The rows of the wanted months (None: of all) with their `month` as last column, a few thousand at a time."""
    columns = ", ".join(f"{_said(sql)} AS {name}" for name, sql in table.columns.items())
    asked = f"SELECT {columns}, {_month(table)} AS {MONTH} FROM {_from(table, home)}"
    if wanted is not None:
        asked += f" AND {_month(table)} IN ({', '.join(repr(one) for one in sorted(wanted))})"
    if not on_postgresql() or not table.changed:
        asked += f" ORDER BY {table.key}"
    names = [*table.columns, MONTH]
    types = {name: TYPES[kind] for name, kind in SCHEMAS[table.name].items()} | {MONTH: pa.string()}
    with _flow(asked) as flow:
        if not flow.peek():
            return
        yield from arrow_csv.open_csv(
            flow,
            arrow_csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
            arrow_csv.ParseOptions(),
            arrow_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False),
        )


def homes() -> list[UUID]:
    """The centres at which anything was ever born: each has a key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT home FROM trust_centrekey ORDER BY home")
        return [UUID(str(home)) for (home,) in cursor.fetchall()]


# SQL


def _oldest(since: Mark, now: Mark) -> str | None:
    """The first transaction that may not have been over then, as rows carry it; None when of what was before nothing can be told:
    another database, or so long ago that numbers came round again."""
    if since.xmin is None or now.xmin is None or since.place != now.place:
        return None
    return str(max(since.xmin % (1 << 32), 3)) if 0 <= now.xmin - since.xmin < 1 << 30 else None


def _said(sql: str) -> str:
    words = _POSTGRESQL if on_postgresql() else _SQLITE
    return WORD.sub(lambda found: words[found[1]].format(found[2]), sql)


def _month(table: Table) -> str:
    day = table.day if table.dated else _said(f"[day {table.day}]")
    return f"to_char({day}, 'YYYY-MM')" if on_postgresql() else f"substr({day}, 1, 7)"


def _from(table: Table, home: UUID) -> str:
    where = f" AND {table.where}" if table.where else ""
    born = f"'{home}'" if on_postgresql() else f"'{home.hex}'"
    return f"{table.source} WHERE {table.home} = {born}{where}"


# A stream of CSV, which Arrow reads without making an object of each value


class _Flow(io.RawIOBase):
    """What comes in pieces, read as a file."""

    def __init__(self, pieces: Iterator[bytes | memoryview]) -> None:
        self._pieces = pieces
        self._rest = b""

    def readable(self) -> bool:
        return True

    def peek(self) -> bool:
        """Whether anything comes at all."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._rest = bytes(piece)
        return True

    def readinto(self, room: Any) -> int:
        if not self.peek():
            return 0
        count = min(len(room), len(self._rest))
        room[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


@contextmanager
def _flow(asked: str) -> Iterator[_Flow]:
    with connection.cursor() as cursor:
        if on_postgresql():
            with cursor.copy(f"COPY ({asked}) TO STDOUT (FORMAT csv)") as copy:
                yield _Flow(iter(copy))
        else:
            cursor.execute(asked)
            yield _Flow(_written(cursor))


def _written(cursor: Any) -> Iterator[bytes]:
    while rows := cursor.fetchmany(ROWS):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        yield text.getvalue().encode()
