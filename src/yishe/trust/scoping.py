"""A query that names nobody is refused before it reads: personal rows are fetched of somebody, or of everybody for a said reason.

A model declares by which of its columns a query says whom it is about (`scoped_by`). A query that reads rows must hold one
of them to a value, a list or a query that does so itself; every branch of an OR must. What walks over everybody says why:
`everybody(Model, "…")`. Counting is no reading. This stands behind the decision who may see (`people.access`), not in its place.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.db.models.expressions import Col, Exists
from django.db.models.lookups import Lookup
from django.db.models.sql import Query
from django.db.models.sql.where import AND, OR, NothingNode, WhereNode

M = TypeVar("M", bound=models.Model)


class Unscoped(RuntimeError):
    """A query would have read everybody's rows without saying so: a fault of the program, never of who asks."""


class ScopedRows(models.QuerySet[M]):
    """Rows of persons. Reading, changing and deleting need somebody named, or `everybody`."""

    why: str = ""
    """For which reason everybody may be read."""

    def _clone(self) -> Self:
        found: Self = super()._clone()  # type: ignore[misc]
        found.why = self.why
        return found

    def require_named(self) -> None:
        """Unscoped where this query names nobody and says no reason."""
        if not self.why and not names_somebody(self.query):
            wanted = "、".join(getattr(self.model, "scoped_by", ()))
            raise Unscoped(
                f"{self.model.__name__} of nobody in particular: filter by {wanted}, or everybody(why)"
            )

    def _fetch_all(self) -> None:
        if self._result_cache is None:  # type: ignore[has-type]
            self.require_named()
        super()._fetch_all()  # type: ignore[misc]

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        self.require_named()
        return super().iterator(chunk_size)

    def update(self, **values: Any) -> int:
        self.require_named()
        return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        self.require_named()
        return super().delete()

    def raw(self, *said: Any, **more: Any) -> Any:
        raise Unscoped(f"{self.model.__name__}: what a raw statement names cannot be told; see trust.quick")


def require_named(rows: models.QuerySet[Any, Any]) -> None:
    """What reads rows by the text of a query asks here first, as the query itself does."""
    if isinstance(rows, ScopedRows):
        rows.require_named()


def everybody(model: type[M], why: str) -> models.QuerySet[M]:
    """All rows of a table of persons, for a reason that stands where it is asked. Unscoped without one."""
    if not why.strip():
        raise Unscoped(f"{model.__name__}: everybody, but for no reason")
    rows: ScopedRows[M] = ScopedRows(model)
    rows.why = why
    return rows


class OfPersons(models.Manager[M]):
    """Hands out rows that ask whom they are of."""

    def get_queryset(self) -> ScopedRows[M]:
        return ScopedRows(self.model, using=self._db)


class Personal(models.Model):
    """A table of what is known of persons. `scoped_by`: the columns by which a query names whom it reads."""

    scoped_by: ClassVar[tuple[str, ...]] = ()
    objects: ClassVar[models.Manager[Any]] = OfPersons()

    class Meta:
        abstract = True


def names_somebody(query: Query) -> bool:
    """Whether this query, as it stands, is about somebody named."""
    if query.combinator:
        return all(names_somebody(one) for one in query.combined_queries)
    return _says(query.where)


def _says(part: Any) -> bool:
    if isinstance(part, NothingNode):
        return True
    if isinstance(part, WhereNode):
        said = [_says(one) for one in part.children]
        if part.negated or part.connector not in (AND, OR):
            return False
        return any(said) if part.connector == AND else bool(said) and all(said)
    if isinstance(part, Exists):
        return False
    return isinstance(part, Lookup) and _holds(part)


def _holds(one: Lookup) -> bool:
    """One of the declared columns, of whichever table of the query, held to something known."""
    column = one.lhs
    if not isinstance(column, Col) or one.lookup_name not in ("exact", "in"):
        return False
    target = column.target
    if target.name not in getattr(target.model, "scoped_by", ()):
        return False
    if isinstance(one.rhs, Query):
        return names_somebody(one.rhs)
    return not hasattr(one.rhs, "resolve_expression")
