"""Every test runs on the database that tests/database.py chose, with the product's own triggers in place."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import TransactionTestCase

from yishe.doors import limits
from yishe.people import directory
from yishe.talk import bell
from yishe.trust import clock, guards, keys
from yishe.trust.models import Instance

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday 09:00 in Shanghai


def _born() -> None:
    Instance.objects.get_or_create(id=1, defaults={"key_check": keys.check_value(), "created_at": NOW})


def _drop_guards() -> None:
    """Tests that commit for real end with emptied tables, which the product's triggers rightly refuse."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS yishe_insert_only() CASCADE")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')


_teardown = TransactionTestCase._fixture_teardown


def _teardown_with_guards(self: TransactionTestCase) -> None:
    _drop_guards()
    _teardown(self)
    guards.install()
    _born()


TransactionTestCase._fixture_teardown = _teardown_with_guards  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Two parts of the suite may run beside each other on one named server: each in a database of its own."""
    part = os.environ.get("YISHE_TEST_PART")
    if part and connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"test_yishe_{part}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        guards.install()
        _born()
    yield
    bell.hang_up()
    for thread in threading.enumerate():
        if thread.name == "ear":
            thread.join()


@pytest.fixture(autouse=True)
def fresh_process_caches() -> Iterator[None]:
    clock.forget()
    keys.forget()
    directory.forget()
    limits.forget()
    yield
    clock.forget()
    keys.forget()


@pytest.fixture
def now() -> datetime:
    """Monday 2026-03-02 09:00 in Shanghai, an ordinary working morning."""
    return NOW
