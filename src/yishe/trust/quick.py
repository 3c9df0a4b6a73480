"""Reading a row by a fixed statement, for the few paths that every request walks.

The query compiler costs more than the database on a one-row read (design §6: statement count decides, and the time
is Python's). Here the text is constant, so PostgreSQL keeps it prepared, and the model's own converters are
looked up once. Everything else uses the ORM.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models

M = TypeVar("M", bound=models.Model)
Converter = Callable[[Any], Any]


@lru_cache(maxsize=64)
def _columns(model: type[models.Model], alias: str) -> str:
    return ", ".join(f'{alias}."{f.column}"' for f in model._meta.concrete_fields)


def columns(model: type[models.Model], alias: str) -> str:
    """The model's columns in field order, for a SELECT list."""
    return _columns(model, alias)


@lru_cache(maxsize=64)
def _converters(model: type[models.Model], vendor: str) -> tuple[tuple[int, Converter], ...]:
    found: list[tuple[int, Converter]] = []
    for index, f in enumerate(model._meta.concrete_fields):
        column = f.get_col(model._meta.db_table)
        steps = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        if steps:
            found.append((index, _chained(steps, column)))
    return tuple(found)


def _chained(steps: Sequence[Callable[..., Any]], column: Any) -> Converter:
    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert


def params(values: Sequence[Any]) -> list[Any]:
    """Ids and times as this database stores them: native on PostgreSQL, hex digits and UTC text on SQLite."""
    if connection.vendor == "postgresql":
        return list(values)
    return [_sqlite(v) for v in values]


def _sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Whatever the statement answers, unconverted."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params(values))
        return cursor.fetchall()


@lru_cache(maxsize=64)
def names(model: type[models.Model]) -> tuple[str, ...]:
    """The model's columns by attribute name, in the order `columns` selects them."""
    return tuple(f.attname for f in model._meta.concrete_fields)


def values(model: type[models.Model], row: Sequence[Any]) -> list[Any]:
    """The first columns of `row`, in field order, converted."""
    found = list(row[: len(names(model))])
    for index, convert in _converters(model, connection.vendor):
        found[index] = convert(found[index])
    return found


def instance(model: type[M], row: Sequence[Any]) -> M:
    """The first columns of `row`, in field order, as an instance of `model`."""
    return model.from_db(connection.alias, names(model), values(model, row))


def among(column: str, wanted: Sequence[UUID]) -> tuple[str, list[Any]]:
    """A condition that `column` is one of `wanted`, with its parameters; one constant text on PostgreSQL."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [list(wanted)]
    return f"{column} IN ({', '.join(['%s'] * len(wanted))})", list(wanted)


def uid(value: Any) -> UUID | None:
    """An id column outside a model's own columns."""
    return value if value is None or isinstance(value, UUID) else UUID(value)
