"""Whoever changes a row that an act rests on comes wholly before the act or wholly after it."""

import threading
from collections.abc import Callable

import psycopg
import pytest
from django.db import connection

from yishe.people.models import DirectoryVersion, Organisation
from yishe.trust import ids
from yishe.trust.commit import Bundle, Stale

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def act() -> str:
    """An act that rests on version 7; says how it ended."""
    bundle = Bundle()
    bundle.insert(Organisation, id=ids.new(), level="city", code="a", name="a")
    bundle.require(DirectoryVersion, {"id": 1, "version": 7})
    try:
        bundle.commit()
    except Stale:
        return "stale"
    finally:
        connection.close()
    return "done"


def changed_meanwhile(run: Callable[[], str]) -> str:
    """`run` begins while somebody else's change of the row is written but not committed yet."""
    said: list[str] = []
    with psycopg.connect(psycopg.conninfo.make_conninfo(**of_settings())) as other:
        other.execute("UPDATE people_directoryversion SET version = 8 WHERE id = 1")
        doer = threading.Thread(target=lambda: said.append(run()))
        doer.start()
        with psycopg.connect(psycopg.conninfo.make_conninfo(**of_settings()), autocommit=True) as watcher:
            while doer.is_alive() and not watcher.execute(WAITING).fetchone()[0]:  # type: ignore[index]
                pass
        other.commit()
        doer.join()
    return said[0]


def of_settings() -> dict[str, object]:
    params = connection.get_connection_params()
    return {name: params[name] for name in ("host", "port", "user", "password", "dbname") if params.get(name)}


def changed_before(run: Callable[[], str]) -> str:
    """SQLite has one queue of writers: the change was before."""
    DirectoryVersion.objects.update(version=8)
    return run()


def test_an_act_never_rests_on_a_row_that_is_being_changed() -> None:
    DirectoryVersion.objects.create(id=1, version=7)
    raced = changed_meanwhile if connection.vendor == "postgresql" else changed_before

    assert raced(act) == "stale"
    assert not Organisation.objects.exists()
