"""Reading a row by a fixed statement, for the few paths that every request walks.

The query compiler costs more than the database on a one-row read (design §6: statement count decides, and the time
is Python's). Here the text is constant, so PostgreSQL keeps it prepared, and the model's own converters are
looked up once. Everything else uses the ORM.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState

from yishe.trust.columns import Convert, moment_text, on_postgresql
from yishe.trust.columns import of as columns_of
from yishe.trust.sending import send

M = TypeVar("M", bound=models.Model)


@lru_cache(maxsize=64)
def columns(model: type[models.Model], alias: str) -> str:
    """The model's columns in field order, for a SELECT list."""
    return ", ".join(f'{alias}."{f.column}"' for f in model._meta.concrete_fields)


@lru_cache(maxsize=64)
def _loading(model: type[models.Model]) -> tuple[tuple[int, Convert], ...]:
    """Which of the model's columns need converting, by position in field order."""
    known = columns_of(model)
    wanted = ((index, known[f.attname].loaded) for index, f in enumerate(model._meta.concrete_fields))
    return tuple((index, convert) for index, convert in wanted if convert is not None)


def _param(value: Any) -> Any:
    """Ids and times as SQLite stores them: hex digits and UTC text."""
    if isinstance(value, UUID):
        return value.hex
    return moment_text(value) if isinstance(value, datetime) else value


def rows(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Whatever the statement answers, unconverted. PostgreSQL answers in binary, which costs half of text to read."""
    stored = values if on_postgresql() else [_param(v) for v in values]
    found: list[tuple[Any, ...]] = send(sql, stored, binary=True).fetchall()
    return found


@lru_cache(maxsize=64)
def names(model: type[models.Model]) -> tuple[str, ...]:
    """The model's columns by attribute name, in the order `columns` selects them."""
    return tuple(f.attname for f in model._meta.concrete_fields)


def values(model: type[models.Model], row: Sequence[Any]) -> list[Any]:
    """The first columns of `row`, in field order, converted."""
    found = list(row[: len(names(model))])
    for index, convert in _loading(model):
        if found[index] is not None:
            found[index] = convert(found[index])
    return found


def instance(model: type[M], row: Sequence[Any]) -> M:
    """The first columns of `row`, in field order, as an instance of `model`: what `from_db` makes, without setting and
    announcing each field, which costs more than reading the row."""
    new = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    vars(new).update(zip(names(model), values(model, row), strict=True), _state=state)
    return new


def where_in(model: type[M], attname: str, wanted: Sequence[UUID]) -> list[M]:
    """Every row of `model` whose column of this attribute is one of `wanted`, in order of that column. One statement."""
    if not wanted:
        return []
    column = f"m.{columns_of(model)[attname].name}"
    within, given = among(column, wanted)
    sql = f'SELECT {columns(model, "m")} FROM "{model._meta.db_table}" m WHERE {within} ORDER BY {column}'
    return [instance(model, row) for row in rows(sql, given)]


def among(column: str, wanted: Sequence[UUID]) -> tuple[str, list[Any]]:
    """A condition that `column` is one of `wanted`, with its parameters; one constant text on PostgreSQL."""
    if on_postgresql():
        return f"{column} = ANY(%s)", [list(wanted)]
    return f"{column} IN ({', '.join(['%s'] * len(wanted))})", list(wanted)


def known(value: Any) -> UUID:
    """An id column outside a model's own columns."""
    return value if isinstance(value, UUID) else UUID(value)


def uid(value: Any) -> UUID | None:
    """The same, where there may be none."""
    return None if value is None else known(value)


def moment_or_none(value: datetime | None) -> datetime | None:
    """The same as `moment`, where there may be none."""
    return None if value is None else moment(value)


def moment(value: datetime) -> datetime:
    """A time outside a model's own columns: SQLite's driver leaves out that it is UTC."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)
