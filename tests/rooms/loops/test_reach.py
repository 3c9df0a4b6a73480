"""A list read part by part holds each loop once, however many parts it belongs to, and is counted so far and no further."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from yishe.loops import reach, reading
from yishe.loops.models import Loop

Refer = Callable[..., object]
REASONS = ("D03", "D04", "D05", "D12", "D16")


def test_what_one_takes_part_in_twice_is_listed_once_and_a_strangers_never(
    world: World, now: datetime, refer: Refer
) -> None:
    for n, reason in enumerate(REASONS):
        refer(reason, at=now + timedelta(minutes=n))
    Loop.objects.filter(reason="D03").update(team=None)
    Loop.objects.filter(reason="D04").update(performer=world.doctor.staff_id)
    for who in (world.doctor, world.social_worker, world.director):
        found, cursor = [], None
        while True:
            page = reading.listing(who, {}, now, 2, cursor)
            found += [one.reason for one in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert found == list(reversed(REASONS))
        assert reading.how_many(who, {"set": "open"}, now) == len(REASONS)
    assert reading.listing(world.stranger, {}, now).items == ()


def test_a_long_list_is_counted_so_far_and_no_further(
    world: World, now: datetime, refer: Refer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reason in REASONS:
        refer(reason)
    monkeypatch.setattr(reach, "COUNTED", 3)
    assert reading.how_many(world.doctor, {"set": "open"}, now) == 4
    assert len(reading.behind(world.doctor, {"set": "open"}, now).items) == len(REASONS)
