"""The hot requests spend few statements: that, not the database, decides how many centres one machine carries."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.doors.api.conftest import Desk
from yishe.trust import clock

WRITES = ("INSERT", "UPDATE")
GUARD = "SELECT 1 FROM"
TEST_FRAME = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")


def statements(request: Callable[[], object]) -> int:
    """Statements of one request. What PostgreSQL commits as one, SQLite writes as a row of inserts: one, too."""
    clock.forget()
    clock.now()  # which now and then asks whether this is a demo: not while it is counted
    with CaptureQueriesContext(connection) as seen:
        request()
    texts = [query["sql"].strip() for query in seen.captured_queries]
    texts = [text for text in texts if not text.startswith(TEST_FRAME)]
    follows_on = sum(
        1 for one, two in pairwise(texts) if one.startswith((*WRITES, GUARD)) and two.startswith(WRITES)
    )
    return len(texts) - follows_on


@pytest.fixture
def loop(desk: Desk) -> dict[str, object]:
    """A referral among others, in a process that has seen all kinds before."""
    for reason in ("D03", "D04", "D05"):
        desk.refer(reason)
    desk.social_worker.get("/worklist")
    return desk.refer("D12")


def test_a_work_list_costs_at_most_two_statements(desk: Desk, loop: dict[str, object]) -> None:
    assert statements(lambda: desk.social_worker.get("/worklist")) <= 2


def test_a_transition_costs_two_statements(desk: Desk, loop: dict[str, object]) -> None:
    path, body = f"/loops/{loop['id']}/accept", {"seq": loop["seq"]}
    assert statements(lambda: desk.social_worker.post(path, body, "k1")) <= 2


def test_a_promise_costs_two_statements(desk: Desk, loop: dict[str, object]) -> None:
    assert statements(lambda: desk.refer("D06", key="k2")) <= 2


def test_a_resident_costs_at_most_six_statements(desk: Desk, loop: dict[str, object]) -> None:
    assert statements(lambda: desk.doctor.get(f"/residents/{desk.resident}")) <= 6
