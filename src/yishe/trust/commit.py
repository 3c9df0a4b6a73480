"""The one place where an act becomes permanent.

A writer collects everything an act changes in a `Bundle`: the ledger entries, the projected row, the messages,
the access line. `commit` writes it whole or not at all.

On PostgreSQL a bundle with at most one guard is a single data-modifying statement: prepared, in autocommit, one
round trip (docs/decisions/0002). On SQLite it is one short transaction behind a lock that all processes on the
machine share, so that writers queue in order instead of colliding. Both refuse the same things.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, models, transaction

from yishe.trust import columns, write_lock
from yishe.trust.sending import send


class Stale(Exception):
    """A guarded row was not as expected: someone else acted first. Nothing was written."""


class Duplicate(Exception):
    """A unique key is taken: the same act arrived twice, or two acts met. Nothing was written."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass
class Write:
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

    def params(self) -> list[Any]:
        return [value for row in self.rows for value in row] + self.wanted


Names = tuple[str, ...]


def _row(model: type[models.Model], values: Mapping[str, Any]) -> tuple[Names, list[Any]]:
    """The given values as the driver takes them, with the names of their columns."""
    known = columns.of(model)
    names = tuple(values)
    row = []
    for name in names:
        column, value = known[name], values[name]
        row.append(value if type(value) in column.plain else column.stored(value))
    return names, row


Cell = tuple[str | None, Callable[[], Any] | None, Any, frozenset[type], Callable[[Any], Any]]
"""Where a column of a new row gets its value: given under this name, else what the model's default makes each time, else this
value as it is stored always; then which types are stored as they are, and what is done with others."""


@lru_cache(maxsize=1024)
def _cells(model: type[models.Model], given: Names) -> tuple[Names, tuple[Cell, ...]]:
    """How a new row is completed when these are given; a serial key stays open."""
    known, cells, names = columns.of(model), list[Cell](), list[str]()
    for f in model._meta.concrete_fields:
        name = next((one for one in (f.attname, f.name) if one in given), None)
        if name is not None or not isinstance(f, models.AutoField):
            names.append(f.attname)
            cells.append(_cell(f, name, known[f.attname]))
    if sum(name is not None for name, *_ in cells) != len(given):
        raise TypeError(f"{model.__name__} has no {sorted(set(given) - set(known))}")
    return tuple(names), tuple(cells)


def _cell(f: models.Field, name: str | None, column: columns.Column) -> Cell:
    made = f.get_default if name is None and callable(f.default) and f.has_default() else None
    always = f.get_default() if name is None and made is None else None
    kept = always if type(always) in column.plain else column.stored(always)
    return name, made, kept, column.plain, column.stored


def _whole(cells: Sequence[Cell], values: Mapping[str, Any]) -> list[Any]:
    """Every column gets a value: the given one, the model's default, or null."""
    row = []
    for given, made, always, plain, stored in cells:
        if given is not None:
            value = values[given]
        elif made is not None:
            value = made()
        else:
            row.append(always)
            continue
        row.append(value if type(value) in plain else stored(value))
    return row


class Bundle:
    """What one act writes, in the order it was said. Used once."""

    def __init__(self) -> None:
        self._writes: list[Write] = []

    def insert(self, model: type[models.Model], **values: Any) -> None:
        """A new row; a taken unique key makes `commit` raise Duplicate."""
        self._insert(model, (values,), absent=False)

    def insert_all(self, model: type[models.Model], rows: Sequence[Mapping[str, Any]]) -> None:
        """The same for many rows of which the same columns are given."""
        self._insert(model, rows, absent=False)

    def insert_if_absent(self, model: type[models.Model], **values: Any) -> None:
        """A new row unless one with the same unique key is there already."""
        self._insert(model, (values,), absent=True)

    def insert_alike_if_absent(
        self, model: type[models.Model], values: Mapping[str, Any], each: Sequence[Mapping[str, Any]]
    ) -> None:
        """The same for many rows that differ in what `each` says, which names the same columns every time."""
        if not each:
            return
        names, cells = _cells(model, (*values, *each[0]))
        row, known = _whole(cells, {**values, **each[0]}), columns.of(model)
        own = [(name, names.index(known[name].attname), known[name]) for name in each[0]]
        rows = self._into(model, names, absent=True)
        rows.append(row)
        for one in each[1:]:
            row = row.copy()
            for name, at, column in own:
                value = one[name]
                row[at] = value if type(value) in column.plain else column.stored(value)
            rows.append(row)

    def update(
        self,
        model: type[models.Model],
        where: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        guard: bool = True,
    ) -> None:
        """Change the rows that match `where`; with `guard` exactly one must, or `commit` raises Stale."""
        names, row = _row(model, values)
        keys, wanted = _row(model, where)
        self._writes.append(Write(model, names, [row], keys, wanted, guard))

    def require(self, model: type[models.Model], where: Mapping[str, Any]) -> None:
        """One row must match `where` at the moment of commit, or Stale. PostgreSQL locks it: whoever is changing it
        comes wholly before this act or wholly after."""
        keys, wanted = _row(model, where)
        self._writes.append(Write(model, (), [], keys, wanted, guard=True))

    def given_up(self) -> list[Write]:
        """What it would write, for another bundle to write; this one is used up."""
        writes, self._writes = self._writes, []
        return writes

    def take_in(self, other: "Bundle") -> None:
        """Everything another act would write, to be written with this."""
        for one in other.given_up():
            if one.where:
                self._writes.append(one)
            else:
                self._into(one.model, one.names, absent=one.absent).extend(one.rows)

    def __bool__(self) -> bool:
        return bool(self._writes)

    def tables(self) -> set[str]:
        """Where it would write."""
        return {one.model._meta.db_table for one in self._writes}

    def commit(self) -> None:
        """Write all or nothing. Raises Stale or Duplicate; both leave the database as it was."""
        if not self._writes:
            return
        writes, self._writes = self._writes, []
        try:
            if columns.on_postgresql():
                _commit_postgresql(writes)
            else:
                with write_lock.held(), transaction.atomic():
                    _each(writes)
        except IntegrityError as error:
            raise Duplicate(str(error)) from error

    def _insert(self, model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, absent: bool) -> None:
        if rows:
            names, cells = _cells(model, tuple(rows[0]))
            self._into(model, names, absent=absent).extend(_whole(cells, values) for values in rows)

    def _into(self, model: type[models.Model], names: Names, *, absent: bool) -> list[list[Any]]:
        """Where rows of this shape go: they share one statement, so that its shape stays small and its plan is kept."""
        for one in self._writes:
            if not one.where and (one.model, one.names, one.absent) == (model, names, absent):
                return one.rows
        self._writes.append(Write(model, names, [], absent=absent))
        return self._writes[-1].rows


