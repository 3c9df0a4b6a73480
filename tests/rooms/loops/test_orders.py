"""The ledger in any order, a page at a time: every row once, none twice, whatever the database."""

from datetime import datetime

import pytest

from tests.rooms.care.world import World
from tests.rooms.insight.ledger import DAY, promised, served
from yishe.loops import reading
from yishe.loops.models import Loop
from yishe.policy.refusals import Invalid

pytestmark = pytest.mark.django_db
SORTS = ("age", "due", "team", "state")


@pytest.fixture
def mixed(world: World, now: datetime) -> list[Loop]:
    """Old and young, late and not, with a team and without, open and closed; two of the same moment."""
    return [
        promised(world, now - 9 * DAY, state="in-progress", status="in-progress", due_at=now + DAY),
        promised(world, now - 3 * DAY, team=None, due_at=now - DAY),
        promised(world, now - 3 * DAY, due_at=now - DAY),
        promised(world, now - DAY, team=world.other_team.id, state="accepted", status="accepted"),
        served(world, now - 30 * DAY, 8),
        served(world, now - 20 * DAY, 8, team=None),
    ]


def walked(world: World, now: datetime, sort: str, size: int) -> list[Loop]:
    """Every page to the end."""
    found, cursor = [], None
    while True:
        page = reading.behind(world.director, {"set": "sent", "sort": sort}, now, size, cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("sort", ["", *SORTS, *(f"-{one}" for one in SORTS)])
def test_pages_of_any_order_hold_every_row_once(
    world: World, now: datetime, mixed: list[Loop], sort: str
) -> None:
    whole = [one.id for one in walked(world, now, sort, 50)]
    assert sorted(whole) == sorted(one.id for one in mixed)
    assert [one.id for one in walked(world, now, sort, 2)] == whole


def test_each_order_begins_with_what_it_is_asked_for(world: World, now: datetime, mixed: list[Loop]) -> None:
    first = {sort: walked(world, now, sort, 50)[0] for sort in ("", *SORTS)}
    assert first[""].promised_at == now - DAY
    assert first["age"].promised_at == now - 30 * DAY
    assert first["due"].due_at == now - DAY
    assert first["team"].team == world.team.id
    assert first["state"].state == "requested"


def test_states_come_as_far_as_they_are_and_closed_ones_last(
    world: World, now: datetime, mixed: list[Loop]
) -> None:
    states = [one.state if one.is_open else "closed" for one in walked(world, now, "state", 50)]
    assert states == ["requested", "requested", "accepted", "in-progress", "closed", "closed"]


@pytest.mark.parametrize("wrong", ["name", "--age", "due_at", "age; drop table"])
def test_an_order_nobody_knows_is_refused_with_those_there_are(
    world: World, now: datetime, wrong: str
) -> None:
    with pytest.raises(Invalid, match="可用：age、due、team、state"):
        reading.behind(world.director, {"sort": wrong}, now)


@pytest.mark.parametrize("forged", ["x", "1.", "-1.abc", "9999999.AAAA", ".", "1.%00"])
def test_a_forged_cursor_is_refused(world: World, now: datetime, forged: str) -> None:
    with pytest.raises(Invalid, match="翻页标记无效"):
        reading.behind(world.director, {"sort": "due"}, now, 10, forged)
