"""The one place where an act becomes permanent.

A writer collects everything an act changes in a `Bundle`: the ledger entries, the projected row, the messages,
the access line. `commit` writes it whole or not at all.

On PostgreSQL a bundle with at most one guard is a single data-modifying statement: prepared, in autocommit, one
round trip (docs/decisions/0002). On SQLite it is one short transaction behind a lock that all processes on the
machine share, so that writers queue in order instead of colliding. Both refuse the same things.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from yishe.trust import write_lock


class Stale(Exception):
    """A guarded row was not as expected: someone else acted first. Nothing was written."""


class Duplicate(Exception):
    """A unique key is taken: the same act arrived twice, or two acts met. Nothing was written."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class _Column:
    name: str
    attname: str
    cast: str
    field: models.Field
    kind: str


@lru_cache(maxsize=256)
def _columns(model: type[models.Model], vendor: str) -> dict[str, _Column]:
    found = {}
    for f in model._meta.concrete_fields:
        kind = (f.rel_db_type(connection) if f.is_relation else f.cast_db_type(connection)) or ""
        cast = f"::{kind.split('(')[0]}" if vendor == "postgresql" and kind else ""
        own = f.target_field if isinstance(f, models.ForeignKey) else f
        plain = own.get_internal_type() if own.get_internal_type() in _PLAIN else ""
        column = _Column(f'"{f.column}"', f.attname, cast, f, plain)
        found[f.name] = found[f.attname] = column
    return found


@dataclass
class _Write:
    """One statement of the bundle: rows of equal shape for one table, or one update."""

    model: type[models.Model]
    names: tuple[str, ...]
    rows: list[list[Any]]
    where: tuple[str, ...] = ()
    wanted: list[Any] = field(default_factory=list)
    guard: bool = False
    absent: bool = False

    @property
    def shape(self) -> tuple[Any, ...]:
        return (self.model, self.names, len(self.rows), self.where, self.guard, self.absent)

    def params(self) -> Iterator[Any]:
        for row in self.rows:
            yield from row
        yield from self.wanted


def _prepared(model: type[models.Model], values: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Any]]:
    here = connections[DEFAULT_DB_ALIAS]  # itself, not the proxy: fields ask it several times a value
    columns = _columns(model, here.vendor)
    names = tuple(values)
    return names, [_stored(columns[n], values[n], here) for n in names]


_PLAIN: dict[str, type[Any]] = {
    "CharField": str, "TextField": str, "BooleanField": bool, "IntegerField": int, "BigIntegerField": int,
    "PositiveIntegerField": int, "PositiveSmallIntegerField": int, "SmallIntegerField": int, "UUIDField": uuid.UUID,
    "DateTimeField": datetime,
}  # fmt: skip


def _stored(column: _Column, value: Any, here: BaseDatabaseWrapper) -> Any:
    """The value as the driver takes it. Values already of the column's own type skip the field's general way, which
    costs more than the rest of an insert."""
    if value is None and column.kind:
        return None
    if type(value) is not _PLAIN.get(column.kind):
        return column.field.get_db_prep_save(value, here)
    if here.vendor == "postgresql" or column.kind not in ("UUIDField", "DateTimeField"):
        return value
    return value.hex if column.kind == "UUIDField" else here.ops.adapt_datetimefield_value(value)


