"""看板: every number opens its list, and the list is as long as the number says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.doors.web.conftest import D2S, Office, Screen
from tests.rooms.insight.ledger import DAY, closed, promised, served
from yishe.loops import kinds

pytestmark = pytest.mark.django_db


@pytest.fixture
def busy(office: Office) -> Office:
    """Three months of every fate a promise can have, in two teams and without a reason."""
    world, now = office.world, datetime.now(UTC)
    d2s, medicines = (kinds.in_force(code, now) for code in (D2S, "medication.acknowledgement"))
    under = {"pack": d2s.sha256}
    for age in (80, 50, 20):
        at = now - timedelta(days=age)
        served(world, at, 5, heard="yes", **under)
        served(world, at, 15, by="auto", team=None, **under)
        served(world, at, 8, reason="", kind=medicines.code, pack=medicines.sha256, heard="no")
        closed(world, at, "rejected", at + 3 * DAY, close_reason="not_needed", **under)
        closed(world, at, "cancelled", at + DAY, gone="dead", **under)
        promised(world, at, reason="D01", sensitive=True, accepted_at=at + DAY, **under)
    promised(world, now - 2 * DAY, due_at=now + DAY, **under)
    closed(world, now - DAY, "entered-in-error", now, closed_as="void", **under)
    return office


def numbers(answer: Any) -> Iterator[tuple[str, str, int]]:
    """(what, list, count) of every number on the board."""
    shown = answer.context
    head = shown["headline"]
    yield "headline", head["href"], head["part"]
    yield "missed", head["missed_href"], head["whole"] - head["part"]
    yield "taken out", shown["taken_out"], shown["total"].taken_out.count
    for name in ("funnel", "months", "ages"):
        yield from ((f"{name} {bar.words}", bar.href, bar.count) for bar in shown[name])
    for name in ("steps", "teams", "reasons"):
        yield from ((f"{name} {bar.words}", bar.href, bar.count) for bar in shown[name]["bars"])


def mismatches(screen: Screen, **asked: str) -> list[str]:
    found = []
    for what, href, count in numbers(screen.open("/board", **asked)):
        listed = screen.client.get(href).context["count"]
        found += [f"{what}: {count} on the board, {listed} in {href}"] if listed != count else []
    return found


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_each_number_of_the_board_is_the_length_of_its_list(busy: Office, period: str) -> None:
    assert not mismatches(busy.director, period=period)


def test_so_it_is_for_a_team(busy: Office) -> None:
    assert not mismatches(busy.nurse, team=str(busy.world.team.id))
