"""A closed loop offers to be reopened only to whom it would be granted: not beside another one, not after a death."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import acts, answering, reading
from yishe.people import residents, rosters
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Conflict

Refer = Callable[..., Said]


def in_list(world: World, told: Said) -> set[str]:
    page = reading.listing(world.doctor, {}, told.at)
    return set(answering.allowed_in_list(world.doctor, page.items, told.at)[told.loop])


def reopened(world: World, told: Said) -> str:
    with pytest.raises(Conflict) as refused:
        told.say(world.doctor, "reopen", reason="not_solved")
    assert "reopen" not in refused.value.extra.get("allowed", ["reopen"])
    return refused.value.code


def test_a_closed_loop_may_come_back(world: World, refer: Refer) -> None:
    told = refer()
    told.say(world.doctor, "cancel", reason="withdrawn")

    assert "reopen" in told.allowed(world.doctor) & in_list(world, told)
    assert told.say(world.doctor, "reopen", reason="not_solved").closed_at is None


def test_not_beside_another_one_of_its_kind_and_reason(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    told.say(world.doctor, "cancel", reason="withdrawn")
    refer(command_id="again", at=now + timedelta(minutes=1))

    assert "reopen" not in told.allowed(world.doctor) | in_list(world, told)
    assert reopened(world, told) == "already_open"


def test_not_when_it_was_referred_on(world: World, refer: Refer) -> None:
    told = refer()
    told.say(world.social_worker, "decline", reason="no_capacity")
    old = Said(told.loop, told.at)
    told.say(world.doctor, "refer_on", reason="C8")

    assert "reopen" not in old.allowed(world.doctor)
    assert reopened(world, old) == "already_open"


def test_not_after_a_death(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    told.say(world.doctor, "cancel", reason="withdrawn")
    residents.die(SYSTEM, world.resident.resident, now)

    assert "reopen" not in told.allowed(world.doctor) | in_list(world, told)
    assert reopened(world, told) == "resident_gone"


def test_who_receives_is_looked_at_again_when_the_roster_changes_meanwhile(
    world: World, refer: Refer, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver goes on leave between our looking and our writing: it is decided again, and refused."""
    told = refer()
    director, seen = world.director.staff_id, acts.seen

    def on_leave(*args: object, **more: object) -> None:
        monkeypatch.setattr(acts, "seen", seen)
        rosters.take_leave(SYSTEM, director, starts_at=now, ends_at=now + timedelta(days=3), at=now)
        seen(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(acts, "seen", on_leave)
    with pytest.raises(Conflict) as refused:
        told.say(world.social_worker, "hand_over", to=director, reason="workload")
    assert refused.value.code == "to_away"
    assert told.row.owner == world.social_worker.staff_id
