"""Handing over: to whom it may go, and that it changes the owner and nothing else."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import worker
from yishe.people import actors, directory, rosters
from yishe.people.actors import Actor
from yishe.people.models import Post, Shift, Staff
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import ids, ledger

Refer = Callable[..., Said]


@pytest.fixture
def mate(world: World, now: datetime) -> Actor:
    """A second social worker in the same team."""
    staff = Staff.objects.create(name="张社工")
    Post.objects.create(
        staff=staff, organisation=world.team, duty="social_worker", since=now - timedelta(days=9)
    )
    directory.bump()
    return actors.actor_of(staff.id)


def away(world: World, who: Actor, now: datetime, hours: int = 5) -> None:
    rosters.take_leave(
        world.director, who.staff_id, starts_at=now, ends_at=now + timedelta(hours=hours), at=now
    )


def test_state_and_clocks_stay_as_they_are(world: World, refer: Refer, mate: Actor) -> None:
    told = refer()
    before = told.row
    row = told.say(world.social_worker, "hand_over", to=mate.staff_id, reason="workload")
    assert (row.owner, row.performer) == (mate.staff_id, mate.staff_id)
    assert (row.state, row.clocks, row.due_at, row.promised_by) == (
        before.state,
        before.clocks,
        before.due_at,
        before.promised_by,
    )
    assert "accept" in told.allowed(mate)
    assert "accept" not in told.allowed(world.social_worker)


def test_a_leader_may_hand_over_what_is_not_his(world: World, refer: Refer, mate: Actor) -> None:
    told = refer()
    told.say(world.director, "hand_over", to=mate.staff_id, reason="better_placed")
    assert told.row.owner == mate.staff_id


def test_it_goes_only_to_someone_who_can_take_it(
    world: World, refer: Refer, mate: Actor, now: datetime
) -> None:
    told = refer()
    away(world, mate, now)
    wrong = {
        "to_away": (Conflict, mate.staff_id), "to_duty": (Invalid, world.nurse.staff_id),
        "to": (Invalid, world.social_worker.staff_id),
    }  # fmt: skip
    for code, (kind, to) in wrong.items():
        with pytest.raises(kind) as refused:
            told.say(world.social_worker, "hand_over", to=to, reason="workload")
        assert refused.value.code == code
    with pytest.raises(Invalid):
        told.say(world.social_worker, "hand_over", to=ids.new(), reason="workload")
    with pytest.raises(Invalid):
        told.say(world.social_worker, "hand_over", to=world.stranger.staff_id, reason="workload")


def test_a_turn_that_comes_to_somebody_absent_goes_to_somebody_present(
    world: World, refer: Refer, mate: Actor, now: datetime
) -> None:
    told = refer()
    told.say(world.social_worker, "ask_more", note="请补充")
    away(world, world.social_worker, now)
    worker.sweep_all(now)
    assert told.row.owner == world.doctor.staff_id
    row = told.say(world.doctor, "supply", note="补充在此")
    assert row.owner == mate.staff_id
    names = [(e.kind, e.actor == ids.SYSTEM) for e in ledger.entries(told.loop)]
    assert names[-2:] == [("info_supplied", False), ("handed_over", True)]


def test_a_result_for_a_sender_on_leave_is_confirmed_by_who_stands_in(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    for verb in ("accept", "start"):
        told.say(world.social_worker, verb)
    rosters.take_leave(
        world.director, world.doctor.staff_id, starts_at=now, ends_at=now + timedelta(days=3), at=now,
        substitute=world.nurse.staff_id,
    )  # fmt: skip
    worker.sweep_all(now)
    row = told.say(world.social_worker, "complete", outcome="O1", note="已办")
    assert row.owner == world.nurse.staff_id
    told.say(world.nurse, "confirm")
    assert told.row.closed_as == "served"


def test_the_end_of_a_shift_hands_over_and_the_sender_being_asked_does_not(
    world: World, refer: Refer, mate: Actor, now: datetime
) -> None:
    for one in (world.social_worker, mate):
        for post in Post.objects.filter(staff=one.staff_id, until=None):
            rosters.end_post(world.administrator, post.id, now)
    guard = Staff.objects.create(name="值班社工")
    Post.objects.create(
        staff=guard, organisation=world.centre, duty="social_worker", since=now - timedelta(days=9)
    )
    ends = now + timedelta(hours=4)
    Shift.objects.create(
        organisation=world.centre, duty="social_worker", staff=guard, starts_at=now, ends_at=ends
    )
    directory.bump()
    waiting, asked = refer("D12"), refer("D10")
    asked.say(actors.actor_of(guard.id), "ask_more", note="请补充")
    asked.say(world.doctor, "hand_over", to=world.nurse.staff_id, reason="workload")
    assert (waiting.row.owner, waiting.row.shift_until) == (guard.id, ends)
    swept = worker.sweep_all(ends)
    assert swept.stuck == []
    assert waiting.row.owner == world.director.staff_id
    assert asked.row.owner == world.nurse.staff_id


def test_an_owner_who_left_for_good_is_followed_by_somebody(
    world: World, refer: Refer, mate: Actor, now: datetime
) -> None:
    told = refer()
    rosters.leave_service(world.administrator, world.social_worker.staff_id, now)
    worker.sweep_all(now)
    assert told.row.owner == mate.staff_id


def test_whoever_was_handed_the_answer_may_refer_on_whatever_her_duty(
    world: World, refer: Refer, now: datetime
) -> None:
    """She was given the turn, so it must not end with her: a duty that opens nothing else still goes on with this."""
    keeper = Staff.objects.create(name="冯管理")
    Post.objects.create(
        staff=keeper, organisation=world.centre, duty="administrator", since=now - timedelta(days=9)
    )
    directory.bump()
    told = refer()
    told.say(world.social_worker, "decline", reason="no_capacity")
    told.say(world.doctor, "hand_over", to=keeper.id, reason="workload")
    first = told.loop
    row = told.say(actors.actor_of(keeper.id), "refer_on", reason="C8", note="请再看看")
    assert (row.follows, row.sender) == (first, keeper.id)
