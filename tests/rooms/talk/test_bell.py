"""On PostgreSQL a process that wrote rings and others hear it at once; a lost line is opened again; SQLite has no bell."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from yishe.talk import bell

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20.0
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%%LISTEN%%' AND pid <> pg_backend_pid()"


@pytest.fixture
def rung() -> threading.Semaphore:
    return threading.Semaphore(0)


@pytest.fixture
def ear(rung: threading.Semaphore) -> Iterator[bell.Ear]:
    """An ear that has begun to hear, where there is a bell."""
    one = bell.Ear(rung.release)
    one.open()
    assert not bell.there_is_one() or rung.acquire(timeout=PATIENCE)
    yield one
    one.close()
    if one.thread.ident:
        one.thread.join()


def cut_the_line() -> None:
    if bell.there_is_one():
        with connection.cursor() as cursor:
            cursor.execute(CUT)


def test_a_ring_is_heard(ear: bell.Ear, rung: threading.Semaphore) -> None:
    bell.ring()
    heard = rung.acquire(timeout=PATIENCE) if bell.there_is_one() else ear.hears

    assert heard is bell.there_is_one() is ear.hears
    bell.hang_up()
    bell.ring()
    assert not bell.there_is_one() or rung.acquire(timeout=PATIENCE)


def test_a_process_that_ends_rings_first(ear: bell.Ear, rung: threading.Semaphore) -> None:
    bell.ring_now()

    assert not bell.there_is_one() or rung.acquire(timeout=PATIENCE)


def test_an_ear_whose_line_was_cut_listens_again_and_looks(
    ear: bell.Ear, rung: threading.Semaphore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "AGAIN_SECONDS", 0.01)
    cut_the_line()

    assert not bell.there_is_one() or rung.acquire(timeout=PATIENCE)
    bell.ring_now()
    assert not bell.there_is_one() or rung.acquire(timeout=PATIENCE)
