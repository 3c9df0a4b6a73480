"""Tables change beside a running system: in gaps, one machine after the other, and an interrupted index is built anew."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState

from yishe.doors.cli import database
from yishe.policy.refusals import Unavailable
from yishe.talk.models import Beat
from yishe.trust import guards, online, straight

pytestmark = pytest.mark.django_db(transaction=True)
INDEX = models.Index(fields=["started_at"], name="beat_started")


@contextmanager
def held(table: str) -> Iterator[None]:
    """Somebody reads for long; on SQLite nobody can."""
    if connection.vendor == "sqlite":
        yield
        return
    with straight.line() as line, line.transaction():
        line.execute(f'LOCK TABLE "{table}" IN ACCESS SHARE MODE')  # type: ignore[call-overload]
        line.execute(f'LOCK TABLE "{table}" IN ROW EXCLUSIVE MODE')  # type: ignore[call-overload]
        yield


def test_a_table_that_is_held_stops_the_change_and_not_the_system(capsys: pytest.CaptureFixture[str]) -> None:
    with held("trust_entry"):
        if connection.vendor == "postgresql":
            with pytest.raises(Unavailable) as refused:
                database._in_gaps(0.02, 2, 0.0)
            assert "服务照常" in refused.value.title
            assert "共 2 次" in capsys.readouterr().err
        else:
            assert database._in_gaps(0.02, 1, 0.0) > 0
    assert database._in_gaps(3.0, 1, 0.0) > 0
    assert guards.missing() == []


def test_two_machines_change_tables_one_after_the_other() -> None:
    with database._alone():
        if connection.vendor == "postgresql":
            with straight.line() as other:
                (free,) = (
                    other.execute("SELECT pg_try_advisory_lock(%s)", [database.MIGRATING]).fetchone() or ()
                )
            assert free is False
    with database._alone():
        """It was given back."""


def built(operation: online.AddIndex | online.RemoveIndex, *, back: bool = False) -> set[str]:
    """What indexes the table has after the operation."""
    before = ProjectState.from_apps(apps)
    after = before.clone()
    if isinstance(operation, online.RemoveIndex):
        before.add_index("talk", "beat", INDEX)
    else:
        after.add_index("talk", "beat", INDEX)
    with connection.schema_editor(atomic=False) as editor:
        way = operation.database_backwards if back else operation.database_forwards
        way("talk", editor, *((after, before) if back else (before, after)))
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, Beat._meta.db_table))


def test_an_index_comes_and_goes_and_one_that_was_interrupted_is_built_anew() -> None:
    add, remove = online.AddIndex("beat", INDEX), online.RemoveIndex("beat", INDEX.name)
    assert INDEX.name in built(add)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'beat_started'::regclass"
            )
        assert INDEX.name in built(add)
        with connection.cursor() as cursor:
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'beat_started'::regclass")
            assert cursor.fetchone() == (True,)
    assert INDEX.name not in built(remove)
    assert INDEX.name in built(remove, back=True)
    assert INDEX.name not in built(add, back=True)
