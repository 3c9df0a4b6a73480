"""A search costs the same however many share a name, and crowds nobody's own residents out.

陈医生 is of team one, 许主任 leads the centre, 魏医生 is a stranger."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.rooms.people.conftest import World
from yishe.people import carrying, directory, search


def several(world: World, count: int, team: bool = False) -> None:
    for n in range(count):
        world.resident(team=team, name=f"李小{chr(0x4E00 + n)}", id_number=None, phone=f"139000{n:05d}")


@pytest.mark.parametrize(
    ("words", "most"), [("李小", 3), ("李小一", 3), ("lixiao", 3), ("lx", 3), ("0003", 2)]
)
def test_it_asks_the_database_as_often_for_many_as_for_one(world: World, words: str, most: int) -> None:
    asked = []
    for count in (4, 12):
        several(world, count, team=count == 4)
        with directory.one_picture():
            doctor = world.actor("chen")
            search.find(doctor, words, world.now)
            with CaptureQueriesContext(connection) as seen:
                assert search.find(doctor, words, world.now)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= most


def test_ones_own_are_found_however_many_others_share_the_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world, 6)
    mine = world.resident(name="李小龙", id_number=None, phone="13800000001")
    monkeypatch.setattr(carrying, "LED", 3)
    for words in ("李小", "lx", "lixiao", "李小龙"):
        assert [one.resident for one in search.find(world.actor("chen"), words, world.now)] == [mine.resident]


def test_of_a_whole_centre_no_more_are_looked_at_than_the_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world, 6)
    monkeypatch.setattr(carrying, "LED", 3)
    assert len(search.find(world.actor("xu"), "lixiao", world.now)) == 3
    assert len(search.find(world.actor("xu"), "李小一", world.now)) == 1
    assert search.find(world.actor("wei"), "lixiao", world.now) == []


def test_two_common_parts_of_a_name_find_the_few_who_have_both(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(world, 6)
    rare = world.resident(name="李小龙女", id_number=None, phone="13800000001")
    monkeypatch.setattr(carrying, "LED", 3)
    found = search.find(world.actor("xu"), "李小龙", world.now)
    assert [one.resident for one in found] == [rare.resident]
