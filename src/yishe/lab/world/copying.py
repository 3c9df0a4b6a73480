"""Rows on their way into a table as fast as the database takes them: COPY on PostgreSQL, executemany on SQLite.

Whoever has values gives `rows`; whoever stamps text gives finished `lines` in the format of PostgreSQL's COPY (tab between cells,
backslash escapes), which SQLite's side reads back. What is written is held until `flush`, a part at a time, so memory stays small.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from django.db import models

from yishe.trust import columns

NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def cell(value: Any) -> str:
    """A value as COPY reads it. JSON columns take lists and dicts."""
    return _WRITERS.get(type(value), _json)(value)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode().translate(_ESCAPES)


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: NULL,
    str: lambda value: value.translate(_ESCAPES),
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    UUID: str,
    date: date.isoformat,
    bytes: lambda value: "\\\\x" + value.hex(),
    datetime: lambda value: str(value.astimezone(UTC)),
}


def names(model: type[models.Model]) -> tuple[str, ...]:
    """The attribute names of the columns a row is written with: all that are not serial."""
    return tuple(f.attname for f in model._meta.concrete_fields if not isinstance(f, models.AutoField))


def hidden(blob: bytes) -> str:
    """The cell of a blob."""
    return "\\\\x" + blob.hex()


class Line:
    """Rows of one table of which only some columns vary: `filled` takes those cells, as text, in the order they were named."""

    def __init__(self, model: type[models.Model], always: Mapping[str, Any], varying: Sequence[str]) -> None:
        empty = model()
        known = {
            name: cell(always.get(name, getattr(empty, name))).replace("%", "%%") for name in names(model)
        }
        form = "\t".join("%s" if name in varying else known[name] for name in known)
        order = [varying.index(name) for name in known if name in varying]
        self._form, self._pick = form, itemgetter(*order)

    def filled(self, cells: Sequence[str]) -> str:
        return self._form % self._pick(cells)


class Copier:
    """One table's writer. `of` are the attribute names of its columns in the order of the cells; by default those of
    the module's `names`. Nothing reaches the database before `flush`; the caller holds the transaction."""

    def __init__(self, model: type[models.Model], of: Sequence[str] = ()) -> None:
        self.model = model
        self.names = tuple(of) or names(model)
        self.written = 0
        self._waiting: list[str] = []
        listed = ", ".join(columns.of(model)[name].name for name in self.names)
        table = f'"{model._meta.db_table}" ({listed})'
        self._copy = f"COPY {table} FROM STDIN"
        self._insert = f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(self.names))})"

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Rows of values, each in the order of `names`."""
        self._waiting += ["\t".join([cell(value) for value in row]) for row in rows]

    def lines(self, lines: Iterable[str]) -> None:
        """Rows as text, without the line's end."""
        self._waiting += lines

    def flush(self) -> None:
        """Write what waits, inside the transaction of the caller."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        if columns.on_postgresql():
            self._copied(waiting)
        else:
            self._inserted(waiting)
        self.written += len(waiting)

    def _copied(self, lines: list[str]) -> None:
        with (
            columns.here().wrap_database_errors,
            columns.here().cursor() as cursor,
            cursor.copy(self._copy) as stream,
        ):
            stream.write("\n".join(lines) + "\n")

    def _inserted(self, lines: list[str]) -> None:
        readers = [_reader(self.model._meta.get_field(_field(self.model, name))) for name in self.names]
        rows = [
            [
                None if text == NULL else read(text)
                for read, text in zip(readers, line.split("\t"), strict=True)
            ]
            for line in lines
        ]
        with columns.here().cursor() as cursor:
            cursor.executemany(self._insert, rows)


def _field(model: type[models.Model], attname: str) -> str:
    return next(f.name for f in model._meta.concrete_fields if f.attname == attname)


def _plain(text: str) -> str:
    if "\\" not in text:
        return text
    return (
        text.replace("\\\\", "\0")
        .replace("\\t", "\t")
        .replace("\\n", "\n")
        .replace("\\r", "\r")
        .replace("\0", "\\")
    )


_READERS: dict[str, Callable[[str], Any]] = {
    "UUIDField": lambda text: text.replace("-", ""),
    "DateTimeField": lambda text: text.removesuffix("+00:00"),
    "BooleanField": lambda text: text == "t",
    "BinaryField": lambda text: bytes.fromhex(text[3:]),
    "IntegerField": int, "PositiveIntegerField": int, "PositiveSmallIntegerField": int, "SmallIntegerField": int,
    "BigIntegerField": int, "FloatField": float,
}  # fmt: skip


def _reader(field: Any) -> Callable[[str], Any]:
    """How SQLite keeps what a cell says."""
    own = field.target_field if isinstance(field, models.ForeignKey) else field
    return _READERS.get(own.get_internal_type(), _plain)
