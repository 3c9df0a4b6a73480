"""Reading a whole database at one moment while others write, and writing it into an empty one.

SQLite: its own online backup, one step, a reader to everybody else; key tables are then cut out of the copy.
PostgreSQL: every table by COPY in one REPEATABLE READ transaction: needs no program and no matching version of one.

Tables are written one after the other as lines: a JSON head {"table", "columns"}, the rows, then `\\.`.
"""

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
from django.db import connection
from psycopg import sql

from yishe.trust import digests
from yishe.trust.models import CentreKey, HouseKey, RetiredKey, SubjectKey

KEY_TABLES = tuple(m._meta.db_table for m in (CentreKey, RetiredKey, HouseKey, SubjectKey))
END = b"\\.\n"
Counts = dict[str, int]


class SqliteCopy:
    """A copy of the database file at one moment, without its key tables; those are held apart."""

    def __init__(self, work: Path) -> None:
        self.file = work / "copy.sqlite3"
        self.file.unlink(missing_ok=True)
        self.file.touch(0o600)
        name = str(connection.settings_dict["NAME"])
        with closing(sqlite3.connect(name, uri=name.startswith("file:"))) as live:
            self._here = sqlite3.connect(self.file, isolation_level=None)
            live.backup(self._here)
        self._here.execute("PRAGMA journal_mode=DELETE")

    def tables(self) -> list[str]:
        found = self._here.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [row[0] for row in found]

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        yield from self._here.execute(query)

    def write_keys(self, out: BinaryIO) -> Counts:
        return {table: _write_rows(out, self._here, table) for table in KEY_TABLES}

    def write_data(self, out: BinaryIO) -> Counts:
        """The copy itself; its key tables are emptied, free pages and all, before a byte is given out."""
        counts = {
            t: next(self.rows(f'SELECT count(*) FROM "{t}"'))[0] for t in self.tables() if t not in KEY_TABLES
        }
        self._here.execute("PRAGMA secure_delete=ON")
        for table in KEY_TABLES:
            self._here.execute(f'DELETE FROM "{table}"')
        self._here.execute("VACUUM")
        self._here.close()
        with self.file.open("rb") as file:
            shutil.copyfileobj(file, out, 1 << 20)
        return counts

    def close(self) -> None:
        self._here.close()
        self.file.unlink(missing_ok=True)


def _write_rows(out: BinaryIO, here: sqlite3.Connection, table: str) -> int:
    cursor, count = here.execute(f'SELECT * FROM "{table}"'), 0
    columns = [c[0] for c in cursor.description]
    out.write(json.dumps({"table": table, "columns": columns}).encode() + b"\n")
    for row in cursor:
        cells = [{"b": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for v in row]
        out.write(json.dumps(cells).encode() + b"\n")
        count += 1
    out.write(END)
    return count


def read_keys_into(path: Path, source: BinaryIO) -> Counts:
    """Put the key tables back into a restored SQLite file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as here:
        here.execute("BEGIN")
        counts = {table: _read_rows(here, table, columns, rows) for table, columns, rows in _sections(source)}
        here.execute("COMMIT")
    return counts


def _read_rows(here: sqlite3.Connection, table: str, columns: list[str], rows: Iterable[bytes]) -> int:
    names, marks = ", ".join(f'"{c}"' for c in columns), ", ".join("?" * len(columns))
    cells = (
        [base64.b64decode(v["b"]) if isinstance(v, dict) else v for v in json.loads(row)] for row in rows
    )
    return here.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', cells).rowcount


class PostgresqlCopy:
    """A transaction that sees the database as it was at one moment, on a connection of its own."""

    def __init__(self) -> None:
        given = connection.get_connection_params()
        wanted = {
            k: v for k, v in given.items() if k not in {"cursor_factory", "context", "prepare_threshold"}
        }
        self._here = psycopg.connect(**wanted)
        self._here.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        self._here.read_only = True

    def tables(self) -> list[str]:
        found = self.rows(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND c.relnamespace = current_schema()::regnamespace ORDER BY 1"
        )
        return [row[0] for row in found]

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        yield from self._here.execute(query)  # type: ignore[call-overload]

    def write_keys(self, out: BinaryIO) -> Counts:
        return {table: self._copy(out, table) for table in KEY_TABLES}

    def write_data(self, out: BinaryIO) -> Counts:
        return {table: self._copy(out, table) for table in self.tables() if table not in KEY_TABLES}

    def _copy(self, out: BinaryIO, table: str) -> int:
        columns = [
            row[0]
            for row in self._here.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                "AND attgenerated = '' ORDER BY attnum",
                [f'"{table}"'],
            )
        ]
        out.write(json.dumps({"table": table, "columns": columns}).encode() + b"\n")
        with self._here.cursor() as cursor:
            with cursor.copy(
                _copy_sql("COPY (SELECT {columns} FROM {table}) TO STDOUT", table, columns)
            ) as copy:
                for block in copy:
                    out.write(block)
            out.write(END)
            return cursor.rowcount

    def close(self) -> None:
        self._here.close()


def _copy_sql(words: str, table: str, columns: list[str]) -> sql.Composed:
    listed = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL(words).format(table=sql.Identifier(table), columns=listed)  # type: ignore[arg-type]


def read_tables(source: BinaryIO) -> Counts:
    """COPY every section into this PostgreSQL database, inside the caller's transaction."""
    counts: Counts = {}
    for table, columns, rows in _sections(source):
        with connection.cursor() as cursor:
            cursor.execute(f'DELETE FROM "{table}"')
        with connection.connection.cursor() as cursor:
            with cursor.copy(_copy_sql("COPY {table} ({columns}) FROM STDIN", table, columns)) as copy:
                for row in rows:
                    copy.write(row)
            counts[table] = cursor.rowcount
    return counts


def _sections(source: BinaryIO) -> Iterator[tuple[str, list[str], Iterator[bytes]]]:
    while head := source.readline():
        said = json.loads(head)
        yield said["table"], said["columns"], iter(source.readline, END)


Copy = SqliteCopy | PostgresqlCopy


@contextmanager
def copied(work: Path) -> Iterator[Copy]:
    """The database as it is at this moment. `work` is where SQLite's copy lies meanwhile."""
    copy = PostgresqlCopy() if connection.vendor == "postgresql" else SqliteCopy(work)
    try:
        yield copy
    finally:
        copy.close()


def heads_of(copy: Copy) -> digests.Heads:
    """Where the streams stand in the copy."""
    return digests.heads_of(copy.rows(digests.PRESENT))


def migrations_of(copy: Copy) -> list[list[str]]:
    return [list(row) for row in copy.rows("SELECT app, name FROM django_migrations ORDER BY id")]
