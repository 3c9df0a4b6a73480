"""/healthz and /readyz: anybody may ask, nothing is said, and a database that is away is no surprise."""

import http.client
import socket

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from yishe.doors import draining
from yishe.doors.cli import probed
from yishe.doors.probes import ALIVE, READY, reaches_database
from yishe.trust.models import AccessLine, Instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def unused_tcp_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("path", [ALIVE, READY])
def test_anybody_is_told_and_nothing_is_written(path: str) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (200, b"ok\n", "no-store")
    assert "Set-Cookie" not in answer
    assert Client().post(path).status_code == 405
    assert not AccessLine.objects.exists()


def test_who_asks_by_an_address_of_his_own_is_answered_too(settings: SettingsWrapper) -> None:
    settings.ALLOWED_HOSTS = ["yishe.example.cn"]
    assert Client().get(READY, headers={"host": "10.1.2.3"}).status_code == 200


def test_a_database_that_was_not_made_ready_gets_no_work() -> None:
    Instance.objects.all().delete()
    assert Client().get(READY).status_code == 503
    assert Client().get(ALIVE).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_gets_no_work_and_its_return_is_noticed() -> None:
    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(gone):
        assert not reaches_database()
        assert Client().get(READY).status_code == 503
    assert reaches_database()


def test_who_was_asked_to_end_gets_no_more_work_and_lives() -> None:
    draining.share()
    try:
        draining.begin()
        assert Client().get(READY).status_code == 503
        assert Client().get(ALIVE).status_code == 200
    finally:
        draining.forget()
    assert Client().get(READY).status_code == 200


def test_a_process_without_a_port_of_its_own_answers_where_it_is_told(unused_tcp_port: int) -> None:
    well = [True]
    server = probed.answer("127.0.0.1", unused_tcp_port, lambda: well[0])

    def asked(path: str) -> int:
        line = http.client.HTTPConnection("127.0.0.1", unused_tcp_port, timeout=5)
        line.request("GET", path)
        return line.getresponse().status

    assert [asked(path) for path in (ALIVE, READY, "/sign-in")] == [200, 200, 404]
    well[0] = False
    assert [asked(path) for path in (ALIVE, READY)] == [200, 503]
    server.shutdown()
    server.server_close()
