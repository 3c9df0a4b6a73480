"""Reading a row by a fixed statement, for the few paths that every request walks.

The query compiler costs more than the database on a one-row read (design §6: statement count decides, and the time
is Python's). Here the text is constant, so PostgreSQL keeps it prepared, and the model's own converters are
looked up once. Everything else uses the ORM.
"""

from collections.abc import Callable, Sequence
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
    """Ids as this database stores them: native on PostgreSQL, 32 hex digits on SQLite."""
    if connection.vendor == "postgresql":
        return list(values)
    return [v.hex if isinstance(v, UUID) else v for v in values]


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Whatever the statement answers, unconverted."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params(values))
        return cursor.fetchall()


def instance(model: type[M], row: Sequence[Any]) -> M:
    """The first columns of `row`, in field order, as an instance of `model`."""
    count = len(model._meta.concrete_fields)
    values = list(row[:count])
    for index, convert in _converters(model, connection.vendor):
        values[index] = convert(values[index])
    return model.from_db(connection.alias, [f.attname for f in model._meta.concrete_fields], values)


def uid(value: Any) -> UUID | None:
    """An id column outside a model's own columns."""
    return value if value is None or isinstance(value, UUID) else UUID(value)
