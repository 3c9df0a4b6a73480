"""Tables without their keys and indexes while millions of rows come in; built anew in one go afterwards, denser and far sooner.

For a database that is empty and nobody else's. What stood is read from PostgreSQL's catalogue, not from the models, so that
indexes which a migration made by hand come back as they were.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, models, transaction

_CONSTRAINTS = """
    SELECT c.conrelid::regclass::text, quote_ident(c.conname), pg_get_constraintdef(c.oid) FROM pg_constraint c
    WHERE c.conrelid = ANY(%s::regclass[]) AND c.conparentid = 0 AND (c.contype = 'f' OR c.contype IN ('p', 'u') AND NOT EXISTS (
        SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.conrelid))
    ORDER BY c.contype = 'f' DESC, c.contype"""
_INDEXES = """
    SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
    WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS (
        SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)"""
_ROOM = ("SET LOCAL maintenance_work_mem = '512MB'", "SET LOCAL max_parallel_maintenance_workers = 2")


@dataclass(frozen=True)
class _Standing:
    """What is taken away, and how each is put back; foreign keys come last."""

    drops: list[str]
    builds: list[str]


@contextmanager
def tables(models_: Sequence[type[models.Model]]) -> Iterator[None]:
    """Inside, the tables have neither indexes nor foreign keys, but for keys that others lean on. PostgreSQL, outside a
    transaction. What was there is there again at the end, also after an error."""
    standing = _standing([model._meta.db_table for model in models_])
    _said(standing.drops)
    try:
        yield
    finally:
        _said([*_ROOM, *standing.builds])


def _standing(names: list[str]) -> _Standing:
    with connection.cursor() as cursor:
        cursor.execute(_CONSTRAINTS, [names])
        constraints = cursor.fetchall()
        cursor.execute(_INDEXES, [names])
        indexes = cursor.fetchall()
    drops = [f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _ in constraints]
    builds = [
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {said}" for table, name, said in reversed(constraints)
    ]
    kept = [said for said in builds if " FOREIGN KEY " not in said]
    leaning = [said for said in builds if " FOREIGN KEY " in said]
    return _Standing(
        [*drops, *(f"DROP INDEX {name}" for name, _ in indexes)],
        [*kept, *(said for _, said in indexes), *leaning],
    )


def _said(statements: Sequence[str]) -> None:
    """All of them or none."""
    with transaction.atomic(), connection.cursor() as cursor:
        for one in statements:
            cursor.execute(one)
