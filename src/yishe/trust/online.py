"""Changes of tables beside a running system: operations for migrations that hold no table for long (docs/decisions/0018).

On PostgreSQL an index is built while others write. SQLite has one writer and a centre's rows: there, and inside a
transaction, they are Django's own.
A migration with one of these has `atomic = False`.
"""

from typing import Any

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

INVALID = "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"
Editor = BaseDatabaseSchemaEditor


def _on_postgresql(editor: Editor) -> bool:
    return bool(editor.connection.vendor == "postgresql")


def _beside_writers(editor: Editor) -> bool:
    """Whether there may be others. Inside a transaction there are none: a restore makes its tables in one, and they are empty."""
    return _on_postgresql(editor) and not editor.connection.in_atomic_block


class AddIndex(AddIndexConcurrently):
    """It may wait long for old transactions, and nobody waits for it. What an interrupted attempt left is thrown away first."""

    def database_forwards(self, app_label: str, editor: Editor, before: Any, after: Any) -> None:
        if not _beside_writers(editor):
            return migrations.AddIndex.database_forwards(self, app_label, editor, before, after)
        with editor.connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            (wait,) = cursor.fetchone()
            cursor.execute("SET lock_timeout = 0")
            cursor.execute(INVALID, [f'"{self.index.name}"'])
            if cursor.fetchone():
                cursor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app_label, editor, before, after)
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [wait])
        return None

    def database_backwards(self, app_label: str, editor: Editor, before: Any, after: Any) -> None:
        way = AddIndexConcurrently if _beside_writers(editor) else migrations.AddIndex
        way.database_backwards(self, app_label, editor, before, after)


class RemoveIndex(RemoveIndexConcurrently):
    """The same for one that is wanted no more."""

    def database_forwards(self, app_label: str, editor: Editor, before: Any, after: Any) -> None:
        way = RemoveIndexConcurrently if _beside_writers(editor) else migrations.RemoveIndex
        way.database_forwards(self, app_label, editor, before, after)

    def database_backwards(self, app_label: str, editor: Editor, before: Any, after: Any) -> None:
        way = RemoveIndexConcurrently if _beside_writers(editor) else migrations.RemoveIndex
        way.database_backwards(self, app_label, editor, before, after)


class AddCheck(AddConstraintNotValid):
    """A check that new rows must meet at once; old ones are looked through by `ValidCheck` in a later migration."""

    def database_forwards(self, app_label: str, editor: Editor, before: Any, after: Any) -> None:
        way = AddConstraintNotValid if _on_postgresql(editor) else migrations.AddConstraint
        way.database_forwards(self, app_label, editor, before, after)


class ValidCheck(ValidateConstraint):
    """Old rows are looked through while others write."""

    def database_forwards(self, app_label: str, editor: Editor, before: Any, after: Any) -> None:
        if _on_postgresql(editor):
            super().database_forwards(app_label, editor, before, after)
