"""What was answered is on the disk: asserted of the running connection, not of a file of settings."""

from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.utils import ConnectionHandler

ON_POSTGRESQL = connection.vendor == "postgresql"
FULL = 2


def asked(on: BaseDatabaseWrapper, *questions: str) -> list[object]:
    with on.cursor() as cursor:
        answers = []
        for question in questions:
            cursor.execute(question)
            answers.append(cursor.fetchone()[0])
    return answers


def test_a_commit_waits_for_the_disk(db: None, tmp_path: Path) -> None:
    if ON_POSTGRESQL:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        assert asked(connection, *(f"SHOW {n}" for n in names)) == ["on", "on", "on"]
        return
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    fresh = _on_a_file(tmp_path)
    assert asked(fresh, *(f"PRAGMA {p}" for p in pragmas)) == ["wal", FULL, 1]
    assert fresh.transaction_mode == "IMMEDIATE"
    fresh.close()


def _on_a_file(tmp_path: Path) -> DatabaseWrapper:
    """The product's own settings on a file: the suite itself may run in memory."""
    own = {**settings.DATABASES["default"], "NAME": tmp_path / "real.sqlite3"}
    made = ConnectionHandler({"default": own})["default"]
    assert isinstance(made, DatabaseWrapper)
    return made
