"""The short way answers as the long one does, and leaves to it whatever is refused before a verb is asked."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.doors.api.conftest import D2S, Desk, Phone
from yishe.doors import limits
from yishe.doors.api import short_way
from yishe.people import packs
from yishe.trust.models import AccessLine, Account, Entry, Token

OF_ONE_REQUEST = {"x-request-id"}
"""Headers that no two requests share."""


def wire(phone: Phone, path: str, body: bytes, **said: str) -> dict[str, Any]:
    """A request as a WSGI server hands it over."""
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": f"/api/v1{path}", "QUERY_STRING": "", "SCRIPT_NAME": "",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {phone.token}", "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", **said,
    }  # fmt: skip


def both_ways(phone: Phone, path: str, body: Any, key: str | None = None) -> list[HttpResponse]:
    """The same request by the short way and by the long one; for requests that change nothing."""
    return [phone.post(path, body, key), Phone(phone.token, Client()).post(path, body, key)]


def alike(one: HttpResponse, other: HttpResponse) -> bool:
    def headers(answer: HttpResponse) -> dict[str, str]:
        return {n.lower(): v for n, v in answer.items() if n.lower() not in OF_ONE_REQUEST}

    return (one.status_code, headers(one), one.content) == (other.status_code, headers(other), other.content)


def test_a_promise_and_its_verbs_go_the_short_way(desk: Desk) -> None:
    body = f'{{"kind":"{D2S}","resident":"{desk.resident}","reason":"D12"}}'.encode()
    told = short_way.answered(wire(desk.doctor, "/loops", body))
    assert told is not None
    assert told[0] == 201
    loop = Entry.objects.get(kind="promised").stream
    told = short_way.answered(wire(desk.social_worker, f"/loops/{loop}/accept", b'{"seq":1}'))
    assert told is not None
    assert told[0] == 200


def test_the_first_answer_is_that_of_the_long_way(desk: Desk) -> None:
    loop = desk.refer()
    shown = desk.social_worker.post(f"/loops/{loop['id']}/accept", {"seq": loop["seq"]}, "k1")
    again = Phone(desk.social_worker.token, Client()).post(
        f"/loops/{loop['id']}/accept", {"seq": loop["seq"]}, "k1"
    )
    assert shown.json()["status"] == "accepted"
    assert alike(shown, again)


def test_an_act_is_told_of_with_the_number_of_its_request(desk: Desk) -> None:
    loop = desk.refer()
    shown = desk.social_worker.post(f"/loops/{loop['id']}/accept", {"seq": loop["seq"]})
    line = AccessLine.objects.get(action="loop.accept")
    assert (str(line.request), line.source, line.address) == (shown["X-Request-Id"], "api", "127.0.0.1")


def test_a_work_list_is_that_of_the_long_way_soonest_deadline_first(desk: Desk) -> None:
    empty = [Phone(desk.social_worker.token, *way).get("/worklist") for way in ((), (Client(),))]
    assert empty[0].json() == {"items": [], "next": None}
    for reason in ("D16", "D03", "D12"):
        desk.refer(reason)
    for asking in ({}, {"limit": "2"}):
        short, long = (
            Phone(desk.social_worker.token, *way).get("/worklist", **asking) for way in ((), (Client(),))
        )
        assert alike(short, long)
        due = [one["due_at"] for one in short.json()["items"]]
        assert due == sorted(due)
    assert short_way.answered(listing(desk.social_worker)) is not None
    line = AccessLine.objects.filter(action="worklist").order_by("at").last()
    assert (line.source, len(line.subjects)) == ("api", 1)  # type: ignore[union-attr]


def listing(phone: Phone, **said: str) -> dict[str, Any]:
    return wire(phone, "/worklist", b"", REQUEST_METHOD="GET", CONTENT_LENGTH="", **said)


def test_a_work_list_that_is_asked_for_otherwise_goes_the_long_way(desk: Desk) -> None:
    for said in (
        {"QUERY_STRING": "limit=0"},
        {"HTTP_AUTHORIZATION": "Basic eA=="},
        {"PATH_INFO": "/api/v1/worklist/"},
    ):
        assert short_way.answered(listing(desk.social_worker, **said)) is None
    assert short_way.answered(listing(Phone("not a token"))) is None
    assert Phone("not a token").get("/worklist").status_code == 401


NOT_PLAIN: dict[str, Callable[[dict[str, Any]], None]] = {
    "a query": lambda meta: meta.update(QUERY_STRING="a=%00"),
    "another medium": lambda meta: meta.update(CONTENT_TYPE="text/plain"),
    "no length": lambda meta: meta.update(CONTENT_LENGTH=""),
    "a length in other digits": lambda meta: meta.update(CONTENT_LENGTH="²"),
    "too long": lambda meta: meta.update(CONTENT_LENGTH=str(short_way.LARGEST + 1)),
    "shorter than told": lambda meta: meta.update(CONTENT_LENGTH="99"),
    "no token": lambda meta: meta.pop("HTTP_AUTHORIZATION"),
    "another scheme": lambda meta: meta.update(HTTP_AUTHORIZATION="Basic eA=="),
    "another method": lambda meta: meta.update(REQUEST_METHOD="PUT"),
    "a verb of nobody": lambda meta: meta.update(PATH_INFO=f"/api/v1/loops/{uuid4()}/explode"),
    "a loop without a number": lambda meta: meta.update(PATH_INFO="/api/v1/loops/7/accept"),
    "a slash at the end": lambda meta: meta.update(PATH_INFO=meta["PATH_INFO"] + "/"),
    "a key that is none": lambda meta: meta.update(HTTP_IDEMPOTENCY_KEY="钥匙"),
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_what_is_not_plain_goes_the_long_way_whole(desk: Desk, what: str) -> None:
    meta = wire(desk.social_worker, f"/loops/{uuid4()}/accept", b'{"seq":1}')
    NOT_PLAIN[what](meta)
    assert short_way.answered(meta) is None
    assert meta["wsgi.input"].read() == b'{"seq":1}'


@pytest.mark.parametrize(
    "body",
    [
        '{"seq":1', '{"seq":1,"seq":2}', '{"seq":1,"more":2}', '{"seq":"1"}', '{"seq":true}', "{}", "[]", "3", '"x"', "null",
        '{"seq":1,"note":"\\u0000"}', '{"seq":1,"note":"\\ud800"}', '{"seq":-1}', '{"seq":1e400}', '{"seq":1,"to":"nobody"}',
        '{"seq":1,"until":1700000000}', '{"seq":1,"evidence":[{"type":3}]}', "[" * 5000, '{"seq":NaN}',
    ],
)  # fmt: skip
def test_a_body_that_is_refused_is_refused_in_the_same_words(desk: Desk, body: str) -> None:
    loop = desk.refer()
    short_answer, long_answer = both_ways(desk.social_worker, f"/loops/{loop['id']}/accept", body)
    assert alike(short_answer, long_answer)
    assert short_answer.status_code in (400, 422)
    assert Entry.objects.filter(stream=loop["id"]).count() == 1


@pytest.mark.parametrize("missing", ["kind", "resident", "reason"])
def test_a_promise_that_lacks_something_is_refused_in_the_same_words(desk: Desk, missing: str) -> None:
    body = {"kind": D2S, "resident": desk.resident, "reason": "D12"}
    del body[missing]
    short_answer, long_answer = both_ways(desk.doctor, "/loops", body)
    assert alike(short_answer, long_answer)
    assert short_answer.status_code == 422


def test_a_stranger_is_refused_alike_and_twice_written_down(desk: Desk) -> None:
    loop = desk.refer()
    act = both_ways(desk.stranger, f"/loops/{loop['id']}/accept", {"seq": loop["seq"]})
    promise = both_ways(desk.stranger, "/loops", {"kind": D2S, "resident": desk.resident, "reason": "D03"})
    for one, other in (act, promise):
        assert one.status_code == 403
        assert alike(one, other)
    assert AccessLine.objects.exclude(outcome="").count() == 4


@pytest.mark.parametrize("path", ["/loops/{}/accept", "/loops"])
def test_who_asks_for_what_is_not_there_hears_the_same(desk: Desk, path: str) -> None:
    body = {"seq": 1} if "accept" in path else {"kind": D2S, "resident": str(uuid4()), "reason": "D12"}
    one, other = both_ways(desk.doctor, path.format(uuid4()), body)
    assert one.status_code == 404
    assert alike(one, other)


def test_a_colleague_who_was_faster_is_told_of_alike(desk: Desk) -> None:
    loop = desk.refer()
    path, body = f"/loops/{loop['id']}/accept", {"seq": loop["seq"]}
    desk.social_worker.post(path, body, "k1")
    one, other = both_ways(desk.social_worker, path, body, "k2")
    assert one.status_code == 409
    assert one.json()["events"]
    assert alike(one, other)


def test_the_same_key_with_another_body_is_refused_alike(desk: Desk) -> None:
    loop = desk.refer(key="k1")
    body = {"kind": D2S, "resident": desk.resident, "reason": "D03"}
    one, other = both_ways(desk.doctor, "/loops", body, "k1")
    assert one.json()["code"] == "key_reused"
    assert alike(one, other)
    assert (
        Phone(desk.doctor.token, Client())
        .post("/loops", {**body, "reason": "D12", "note": "近一月少出门"}, "k1")
        .json()
        == loop
    )


def _revoked(desk: Desk) -> None:
    Token.objects.update(revoked_at=datetime.now(UTC))


def _paused(desk: Desk) -> None:
    Account.objects.update(is_active=False)


def _too_old(desk: Desk) -> None:
    Token.objects.update(created_at=datetime.now(UTC) - timedelta(days=4000))


@pytest.mark.parametrize("what", [_revoked, _paused, _too_old])
def test_a_token_that_is_no_good_any_more_opens_neither_way(desk: Desk, what: Callable[[Desk], None]) -> None:
    loop = desk.refer()
    what(desk)
    one, other = both_ways(desk.social_worker, f"/loops/{loop['id']}/accept", {"seq": loop["seq"]})
    assert one.status_code == 401
    assert alike(one, other)
    assert Entry.objects.filter(stream=loop["id"]).count() == 1


def test_both_ways_share_one_count_of_what_a_person_may_ask(desk: Desk) -> None:
    path, body = f"/loops/{uuid4()}/accept", {"seq": 1}
    most = packs.in_force().settings(datetime.now(UTC).date()).limits.person.count
    who = desk.world.social_worker.staff_id
    for _ in range(most - 2):
        limits.take("person", who, datetime.now(UTC))
    answers = [*both_ways(desk.social_worker, path, body), *both_ways(desk.social_worker, path, body)]
    assert [answer.status_code for answer in answers] == [404, 404, 429, 429]
