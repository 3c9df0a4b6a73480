"""Clients nobody here has seen: long keys, odd queries, pages of residents; every reason of a refusal is Chinese."""

import re

import pytest

from tests.doors.api.conftest import Desk

CHINESE = re.compile("[一-鿿]")


def test_a_long_key_is_a_key(desk: Desk) -> None:
    body = {"kind": "referral.doctor_to_social_worker", "resident": str(desk.resident), "reason": "D12"}
    first, again = (desk.doctor.post("/loops", body, key="k" * 1000) for _ in range(2))
    other = desk.doctor.post("/loops", {**body, "note": "另一件"}, key="k" * 1000)

    assert (first.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert desk.doctor.post("/loops", body, key="k" * 1025).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "/worklist?limit=0", "/worklist?limit=101", "/worklist?limit=x", "/loops?open=maybe", "/loops?urgency=pink",
        "/loops?owner=abc", "/loops?since=20260101", "/loops?since=2026-13-01", "/loops?resident=1", "/reports/closing?team=x",
        "/residents?limit=1.5",
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_query_is_said_in_chinese(desk: Desk, query: str) -> None:
    answer = desk.doctor.get(query)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == query.partition("?")[2].partition("=")[0]
    assert CHINESE.search(error["reason"]), error


def test_the_panel_is_paged(desk: Desk) -> None:
    first = desk.doctor.get("/residents?q=&limit=1").json()
    seen = [one["id"] for one in first["items"]]
    while first["next"]:
        first = desk.doctor.get(f"/residents?q=&limit=1&cursor={first['next']}").json()
        seen += [one["id"] for one in first["items"]]

    assert str(desk.resident) in seen
    assert len(seen) == len(set(seen)) == len(desk.doctor.get("/residents?limit=100").json()["items"])
    assert desk.doctor.get("/residents?cursor=x").status_code == 422
