"""A statement that comes again is bound and not read anew; whatever happens to it on the server, it is carried out once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from yishe.trust.columns import on_postgresql
from yishe.trust.sending import send

pytestmark = pytest.mark.django_db(transaction=True)
CAST = {True: ("::uuid", "::timestamptz", "::int"), False: ("", "", "")}


@pytest.fixture(autouse=True)
def a_connection_of_its_own() -> Iterator[None]:
    """SQLite's driver keeps its statements itself; what is asked here is that both answer alike."""
    connection.close()  # the statements of another test are not those of this one
    yield
    connection.close()


@pytest.fixture
def shelf() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shelf (id integer PRIMARY KEY, word varchar(40))")
    yield "INSERT INTO shelf (id, word) VALUES (%s, %s)"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE shelf")


def words() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT word FROM shelf ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_the_answer_is_the_same_each_time_it_is_asked() -> None:
    uid, moment, number = CAST[on_postgresql()]
    asked = uuid4() if on_postgresql() else uuid4().hex
    at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC) if on_postgresql() else "2026-03-02 01:00:00"
    sql = f"SELECT %s{uid}, %s{moment}, %s{number}, NULL"
    answers = [send(sql, [asked, at, 7], binary=True).fetchall() for _ in range(4)]
    assert answers == [[(asked, at, 7, None)]] * 4
    assert send(sql, [asked, at, 7], binary=True).fetchone() == (asked, at, 7, None)


def test_nothing_found_is_no_row() -> None:
    for _ in range(3):
        found = send("SELECT 1 WHERE 1 = %s", [2])
        assert (found.fetchone(), found.fetchall()) == (None, [])


def test_numbers_of_any_size_fit_the_same_statement(shelf: str) -> None:
    for number in (1, 2, 3, 70_000, 2_000_000_000):
        send(shelf, [number, "a"])
    assert len(words()) == 5


def test_a_row_that_is_taken_is_refused_each_time_and_the_next_one_written(shelf: str) -> None:
    send(shelf, [1, "one"])
    for _ in range(3):
        with pytest.raises(IntegrityError):
            send(shelf, [1, "two"])
    send(shelf, [2, "two"])
    assert words() == ["one", "two"]


def test_within_a_transaction_it_is_written_with_it_or_not_at_all(shelf: str) -> None:
    for number in (1, 2):
        send(shelf, [number, "stays"])
    with transaction.atomic():
        send(shelf, [3, "goes"])
        transaction.set_rollback(True)
    assert words() == ["stays", "stays"]


def test_a_statement_that_is_looked_at_is_seen(shelf: str) -> None:
    for number in (1, 2):
        send(shelf, [number, "a"])
    with CaptureQueriesContext(connection) as seen:
        send(shelf, [3, "b"])
    assert [query["sql"][:17] for query in seen.captured_queries] == ["INSERT INTO shelf"]


def test_statements_that_the_server_forgot_are_carried_out_once(shelf: str) -> None:
    """A pooler, or an operator, may drop what was prepared."""
    for number in (1, 2):
        send(shelf, [number, "before"])
    if on_postgresql():
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
    for number in (3, 4, 5):
        send(shelf, [number, "after"])
    assert words() == ["before"] * 2 + ["after"] * 3


def test_a_table_that_changed_meanwhile_is_read_as_it_is_now(shelf: str) -> None:
    send(shelf, [1, "one"])
    for _ in range(3):
        assert len(send("SELECT * FROM shelf WHERE id = %s", [1]).fetchall()[0]) == 2
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shelf ADD COLUMN place varchar(40)")
    for _ in range(3):
        assert send("SELECT * FROM shelf WHERE id = %s", [1]).fetchall() == [(1, "one", None)]


def test_a_value_that_does_not_fit_leaves_the_connection_in_order(shelf: str) -> None:
    for number in (1, 2):
        send(shelf, [number, "a"])
    if on_postgresql():
        with pytest.raises(DataError):
            send(shelf, [3, "b" * 41])
    send(shelf, [4, "c"])
    assert words() == ["a", "a", "c"]


def test_a_connection_that_was_cut_says_so_and_the_next_one_starts_afresh(shelf: str) -> None:
    for number in (1, 2):
        send(shelf, [number, "before"])
    if on_postgresql():
        _cut()
        with pytest.raises(OperationalError):
            send(shelf, [3, "lost"])
        connection.close_if_unusable_or_obsolete()
    for number in (4, 5, 6):
        send(shelf, [number, "after"])
    assert words() == ["before"] * 2 + ["after"] * 3


def _cut() -> None:
    """As a restarted server or a firewall would."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