@contextmanager
def atomically() -> Iterator[None]:
    """Several bundles as one transaction; on SQLite behind the shared lock."""
    if columns.on_postgresql():
        with transaction.atomic():
            yield
    else:
        with write_lock.held(), transaction.atomic():
            yield


@contextmanager
def rehearsed() -> Iterator[None]:
    """Everything inside is written as it would be, and taken back at the end."""
    with atomically():
        yield
        transaction.set_rollback(True)


def _table(model: type[models.Model]) -> str:
    return f'"{model._meta.db_table}"'


def _where(write: Write, known: Mapping[str, columns.Column]) -> str:
    return " AND ".join(f"{known[n].name} = %s{known[n].cast}" for n in write.where)


def _update_sql(write: Write) -> str:
    known = columns.of(write.model)
    if not write.names:
        share = " FOR SHARE" if columns.on_postgresql() else ""
        return f"SELECT 1 FROM {_table(write.model)} WHERE {_where(write, known)}{share}"
    sets = ", ".join(f"{known[n].name} = %s{known[n].cast}" for n in write.names)
    return f"UPDATE {_table(write.model)} SET {sets} WHERE {_where(write, known)}"


def _insert_sql(write: Write, condition: str = "") -> str:
    named = [columns.of(write.model)[n] for n in write.names]
    row = f"({', '.join(f'%s{c.cast}' for c in named)})"
    names = ", ".join(c.name for c in named)
    values = ", ".join([row] * len(write.rows))
    source = f"SELECT * FROM (VALUES {values}) AS v {condition}" if condition else f"VALUES {values}"
    conflict = " ON CONFLICT DO NOTHING" if write.absent else ""
    return f"INSERT INTO {_table(write.model)} ({names}) {source}{conflict}"


Shape = tuple[Any, ...]


def _of_shape(shape: Shape) -> Write:
    """A write of this shape without its values."""
    model, names, rows, where, guard, absent = shape
    return Write(model, names, [[]] * rows, where, [], guard, absent)


@lru_cache(maxsize=1024)
def statement_of(shape: Shape) -> str:
    """The text of one write of this shape."""
    write = _of_shape(shape)
    return _update_sql(write) if write.where else _insert_sql(write)


def _each(writes: list[Write]) -> None:
    """One statement after the other; guards first, so that a lost race costs one statement."""
    with columns.here().cursor() as cursor:
        for write in sorted(writes, key=_guards_first):
            cursor.execute(statement_of(write.shape), write.params())
            hit = cursor.fetchone() is not None if write.where and not write.names else cursor.rowcount == 1
            if write.guard and not hit:
                raise Stale(write.model.__name__)


def _guards_first(write: Write) -> bool:
    return not write.guard


@lru_cache(maxsize=1024)
def _statement(shapes: tuple[Shape, ...]) -> str:
    """PostgreSQL's one statement for bundles of this shape: the guard first, everything else only if it hit."""
    writes = [_of_shape(shape) for shape in shapes]
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


def _commit_postgresql(writes: list[Write]) -> None:
    if sum(w.guard for w in writes) > 1:
        with transaction.atomic():
            _each(writes)
    elif columns.here().in_atomic_block:
        # A refused statement would end the caller's transaction; a savepoint keeps the refusal ours.
        with transaction.atomic():
            _in_one(writes)
    else:
        _in_one(writes)


def _in_one(writes: list[Write]) -> None:
    here = columns.here()
    writes = sorted(writes, key=_guards_first)
    sql = _statement(tuple(w.shape for w in writes))
    hit = send(sql, [p for w in writes for p in w.params()]).fetchone()[0]
    if writes[0].guard and hit != 1:
        if hit and not here.in_atomic_block:
            raise RuntimeError(f"a guard on {writes[0].model.__name__} matched {hit} rows")
        raise Stale(writes[0].model.__name__)
