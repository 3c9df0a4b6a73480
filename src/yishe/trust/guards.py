"""Insert-only tables, enforced by the database itself.

A model with `insert_only = True` gets triggers that refuse UPDATE, DELETE and (PostgreSQL) TRUNCATE. On SQLite a
remade table loses its triggers silently, so they are installed after every migrate and checked before serving.

On PostgreSQL the system is best run by a role that owns nothing (`grant`): it cannot take a trigger away, and has not even
the right to try.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db import connection, models

from yishe.policy.refusals import Invalid, Unavailable

_REFUSE = """
CREATE OR REPLACE FUNCTION yishe_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'insert-only: % on %', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def tables() -> list[type[models.Model]]:
    """The models whose rows may never change, by table name."""
    found = [m for m in apps.get_models() if getattr(m, "insert_only", False)]
    return sorted(found, key=lambda m: m._meta.db_table)


def _postgresql(table: str) -> Iterator[tuple[str, str]]:
    yield (
        f"{table}_insert_only",
        (
            f'CREATE OR REPLACE TRIGGER "{table}_insert_only" BEFORE UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION yishe_insert_only()"
        ),
    )
    yield (
        f"{table}_no_truncate",
        (
            f'CREATE OR REPLACE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION yishe_insert_only()"
        ),
    )


def _uniques(model: type[models.Model]) -> Iterator[list[str]]:
    """Column lists that are unique: REPLACE on any of them would delete without a delete trigger."""
    column_of = {f.name: str(f.column) for f in model._meta.concrete_fields}
    pk = model._meta.pk
    yield [f.column for f in getattr(pk, "fields", [pk])]
    for constraint in model._meta.constraints:
        if (
            isinstance(constraint, models.UniqueConstraint)
            and constraint.fields
            and constraint.condition is None
        ):
            yield [column_of[name] for name in constraint.fields]
    yield from ([column_of[f.name]] for f in model._meta.concrete_fields if f.unique and not f.primary_key)


def _sqlite(model: type[models.Model]) -> Iterator[tuple[str, str]]:
    table = model._meta.db_table
    for act in ("UPDATE", "DELETE"):
        name = f"{table}_no_{act.lower()}"
        yield (
            name,
            (
                f'CREATE TRIGGER "{name}" BEFORE {act} ON "{table}" '
                f"BEGIN SELECT RAISE(ABORT, 'insert-only: {act} on {table}'); END"
            ),
        )
    taken = " OR ".join(
        "(" + " AND ".join(f'"{c}" = NEW."{c}"' for c in columns) + ")" for columns in _uniques(model)
    )
    name = f"{table}_no_replace"
    yield (
        name,
        (
            f'CREATE TRIGGER "{name}" BEFORE INSERT ON "{table}" '
            f'WHEN EXISTS (SELECT 1 FROM "{table}" WHERE {taken}) '
            f"BEGIN SELECT RAISE(ABORT, 'insert-only: a row with this key is in {table}'); END"
        ),
    )


def _triggers() -> Iterator[tuple[str, str]]:
    for model in tables():
        if connection.vendor == "postgresql":
            yield from _postgresql(model._meta.db_table)
        else:
            yield from _sqlite(model)


def install() -> int:
    """Put every trigger in place. Returns how many there are."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_REFUSE)
        triggers = list(_triggers())
        for name, sql in triggers:
            if connection.vendor == "sqlite":
                cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')
            cursor.execute(sql)
    return len(triggers)


_FIRING = """
SELECT tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND proname = 'yishe_insert_only' AND prosrc LIKE '%RAISE EXCEPTION%'
"""


def missing() -> list[str]:
    """Names of triggers that should be there and would not fire: absent, switched off, or saying something else."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FIRING)
            firing = {row[0] for row in cursor.fetchall()}
            return [name for name, _ in _triggers() if name not in firing]
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        present = dict(cursor.fetchall())
    return [name for name, sql in _triggers() if present.get(name) != sql]


def grant(role: str) -> None:
    """Let `role` run the system: read and write everywhere, but only add to insert-only tables, and define nothing.

    To be done by the owner of the tables, after each migrate. Invalid on SQLite, or when there is no such role.
    """
    if connection.vendor != "postgresql":
        raise Invalid("no_roles", "SQLite 没有数据库账号：请用文件权限保护，库文件只让运行账号读写。")
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
        found = cursor.fetchone()
        if found is None or found[0]:
            why = "没有这个账号" if found is None else "它是超级用户"
            raise Invalid(
                "no_such_role", f"不能授权给 {role}：{why}。请先 CREATE ROLE … LOGIN PASSWORD …，再运行。"
            )
        for statement in _grants(connection.ops.quote_name(role)):
            cursor.execute(statement)


def _grants(role: str) -> Iterator[str]:
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"REVOKE CREATE ON SCHEMA public FROM {role}, PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    for model in tables():
        yield f'REVOKE UPDATE, DELETE ON "{model._meta.db_table}" FROM {role}'
    yield f"REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}"


def require() -> None:
    """Unavailable unless the database refuses changes to every insert-only table."""
    gone = missing()
    if gone:
        raise Unavailable(
            "guards_missing",
            f"数据库缺少 {len(gone)} 个防篡改触发器（如 {gone[0]}）：请运行 yishe migrate 后再启动。",
        )
