"""A database that is gone, full or too long in coming is said in words with when to ask again, at every door and at every step."""

import fcntl
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client

from tests.doors.live.test_stream import listen, signed_in, tell
from tests.rooms.care.world import World, build
from yishe.doors import away, patience
from yishe.doors.api.problems import of_fault
from yishe.doors.live import pump, stream
from yishe.people.models import Staff
from yishe.trust import accounts, clock, write_lock
from yishe.trust.commit import atomically

pytestmark = pytest.mark.django_db(transaction=True)
GONE = OperationalError("server closed the connection unexpectedly")
FULL = OperationalError("could not extend file: No space left on device")


@pytest.fixture
def world() -> World:
    with atomically():
        return build(datetime.now(UTC))


def waited() -> OperationalError:
    fault = OperationalError("canceling statement due to lock timeout")
    fault.__cause__ = psycopg.errors.LockNotAvailable()
    return fault


@contextmanager
def failing(fault: Exception, sign: str = "") -> Iterator[None]:
    """Each statement that holds `sign` breaks."""

    def broken(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sign in sql:
            raise fault
        return execute(sql, params, many, context)

    with connection.execute_wrapper(broken):
        yield


def browser(world: World) -> Client:
    _, key = signed_in(world.doctor)
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = key
    return client


def program(world: World) -> Client:
    signed_in(world.doctor)
    account = Staff.objects.get(id=world.doctor.staff_id).account
    token = accounts.issue_token(account, "away", datetime.now(UTC))
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


CASES = [(GONE, "unavailable", "数据库"), (FULL, "disk_full", "磁盘已满"), (waited(), "busy", "正忙")]


@pytest.mark.parametrize(("fault", "code", "words"), CASES)
@pytest.mark.parametrize("where", ["", "loops_loop"])
def test_a_page_says_it_whether_the_session_or_the_page_could_not_be_read(
    world: World, fault: Exception, code: str, words: str, where: str
) -> None:
    client = browser(world)
    with failing(fault, where):
        answer: HttpResponse = client.get("/")
    assert (answer.status_code, answer["Retry-After"]) == (503, str(away.RETRY_SECONDS))
    assert words in answer.content.decode()
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("fault", "code", "words"), CASES)
@pytest.mark.parametrize("where", ["", "loops_loop"])
def test_a_program_is_told_the_same_with_a_code(
    world: World, fault: Exception, code: str, words: str, where: str
) -> None:
    client = program(world)
    with failing(fault, where):
        answer = client.get("/api/v1/worklist")
    assert (answer.status_code, answer["Retry-After"], answer.json()["code"]) == (503, "5", code)
    assert words in answer.json()["title"]
    assert client.get("/api/v1/worklist").status_code == 200


def test_a_screen_that_asks_for_its_stream_meanwhile_is_told_when_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, _ = signed_in(world.doctor)
    monkeypatch.setattr(type(connections[connection.alias]), "cursor", _raises)
    status, text, _ = listen(headers, lambda: None, lambda text: "正忙" in text or "数据库" in text)
    monkeypatch.undo()
    assert (status, "数据库暂时不通" in text) == (503, True)


def test_an_open_screen_stays_while_nobody_can_be_asked_and_hears_afterwards_what_came(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.1)
    headers, _ = signed_in(world.doctor)
    looks = threading.Semaphore(0)

    def raises(*_: object, **__: object) -> Any:
        looks.release()
        raise GONE

    def meanwhile() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(type(connections[connection.alias]), "cursor", raises)
            for _ in range(20):  # more than one of them is the look at the session
                looks.acquire(timeout=5)
        tell(world, world.doctor.staff_id, "afterwards")
        connection.close()

    status, text, ended = listen(headers, meanwhile, lambda text: "event: loop" in text)
    assert (status, "event: loop" in text, ended) == (200, True, False)


def _raises(*_: object, **__: object) -> Any:
    raise GONE


def test_a_line_that_the_server_closed_is_given_up_before_it_is_used(world: World) -> None:
    client = program(world)
    assert client.get("/api/v1/worklist").status_code == 200
    if connection.vendor == "postgresql":
        with psycopg.connect(_conninfo(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    else:
        connection.close()
    assert client.get("/api/v1/worklist").status_code == 200


def _conninfo() -> str:
    given = connection.get_connection_params()
    known = ("host", "port", "user", "password", "dbname")
    return psycopg.conninfo.make_conninfo("", **{name: given[name] for name in known if given.get(name)})


def test_pages_wait_for_seconds_and_the_worker_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "_longest", None)
    options = connections.settings[connection.alias]["OPTIONS"]
    before = options.get("options")
    try:
        for role, statement, lock, queue in (("web", "20s", "3s", 10), ("worker", "15min", "30s", 60)):
            patience.wait_as(role)  # type: ignore[arg-type]
            with connection.cursor() as cursor:
                if connection.vendor != "postgresql":
                    assert (options.get("options"), write_lock._longest) == (before, queue)
                    continue
                cursor.execute("SELECT current_setting('statement_timeout'), current_setting('lock_timeout')")
                assert cursor.fetchone() == (statement, lock)
    finally:
        options.pop("options", None) if before is None else options.update(options=before)
        connection.close()


def test_whoever_stands_too_long_behind_another_writer_of_the_file_is_told_busy_and_wrote_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has the head of the line; so has, later, another thread of this one."""
    head = tmp_path / "line"
    monkeypatch.setattr(write_lock, "_path", lambda: head)
    monkeypatch.setattr(write_lock, "_longest", 0.05)
    done: list[str] = []

    def write() -> None:
        with write_lock.held():
            done.append("written")

    with head.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OperationalError) as told:
            write()
    assert (done, of_fault(told.value).status_code) == ([], 503)
    assert json.loads(of_fault(told.value).content)["code"] == "busy"
    write()
    with write_lock.held(), ThreadPoolExecutor(1) as second:
        write()  # the same thread enters again
        with pytest.raises(OperationalError):
            second.submit(write).result()
    write()
    assert done == ["written"] * 3


def test_who_gave_up_leaves_the_line_and_who_waits_comes_in_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = tmp_path / "line"
    monkeypatch.setattr(write_lock, "_path", lambda: head)
    monkeypatch.setattr(write_lock, "_longest", 0.02)
    other = head.open("ab")
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(OperationalError), write_lock.held():
        pass
    write_lock.wait_at_most(30)
    with ThreadPoolExecutor(1) as waiting:
        came = waiting.submit(_came)
        other.close()
        assert came.result(30)


def _came() -> bool:
    with write_lock.held():
        return True


def test_several_machines_go_by_the_database_s_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is set five minutes ahead; a file has no clock but its machine's."""
    truth = datetime.now(UTC)

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(minutes=5)

    monkeypatch.setattr(clock, "datetime", Ahead)
    clock.forget()
    try:
        off = clock.now() - truth
    finally:
        monkeypatch.undo()
        clock.forget()
    counted = timedelta() if connection.vendor == "postgresql" else timedelta(minutes=5)
    assert abs(off - counted) < timedelta(seconds=30)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=30)
    assert clock.apart() == timedelta()
