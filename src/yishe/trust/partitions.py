"""A table divided by `home`, the centre where its rows were born: an operator's step for a city, no migration (docs/decisions/0015).

Every key of a table that grows leads with `home`, so that nothing has to be thought of anew: the same rows, the same keys, the same
refusals. The parts lie in a schema of their own, where the system's role has no rights: it reaches them by the table alone. Within the
transaction nobody else reads or writes the table; it is done in a quiet hour.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import guards

SCHEMA = "parts"
HOME = "home"
USUAL = ("trust_entry", "trust_accessline", "care_observation")
"""The three that hold nine tenths of a district's rows."""


def divide(table: str, parts: int) -> int:
    """Move the rows of a table into so many parts by a hash of `home`; returns how many rows there are. Invalid for what is no
    insert-only table with a home or on SQLite, Conflict when it is divided already."""
    if connection.vendor != "postgresql":
        raise Invalid("no_partitions", "SQLite 没有分区：一个中心用不着；要分区请先换到 PostgreSQL。")
    known = {model._meta.db_table: model for model in guards.tables()}
    if table not in known or HOME not in {field.name for field in known[table]._meta.concrete_fields}:
        raise Invalid(
            "not_divisible", f"{table} 不能按中心分区：只有带 home 的只增表可以（如 {'、'.join(USUAL)}）。"
        )
    with transaction.atomic(), connection.cursor() as cursor:
        if _kind(cursor, table) == "p":
            raise Conflict("divided", f"{table} 已经分区：要改分区数请先从备份恢复到未分区的库。")
        for statement in _steps(cursor, table, parts):
            cursor.execute(statement)
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        (rows,) = cursor.fetchone()
    guards.install()
    return int(rows)


def divided() -> list[str]:
    """Tables that are divided now."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        return [
            model._meta.db_table for model in apps.get_models() if _kind(cursor, model._meta.db_table) == "p"
        ]


def _kind(cursor: Any, table: str) -> str:
    cursor.execute("SELECT relkind FROM pg_class WHERE oid = to_regclass(quote_ident(%s))", [table])
    found = cursor.fetchone()
    return str(found[0]) if found else ""


def _steps(cursor: Any, table: str, parts: int) -> Iterator[str]:
    constraints, indexes = _constraints(cursor, table), _indexes(cursor, table)
    old = f"{table}_whole"
    yield f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE'
    yield f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"
    yield f'ALTER TABLE "{table}" RENAME TO "{old}"'
    yield from (f'ALTER INDEX "{name}" RENAME TO "{name}_whole"' for name, _ in (*constraints, *indexes))
    like = "INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING IDENTITY"
    yield f'CREATE TABLE "{table}" (LIKE "{old}" {like}) PARTITION BY HASH ({HOME})'
    for n in range(parts):
        part = f'{SCHEMA}."{table}_{n}"'
        yield f'CREATE TABLE {part} PARTITION OF "{table}" FOR VALUES WITH (MODULUS {parts}, REMAINDER {n})'
    yield f'INSERT INTO "{table}" SELECT * FROM "{old}"'
    yield from (f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {text}' for name, text in constraints)
    yield from (text for _, text in indexes)
    yield f'DROP TABLE "{old}"'
    for n in range(parts):  # a row's guard is inherited from the table, that of a whole part is not
        yield (
            f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON {SCHEMA}."{table}_{n}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION yishe_insert_only()"
        )


def _constraints(cursor: Any, table: str) -> Sequence[tuple[str, str]]:
    """Its keys. One that does not hold `home` yet gets it in front: ids are random, and no two centres share one."""
    cursor.execute(_KEYS, [table])
    return [
        (name, text if leads else text.replace("(", f"({HOME}, ", 1))
        for name, text, leads in cursor.fetchall()
    ]


_KEYS = f"""
    SELECT conname, pg_get_constraintdef(oid), pg_get_constraintdef(oid) ~ '[(, ]{HOME}[,)]' FROM pg_constraint
    WHERE conrelid = to_regclass(quote_ident(%s)) AND contype IN ('p', 'u') ORDER BY contype, conname"""


def _indexes(cursor: Any, table: str) -> Sequence[tuple[str, str]]:
    cursor.execute(_INDEXES, [table])
    return list(cursor.fetchall())


_INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = to_regclass(quote_ident(%s))
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) ORDER BY 1"""
