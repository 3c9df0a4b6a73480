"""A query whose text is made once for each shape, and then only given its values.

Putting a condition together and compiling it costs Django several times what the database takes for it (docs/decisions/0015).
Two queries are of one shape where only ids, fingerprints and times differ: the first is compiled with a stand-in for each of
these, and where the stand-ins come to stand, the values go. So the condition is said in one place, as any other query.
"""

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import models

from yishe.trust import columns, quick, scoping

Made = Callable[..., models.QuerySet[Any, Any]]
Text = tuple[str, tuple[tuple[int | None, Any], ...], tuple[tuple[int, columns.Convert], ...]]
"""The statement; for each placeholder the place of its value, or what always stands there; how columns are read."""

_VALUES = (UUID, bytes, datetime)
_BORN = datetime(2000, 1, 1, tzinfo=UTC)


_A_VALUE = re.compile(r"[0-9a-f]{32}$|\d{4}-\d\d-\d\d \d\d:")
"""An id or a time as SQLite is given it."""


class Misshaped(RuntimeError):
    """A query worked out a value of its own from one it was given, so that its text is not of the shape alone: a fault of
    the program."""


def rows(made: Made, *given: Any) -> list[tuple[Any, ...]]:
    """What `made(*given)`, a query for a list of values, answers. `given` are ids, fingerprints, times, what decides the text
    (strings, numbers, functions, None), and tuples of all these. `made` must do nothing with the former but put them in."""
    values: list[Any] = []
    text = _compiled(made, _shape(given, values))
    if text is None:
        return []
    sql, places, read = text
    found = quick.rows(sql, [same if n is None else values[n] for n, same in places])
    return [_loaded(row, read) for row in found] if read else found


def padded(wanted: Sequence[UUID]) -> tuple[UUID, ...]:
    """The same ids, the last said again up to a power of two, so that lists of many lengths are of few shapes."""
    full = 1 << max(0, len(wanted) - 1).bit_length()
    return tuple(wanted) + tuple(wanted[-1:]) * (full - len(wanted))


def _loaded(row: tuple[Any, ...], read: Sequence[tuple[int, columns.Convert]]) -> tuple[Any, ...]:
    found = list(row)
    for n, convert in read:
        if found[n] is not None:
            found[n] = convert(found[n])
    return tuple(found)


def _shape(given: Any, values: list[Any]) -> Any:
    """What is given, with the sort of each value in its place; the values are put to `values` in that order."""
    if isinstance(given, tuple):
        return (type(given), *[_shape(one, values) for one in given])
    if isinstance(given, _VALUES):
        values.append(given)
        return type(given)
    return (None, type(given), given)


def _stood(shape: Any, standing: Iterator[int]) -> Any:
    """The shape with a stand-in of its own for each value."""
    if isinstance(shape, type):
        return _stand_in(shape, next(standing))
    if shape[0] is None:
        return shape[2]
    inner = [_stood(one, standing) for one in shape[1:]]
    return tuple(inner) if shape[0] is tuple else shape[0](*inner)


def _stand_in(sort: type, n: int) -> Any:
    if issubclass(sort, UUID):
        return UUID(int=n + 1)
    return _BORN + timedelta(microseconds=n + 1) if issubclass(sort, datetime) else b"stands in for %d" % n


def _forms(sort: type, n: int) -> tuple[Hashable, ...]:
    """The stand-in as it goes to either database."""
    one = _stand_in(sort, n)
    if isinstance(one, UUID):
        return (one, one.hex)
    return (one, columns.moment_text(one)) if isinstance(one, datetime) else (one,)


def _sorts(shape: Any) -> Iterator[type]:
    if isinstance(shape, type):
        yield shape
    elif shape[0] is not None:
        for one in shape[1:]:
            yield from _sorts(one)


@lru_cache(maxsize=512)
def _compiled(made: Made, shape: Hashable) -> Text | None:
    """The text of a shape; None where nothing can be found by it."""
    found = made(*_stood(shape, count()))
    scoping.require_named(found)
    compiler = found.query.get_compiler(connection=columns.here())
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    if sql.count("%") != len(params):
        raise Misshaped(f"a per cent sign beside the placeholders: {sql}")
    stands = {form: n for n, sort in enumerate(_sorts(shape)) for form in _forms(sort, n)}
    places = tuple(_placed(one, stands) for one in params)
    read = ((n, columns.reader(one[0])) for n, one in enumerate(compiler.select))
    return sql, places, tuple((n, convert) for n, convert in read if convert is not None)


def _placed(param: Any, stands: dict[Hashable, int]) -> tuple[int | None, Any]:
    plain = bytes(getattr(param, "obj", param)) if _binary(param) else param
    n = stands.get(plain)
    if n is None and (isinstance(plain, _VALUES) or (isinstance(plain, str) and _A_VALUE.match(plain))):
        raise Misshaped(f"{plain!r} is none of the values that were given")
    return n, None if n is not None else param


def _binary(param: Any) -> bool:
    return isinstance(getattr(param, "obj", param), bytes | memoryview)
