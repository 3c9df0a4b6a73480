"""A kind of promise nobody programmed: 图书角借阅 is one YAML file, and goes round like any other."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import rebuild, worker
from yishe.policy.refusals import Conflict, Invalid

Refer = Callable[..., Said]
PACK = Path(__file__).parents[2] / "packs" / "library_corner"
SLIP = ({"type": "loan_slip", "id": "slip-1"},)


@pytest.fixture
def lend(settings: Settings, refer: Refer) -> Callable[..., Said]:
    settings.PACKS = [*settings.PACKS, PACK]
    return lambda reason="B1", **more: refer(reason, kind="library.loan", **more)


def test_a_book_is_lent_returned_and_confirmed(
    world: World, lend: Callable[..., Said], now: datetime
) -> None:
    told = lend()
    told.say(world.social_worker, "accept", at=now + timedelta(hours=1))
    told.say(world.social_worker, "start", at=now + timedelta(hours=2))
    with pytest.raises(Invalid, match="借书单"):
        told.say(world.social_worker, "complete", outcome="returned")
    told.say(world.social_worker, "complete", outcome="returned", evidence=SLIP, at=now + timedelta(days=9))
    told.say(world.doctor, "confirm", at=now + timedelta(days=9))
    assert (told.row.closed_as, told.row.outcome) == ("served", "returned")
    assert rebuild.differences() == []


def test_a_forgotten_book_climbs_like_any_other_promise(
    world: World, lend: Callable[..., Said], now: datetime
) -> None:
    told = lend()
    for verb in ("accept", "start"):
        told.say(world.social_worker, verb)
    assert worker.sweep_all(now + timedelta(days=40)).stuck == []
    assert told.row.next_at is not None
    assert told.row.next_at > now + timedelta(days=40)


def test_its_own_rules_hold(world: World, lend: Callable[..., Said]) -> None:
    lend()
    with pytest.raises(Conflict):
        lend(command_id="again")
    with pytest.raises(Invalid):
        lend("B3", command_id="draft")
