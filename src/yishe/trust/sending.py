"""A constant statement on its way to the database, for the few paths that every request walks.

The driver reads a statement for its placeholders before each sending, and keeps what it found for small ones only: for
an act of a hundred values that was a third of the work. Here they are numbered once a process.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import psycopg
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format

from yishe.trust.columns import here, on_postgresql


def send(sql: str, values: Sequence[Any], *, binary: bool = False) -> CursorWrapper:
    """Carry out `sql`; the cursor that is given back has its answer, and needs no closing. The text holds no per cent
    sign but its placeholders. `binary` is how PostgreSQL answers."""
    db = here()
    if (
        on_postgresql() and not db.queries_logged
    ):  # a statement that is logged is written out by its placeholders
        db.ensure_connection()
        cursor, sql = CursorWrapper(psycopg.RawCursor(db.connection), db), numbered(sql)
    else:
        cursor = db.cursor()
    if binary and on_postgresql():
        cursor.cursor.format = Format.BINARY
    cursor.execute(sql, values)
    return cursor


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """The text as PostgreSQL itself takes it: $1, $2 …"""
    first, *others = sql.split("%s")
    return first + "".join(f"${n}{part}" for n, part in enumerate(others, 1))
