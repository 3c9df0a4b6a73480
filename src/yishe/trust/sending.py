"""A constant statement on its way to the database, for the few paths that every request walks.

On PostgreSQL the driver's cursor costs more than the rest of the client's side: it reads a statement for its placeholders
before each sending, and asks anew each time whether it is prepared (docs/decisions/0013). Here a statement that comes a
second time on a connection is prepared by name and from then on only bound, in binary both ways, with the driver's own
conversions. A first time, a transaction, and a statement that is looked at go by the cursor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format

from yishe.trust.columns import here, on_postgresql

MOST = 400
"""Statements kept prepared on one connection; what comes beyond goes by the cursor, which forgets its oldest."""
LOST = ("26000", "0A000")
"""The server knows the statement no more, or the table changed under its plan: nothing was carried out."""
WELL = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class Answer(Protocol):
    """What a statement answered."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class _Rows:
    """Rows that are all here."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


Named = tuple[str, tuple[int, ...]]
"""A statement and the types its values were sent as."""


@dataclass
class _Line:
    """What is kept of one connection: its conversions, and the statements it has seen and prepared."""

    convert: abc.Transformer
    seen: set[str] = field(default_factory=set)
    prepared: dict[Named, bytes] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=count)


_lines: WeakKeyDictionary["psycopg.Connection[Any]", _Line] = WeakKeyDictionary()


def send(sql: str, values: Sequence[Any], *, binary: bool = False) -> Answer:
    """Carry out `sql`; what is given back has its answer, and needs no closing. The text holds no per cent sign but its
    placeholders. `binary` is how PostgreSQL answers."""
    db = here()
    if on_postgresql() and not db.queries_logged:
        db.ensure_connection()
        line = _line(db, sql)
        return (line and _bound(db, line, sql, values)) or _by_cursor(db, sql, values, binary=binary)
    # a statement that is logged is written out by its placeholders
    cursor = db.cursor()
    if binary and on_postgresql():
        cursor.cursor.format = Format.BINARY
    cursor.execute(sql, values)
    return cursor  # type: ignore[no-any-return]


def _by_cursor(db: BaseDatabaseWrapper, sql: str, values: Sequence[Any], *, binary: bool) -> Answer:
    cursor = CursorWrapper(psycopg.RawCursor(db.connection), db)
    cursor.cursor.format = Format.BINARY if binary else Format.TEXT
    cursor.execute(numbered(sql), values)
    return cursor


def _line(db: BaseDatabaseWrapper, sql: str) -> _Line | None:
    """The connection, where this statement may be bound on it: seen before, nobody looking, and no transaction to begin."""
    connection = db.connection
    if db.execute_wrappers or not connection.autocommit or connection.prepare_threshold is None:
        return None
    line = _lines.get(connection)
    if line is None:
        line = _lines[connection] = _Line(Transformer(connection))
    if sql in line.seen:
        return line
    if len(line.seen) < MOST:
        line.seen.add(sql)
    return None


def _bound(db: BaseDatabaseWrapper, line: _Line, sql: str, values: Sequence[Any]) -> Answer | None:
    """The answer of the prepared statement; None where it has to be sent whole."""
    with db.wrap_database_errors:
        pg, convert = db.connection.pgconn, line.convert
        given = convert.dump_sequence(values, _formats(len(values)))
        named = (sql, convert.types or ())
        name = line.prepared.get(named) or _prepared(pg, line, named)
        found = pg.exec_prepared(name, given, convert.formats, Format.BINARY)
        if found.status not in WELL:
            fault = _fault(pg, found)
            if fault.sqlstate in LOST:
                line.prepared.pop(named, None)
                return None
            raise fault
        convert.set_pgresult(found)
        return _Rows(convert.load_rows(0, found.ntuples, tuple))


def _prepared(pg: Any, line: _Line, named: Named) -> bytes:
    name = f"yishe_{next(line.names)}".encode()
    made = pg.prepare(name, numbered(named[0]).encode(), named[1])
    if made.status not in WELL:
        raise _fault(pg, made)
    line.prepared[named] = name
    return name


def _fault(pg: Any, answer: Any) -> psycopg.Error:
    """What went wrong, as the driver's cursor says it."""
    if pg.status == ConnStatus.BAD:
        return psycopg.OperationalError(answer.get_error_message("utf-8"))
    return error_from_result(answer)


@lru_cache(maxsize=512)
def _formats(values: int) -> tuple[PyFormat, ...]:
    return (PyFormat.AUTO,) * values


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """The text as PostgreSQL itself takes it: $1, $2 …"""
    first, *others = sql.split("%s")
    return first + "".join(f"${n}{part}" for n, part in enumerate(others, 1))
