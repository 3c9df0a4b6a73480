"""HEAD and OPTIONS: the owner, a stranger and nobody are answered as with GET, without the body; an address says what it takes."""

from http import HTTPStatus

import pytest
from django.test import Client

from tests.doors.api.conftest import Desk, desk
from tests.doors.web.conftest import Office, office
from yishe.trust.models import AccessLine

__all__ = ["desk", "office"]
pytestmark = pytest.mark.django_db


def test_head_of_a_page_is_its_headers_for_whom_it_opens(office: Office) -> None:
    for screen, status in ((office.doctor, HTTPStatus.OK), (office.stranger, HTTPStatus.FORBIDDEN)):
        before = AccessLine.objects.count()
        answer = screen.client.head(office.resident)
        assert (answer.status_code, answer.content) == (status, b"")
        assert int(answer["Content-Length"]) > 0
        assert AccessLine.objects.count() == before + 1
    assert Client().head(office.resident).status_code == HTTPStatus.FOUND
    assert Client().head("/sign-in").status_code == HTTPStatus.OK
    assert office.doctor.client.head("/nowhere").status_code == HTTPStatus.NOT_FOUND


def test_head_where_nothing_is_shown_is_refused_as_get_is(office: Office) -> None:
    path = f"{office.resident}/protection/lift"
    assert office.doctor.client.get(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert office.doctor.client.head(path).status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/residents", "GET, POST, HEAD, OPTIONS"),
        ("/residents/{resident}/protection", "GET, POST, HEAD, OPTIONS"),
        ("/residents/{resident}/protection/lift", "POST, OPTIONS"),
        ("/api/v1/me", "GET, HEAD, OPTIONS"),
        ("/api/v1/loops", "GET, POST, HEAD, OPTIONS"),
        ("/api/v1/residents/{resident}/notes", "POST, OPTIONS"),
        ("/api/v1/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_an_address_says_what_it_takes_and_nothing_else(office: Office, path: str, allow: str) -> None:
    before = AccessLine.objects.count()
    answer = Client().options(path.format(resident=office.world.resident.resident))
    assert (answer.status_code, answer["Allow"], answer.content) == (HTTPStatus.NO_CONTENT, allow, b"")
    assert AccessLine.objects.count() == before
    assert Client().options("/nowhere").status_code == HTTPStatus.NOT_FOUND
    assert Client().options("/api/v1/nowhere").status_code == HTTPStatus.NOT_FOUND


def test_head_of_an_operation_is_its_headers_for_whom_it_opens(desk: Desk) -> None:
    path = f"/api/v1/residents/{desk.resident}"
    for phone, status in ((desk.doctor, 200), (desk.stranger, 403), (desk.nobody, 401)):
        headers = {"Authorization": f"Bearer {phone.token}"} if phone.token else {}
        answer = phone.client.head(path, headers=headers)
        assert (answer.status_code, answer.content) == (status, b"")


def test_a_name_said_twice_is_asked_about(desk: Desk) -> None:
    twice = f'{{"kind": "x", "resident": "{desk.resident}", "reason": "D12", "reason": "D02"}}'
    answer = desk.doctor.post("/loops", twice)
    assert (answer.status_code, answer.json()["code"]) == (422, "doubled_field")
    assert answer.json()["field"] == "reason"
    assert "“reason”在同一个对象里写了不止一次" in answer.json()["title"]
    within = '{"seq": 1, "evidence": [{"type": "call", "type": "encounter"}]}'
    loop = desk.refer()["id"]
    assert desk.social_worker.post(f"/loops/{loop}/accept", within).json()["code"] == "doubled_field"
    assert desk.doctor.post("/loops", "[" * 5000 + "]" * 5000).status_code in (400, 422)
    assert desk.doctor.post("/loops", "[" * 1000 + "]" * 1000).status_code in (400, 422)
