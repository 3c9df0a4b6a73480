"""The values of a model's columns on their way into the database and out of it.

Django asks the field about each value each time, which costs more than the rest of an insert or a one-row read.
What a column needs is worked out here once a process; whatever is not one of the few plain sorts goes Django's way.
"""

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col
from psycopg.types.json import Jsonb

Convert = Callable[[Any], Any]
_NULL = type(None)


_thread = threading.local()


def here() -> BaseDatabaseWrapper:
    """This thread's connection itself, not Django's proxy that looks it up again for each attribute."""
    found: BaseDatabaseWrapper | None = getattr(_thread, "found", None)
    if found is None:
        found = _thread.found = connections[DEFAULT_DB_ALIAS]
    return found


@cache
def on_postgresql() -> bool:
    """Whether this process speaks to PostgreSQL; settings decide it once, and otherwise it is SQLite."""
    return bool(here().vendor == "postgresql")


@dataclass(frozen=True, slots=True)
class Column:
    """`cast` is PostgreSQL's type with colons; values of the types in `plain` are stored as they are, all others
    through `stored`. `loaded` is None where the driver's own value is right already."""

    name: str
    attname: str
    cast: str
    plain: frozenset[type]
    stored: Convert
    loaded: Convert | None

    def read(self, value: Any) -> Any:
        """The value as the model has it."""
        return value if value is None or self.loaded is None else self.loaded(value)


@lru_cache(maxsize=256)
def of(model: type[models.Model]) -> dict[str, Column]:
    """The columns by name and by attribute name."""
    found = {}
    for f in model._meta.concrete_fields:
        found[f.name] = found[f.attname] = _column(f)
    return found


def _column(f: models.Field) -> Column:
    kind = (f.rel_db_type(here()) if f.is_relation else f.cast_db_type(here())) or ""
    cast = f"::{kind.split('(')[0]}" if on_postgresql() and kind else ""
    own = f.target_field if isinstance(f, models.ForeignKey) else f
    return Column(
        f'"{f.column}"',
        f.attname,
        cast,
        _plain(own),
        _stored(f, own),
        _loaded(f, own),
    )


_TYPES: dict[str, type] = {
    "CharField": str, "TextField": str, "BooleanField": bool, "IntegerField": int, "BigIntegerField": int,
    "PositiveIntegerField": int, "PositiveSmallIntegerField": int, "SmallIntegerField": int, "UUIDField": uuid.UUID,
    "DateTimeField": datetime, "DateField": date, "BinaryField": bytes,
}  # fmt: skip


def _sort(own: models.Field) -> str:
    """The field's own name for its sort; JSON with a coder of its own is nobody's sort."""
    coded = isinstance(own, models.JSONField) and bool(own.encoder or own.decoder)
    return "" if coded else str(own.get_internal_type())


def _plain(own: models.Field) -> frozenset[type]:
    sort = _sort(own)
    if sort == "JSONField":
        return frozenset({_NULL})
    if sort not in _TYPES:
        return frozenset()
    if not on_postgresql() and sort in ("UUIDField", "DateTimeField", "DateField"):
        return frozenset({_NULL})
    return frozenset({_NULL, _TYPES[sort]})


def _stored(f: models.Field, own: models.Field) -> Convert:
    """What to do with a value that is not of a plain type."""

    def generally(value: Any) -> Any:
        return f.get_db_prep_save(value, here())

    sort = _sort(own)
    if sort == "JSONField":
        return _jsonb if on_postgresql() else json.dumps
    if not on_postgresql() and sort == "UUIDField":
        return lambda value: value.hex if type(value) is uuid.UUID else generally(value)
    if not on_postgresql() and sort == "DateTimeField":
        return lambda value: (
            moment_text(value) if type(value) is datetime and value.tzinfo else generally(value)
        )
    return generally


def _jsonb(value: Any) -> Jsonb:
    return Jsonb(value, dumps=orjson.dumps)


def moment_text(at: datetime) -> str:
    """An aware moment as SQLite keeps it: UTC, without saying so."""
    return str(at.astimezone(UTC))[:-6]


def _loaded(f: models.Field, own: models.Field) -> Convert | None:
    sort = _sort(own)
    if sort == "JSONField":
        return lambda value: orjson.loads(value) if isinstance(value, str) else value
    if not on_postgresql() and sort in _READERS:
        return _READERS[sort]
    return _generally_loaded(f.get_col(f.model._meta.db_table))


def _generally_loaded(said: Any) -> Convert | None:
    steps = [*here().ops.get_db_converters(said), *said.get_db_converters(here())]
    return _chained(steps, said) if steps else None


def reader(said: Any) -> Convert | None:
    """How what a query says of each row is read: a column as `of` has it, whatever is worked out as Django does."""
    if isinstance(said, Col):
        return of(said.target.model)[said.target.attname].loaded
    return _generally_loaded(said)


_READERS: dict[str, Convert | None] = {
    "UUIDField": lambda value: uuid.UUID(int=int(value, 16)),
    "DateTimeField": lambda value: value.replace(tzinfo=UTC),
    "DateField": None,
    "BooleanField": None,
}
"""SQLite's driver knows the declared types of columns: a time comes as a naive one, a yes or no as such."""


def _chained(steps: list[Callable[..., Any]], column: Any) -> Convert:
    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, here())
        return value

    return convert
