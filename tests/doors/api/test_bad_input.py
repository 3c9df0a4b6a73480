"""Whatever is sent, the answer is a problem in Chinese, never a page and never a traceback."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from tests.doors.api.conftest import D2S, Desk
from yishe.doors.api import entrance
from yishe.doors.api.problems import of_fault


def refused(answer: HttpResponse) -> int:
    """With which status, after checking that it is a problem in words and no more than that."""
    assert answer["Content-Type"].startswith("application/problem+json"), answer.content.decode()[:300]
    body = json.loads(answer.content)
    assert body["status"] == answer.status_code
    assert any("一" <= letter <= "鿿" for letter in body["title"])
    assert "Traceback" not in answer.content.decode()
    return int(body["status"])


def raw(desk: Desk, body: bytes, media: str = "application/json") -> HttpResponse:
    headers = {"Authorization": f"Bearer {desk.doctor.token}"}
    return Client().generic("POST", "/api/v1/loops", body, content_type=media, headers=headers)


@pytest.mark.parametrize("token", ["", "wrong", "é", "a" * 5000, "ys_\x00"])
def test_a_wrong_token_is_refused(desk: Desk, token: str) -> None:
    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert refused(answer) == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert refused(Client().get("/api/v1/me")) == 401
    assert refused(Client().get("/api/v1/me", headers={"Authorization": "Basic eDp5"})) == 401


@pytest.mark.parametrize("path", ["/nowhere", "/loops/", "/loops/not-an-id", "/residents/0", "/me/", "/%00"])
def test_an_unknown_address_is_not_found(desk: Desk, path: str) -> None:
    assert refused(desk.doctor.get(path)) == 404


def test_a_wrong_method_names_the_right_ones(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.doctor.token}"}
    answer = Client().delete("/api/v1/loops", headers=headers)
    assert refused(answer) == 405
    assert set(answer["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


@pytest.mark.parametrize(
    "body", [b"{", b"{'a': 1}", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b'{"kind": "\\ud800"}']
)
def test_what_is_not_json_is_refused(desk: Desk, body: bytes) -> None:
    assert refused(raw(desk, body)) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"1", b'"x"', b"{}",
        json.dumps({"kind": 1, "resident": "x", "reason": []}).encode(),
        json.dumps({"kind": D2S, "resident": None, "reason": "D12"}).encode(),
        b'{"kind": "a\\u0000b", "resident": "00000000-0000-0000-0000-000000000000", "reason": "D12"}',
    ],
)  # fmt: skip
def test_wrong_types_and_null_characters_are_named(desk: Desk, body: bytes) -> None:
    assert refused(raw(desk, body)) == 422


def test_an_unknown_field_is_refused_by_name(desk: Desk) -> None:
    body = {"kind": D2S, "resident": desk.resident, "reason": "D12", "urgncy": "red"}
    answer = desk.doctor.post("/loops", body)
    assert refused(answer) == 422
    assert "urgncy" in answer.json()["title"]


def test_other_media_are_refused(desk: Desk) -> None:
    assert refused(raw(desk, b"kind=x", "application/x-www-form-urlencoded")) == 415


def test_too_much_is_refused_by_its_size_alone(desk: Desk) -> None:
    assert refused(raw(desk, b'"' + b"a" * entrance.LARGEST + b'"')) == 413


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", "1"), ("seq", 1.5), ("seq", -1), ("seq", None), ("seq", True), ("seq", 10**30),
        ("until", "tomorrow"), ("until", 5), ("until", "9999-99-99"), ("to", "me"), ("evidence", 3),
        ("evidence", [{"type": "x", "bad": 1}]), ("note", {"a": 1}), ("note", "长" * 5000),
    ],
)  # fmt: skip
def test_each_field_of_a_verb_is_checked(desk: Desk, field: str, value: Any) -> None:
    loop = desk.refer()
    assert refused(desk.social_worker.post(f"/loops/{loop['id']}/hold", {"seq": 1, field: value})) == 422


def test_a_time_without_offset_is_meant_in_shanghai(desk: Desk) -> None:
    loop = desk.refer()
    path = f"/loops/{loop['id']}"
    seq = desk.social_worker.post(f"{path}/accept", {"seq": loop["seq"]}).json()["seq"]
    body = {"seq": seq, "reason": "x", "until": "2999-01-01T09:00:00"}
    assert refused(desk.social_worker.post(f"{path}/hold", body)) == 422


def test_unknown_codes_are_refused_with_the_known_ones(desk: Desk) -> None:
    for change in ({"kind": "referral.nobody"}, {"reason": "D99"}, {"reason": None}):
        body = {"kind": D2S, "resident": desk.resident, "reason": "D12", **change}
        assert refused(desk.doctor.post("/loops", body)) == 422
    loop = desk.refer()
    assert refused(desk.social_worker.post(f"/loops/{loop['id']}/decline", {"seq": loop["seq"]})) == 422
    assert refused(desk.social_worker.post(f"/loops/{loop['id']}/explode", {"seq": loop["seq"]})) == 404


def test_a_resident_or_loop_that_is_not_there_is_not_found(desk: Desk) -> None:
    nobody = "00000000-0000-7000-8000-00000000dead"
    assert refused(desk.doctor.get(f"/residents/{nobody}")) == 404
    assert refused(desk.doctor.get(f"/residents/{nobody}/timeline")) == 404
    assert refused(desk.doctor.get(f"/loops/{nobody}")) == 404
    assert refused(desk.doctor.post(f"/loops/{nobody}/accept", {"seq": 1})) == 404
    assert refused(desk.doctor.post("/loops", {"kind": D2S, "resident": nobody, "reason": "D12"})) == 404


@pytest.mark.parametrize("cursor", ["x", "AAAA", "/" * 40, "9" * 32, "é"])
def test_a_forged_cursor_is_refused(desk: Desk, cursor: str) -> None:
    for path in ("/worklist", "/loops", f"/residents/{desk.resident}/timeline"):
        assert refused(desk.doctor.get(path, cursor=cursor)) == 422


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/loops", {"limit": "0"}), ("/loops", {"limit": "1000"}), ("/loops", {"owner": "you"}),
        ("/loops", {"since": "soon"}), ("/loops", {"open": "perhaps"}), ("/residents", {"q": "a\x00b"}), ("/loops", {"kind": "\x00"}),
        ("/residents", {"q": "长" * 101}), ("/reports/closing", {"since": "2026-02-30"}),
        ("/reports/closing", {"since": "2026-03-01", "until": "2026-01-01"}),
        ("/reports/closing", {"until": "0"}), ("/loops", {"since": "20260301"}),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_refused(desk: Desk, path: str, query: dict[str, str]) -> None:
    assert refused(desk.doctor.get(path, **query)) == 422


@pytest.mark.parametrize("key", ["k" * 1025, "带字", "a\x01b"])
def test_an_unusable_idempotency_key_is_refused(desk: Desk, key: str) -> None:
    body = {"kind": D2S, "resident": desk.resident, "reason": "D12"}
    assert refused(desk.doctor.post("/loops", body, key)) == 422


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/me"])
def test_an_address_that_is_not_there_is_a_problem_not_a_page(desk: Desk, path: str) -> None:
    assert refused(Client().get(path)) == 404


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_the_description_is_only_read(desk: Desk, method: str) -> None:
    answer = getattr(Client(), method)("/api/v1/openapi.json")
    assert refused(answer) == 405
    assert answer["Allow"] == "GET"


def test_a_date_for_a_clock_that_is_none_is_refused(desk: Desk) -> None:
    body = {"kind": D2S, "resident": desk.resident, "reason": "D17", "dates": {"someday": "2026-12-01"}}
    assert refused(desk.doctor.post("/loops", body)) == 422


def test_a_full_disk_is_called_by_its_name() -> None:
    answer = of_fault(OperationalError("database or disk is full"))
    assert refused(answer) == 503
    assert "磁盘已满" in answer.content.decode()
    assert "磁盘" not in of_fault(OperationalError("connection refused")).content.decode()