def _complete(model: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """Every column gets a value: the given one, the model's default, or null; a serial key stays open."""
    full, used = {}, 0
    for f in model._meta.concrete_fields:
        if f.attname in values:
            full[f.attname], used = values[f.attname], used + 1
        elif f.name in values:
            full[f.attname], used = values[f.name], used + 1
        elif not isinstance(f, models.AutoField):
            full[f.attname] = f.get_default()
    if used != len(values):
        unknown = set(values) - set(_columns(model, connection.vendor))
        raise TypeError(f"{model.__name__} has no {sorted(unknown)}")
    return full


class Bundle:
    """What one act writes, in the order it was said. Used once."""

    def __init__(self) -> None:
        self._writes: list[_Write] = []

    def insert(self, model: type[models.Model], **values: Any) -> None:
        """A new row; a taken unique key makes `commit` raise Duplicate."""
        self._insert(model, values, absent=False)

    def insert_if_absent(self, model: type[models.Model], **values: Any) -> None:
        """A new row unless one with the same unique key is there already."""
        self._insert(model, values, absent=True)

    def update(
        self,
        model: type[models.Model],
        where: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        guard: bool = True,
    ) -> None:
        """Change the rows that match `where`; with `guard` exactly one must, or `commit` raises Stale."""
        names, row = _prepared(model, values)
        keys, wanted = _prepared(model, where)
        self._writes.append(_Write(model, names, [row], keys, wanted, guard))

    def require(self, model: type[models.Model], where: Mapping[str, Any]) -> None:
        """One row must match `where` at the moment of commit, or Stale."""
        keys, wanted = _prepared(model, where)
        self._writes.append(_Write(model, (), [], keys, wanted, guard=True))

    def __bool__(self) -> bool:
        return bool(self._writes)

    def commit(self) -> None:
        """Write all or nothing. Raises Stale or Duplicate; both leave the database as it was."""
        if not self._writes:
            return
        writes, self._writes = self._writes, []
        try:
            if connection.vendor == "postgresql":
                _commit_postgresql(writes)
            else:
                with write_lock.held(), transaction.atomic():
                    _each(writes)
        except IntegrityError as error:
            raise Duplicate(str(error)) from error

    def _insert(self, model: type[models.Model], values: dict[str, Any], *, absent: bool) -> None:
        names, row = _prepared(model, _complete(model, values))
        self._append(_Write(model, names, [row], absent=absent))

    def _append(self, write: _Write) -> None:
        """Rows for the same table share one statement, so its shape stays small and its plan is kept."""
        for earlier in self._writes if not write.where else ():
            if (earlier.model, earlier.names, earlier.absent, earlier.where) == (
                write.model,
                write.names,
                write.absent,
                (),
            ):
                earlier.rows.extend(write.rows)
                return
        self._writes.append(write)


@contextmanager
def atomically() -> Iterator[None]:
    """Several bundles as one transaction; on SQLite behind the shared lock."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            yield
    else:
        with write_lock.held(), transaction.atomic():
            yield


def _table(model: type[models.Model]) -> str:
    return f'"{model._meta.db_table}"'


def _where(write: _Write) -> str:
    columns = _columns(write.model, connection.vendor)
    return " AND ".join(f"{columns[n].name} = %s{columns[n].cast}" for n in write.where)


def _update_sql(write: _Write) -> str:
    columns = _columns(write.model, connection.vendor)
    if not write.names:
        return f"SELECT 1 FROM {_table(write.model)} WHERE {_where(write)}"
    sets = ", ".join(f"{columns[n].name} = %s{columns[n].cast}" for n in write.names)
    return f"UPDATE {_table(write.model)} SET {sets} WHERE {_where(write)}"


def _insert_sql(write: _Write, condition: str = "") -> str:
    columns = [_columns(write.model, connection.vendor)[n] for n in write.names]
    row = f"({', '.join(f'%s{c.cast}' for c in columns)})"
    names = ", ".join(c.name for c in columns)
    values = ", ".join([row] * len(write.rows))
    source = f"SELECT * FROM (VALUES {values}) AS v {condition}" if condition else f"VALUES {values}"
    conflict = " ON CONFLICT DO NOTHING" if write.absent else ""
    return f"INSERT INTO {_table(write.model)} ({names}) {source}{conflict}"


def _sql(write: _Write) -> str:
    return _update_sql(write) if write.where else _insert_sql(write)


def _each(writes: list[_Write]) -> None:
    """One statement after the other; guards first, so that a lost race costs one statement."""
    with connection.cursor() as cursor:
        for write in sorted(writes, key=lambda w: not w.guard):
            cursor.execute(_sql(write), list(write.params()))
            hit = cursor.fetchone() is not None if write.where and not write.names else cursor.rowcount == 1
            if write.guard and not hit:
                raise Stale(write.model.__name__)


@lru_cache(maxsize=1024)
def _statement(shapes: tuple[tuple[Any, ...], ...], vendor: str) -> str:
    """The one statement for bundles of this shape: the guard first, everything else only if it hit."""
    writes = [
        _Write(m, n, [[]] * rows, where, [], guard, absent) for m, n, rows, where, guard, absent in shapes
    ]
    guarded = any(w.guard for w in writes)
    condition = "WHERE EXISTS (SELECT 1 FROM w0)" if guarded else ""
    parts = []
    for i, write in enumerate(writes):
        if write.where:
            sql = _update_sql(write)
            if guarded and not write.guard:
                sql += " AND EXISTS (SELECT 1 FROM w0)"
            parts.append(f"w{i} AS ({sql}{' RETURNING 1' if write.names else ''})")
        else:
            parts.append(f"w{i} AS ({_insert_sql(write, condition)})")
    return f"WITH {', '.join(parts)} SELECT {'(SELECT count(*) FROM w0)' if guarded else '1'}"


def _commit_postgresql(writes: list[_Write]) -> None:
    if sum(w.guard for w in writes) > 1:
        with transaction.atomic():
            _each(writes)
    elif connection.in_atomic_block:
        # A refused statement would end the caller's transaction; a savepoint keeps the refusal ours.
        with transaction.atomic():
            _in_one(writes)
    else:
        _in_one(writes)


def _in_one(writes: list[_Write]) -> None:
    writes = sorted(writes, key=lambda w: not w.guard)
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(tuple(w.shape for w in writes), "postgresql"), [p for w in writes for p in w.params()]
        )
        hit = cursor.fetchone()[0]
    if writes[0].guard and hit != 1:
        if hit and not connection.in_atomic_block:
            raise RuntimeError(f"a guard on {writes[0].model.__name__} matched {hit} rows")
        raise Stale(writes[0].model.__name__)
