"""Taking part in a loop opens the resident for as long as one takes part, and not a moment longer."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.rooms.care.world import World, build
from yishe.loops import acts, kinds, knowing, promises, reading
from yishe.loops.models import Loop
from yishe.people import access, actors, directory
from yishe.people.actors import Actor
from yishe.people.models import Organisation, Post, Staff
from yishe.policy.refusals import Forbidden

READ, D2S = "resident.read", "referral.doctor_to_social_worker"


@pytest.fixture
def world(db: None, now: datetime) -> World:
    kinds.forget()
    return build(now)


def elsewhere(world: World, now: datetime, name: str = "孙社工") -> Actor:
    """A social worker of another team of the centre, whom only a loop leads to her."""
    team = Organisation.objects.create(level="team", code=uuid4().hex[:8], name="二队", parent=world.centre)
    staff = Staff.objects.create(name=name)
    since = now - timedelta(days=9)
    Post.objects.create(staff=staff, organisation=team, duty="social_worker", since=since)
    directory.bump()
    return actors.actor_of(staff.id)


def refer(world: World, now: datetime) -> UUID:
    return promises.promise(
        world.doctor, kind=D2S, resident=world.resident.resident, reason="D12", at=now, command_id=uuid4().hex
    )


def hand(by: Actor, loop: UUID, to: Actor, at: datetime) -> None:
    seq = Loop.objects.get(id=loop).seq
    acts.act(by, "hand_over", loop, seq=seq, at=at, to=to.staff_id, reason="better_placed")


def may(actor: Actor, world: World, at: datetime) -> bool:
    return access.may(actor, READ, world.resident, at).allowed


def test_who_is_handed_a_loop_may_see_and_who_hands_it_on_no_longer(world: World, now: datetime) -> None:
    first, second, loop = elsewhere(world, now), elsewhere(world, now, "周社工"), refer(world, now)
    assert not may(first, world, now)

    hand(world.social_worker, loop, first, now)
    assert access.may(first, READ, world.resident, now).relation == "participant"
    hand(first, loop, second, now + timedelta(hours=1))

    later = now + timedelta(hours=1)
    assert (may(first, world, later), may(second, world, later)) == (False, True)
    with pytest.raises(Forbidden):
        reading.detail(first, loop, later)


def test_handed_back_it_opens_again_and_with_the_end_it_closes_for_all(world: World, now: datetime) -> None:
    first, loop = elsewhere(world, now), refer(world, now)
    for by, to in ((world.social_worker, first), (first, world.social_worker), (world.social_worker, first)):
        hand(by, loop, to, now)
    assert may(first, world, now)

    seq = Loop.objects.get(id=loop).seq
    acts.act(world.doctor, "cancel", loop, seq=seq, at=now + timedelta(hours=1), reason="already_solved")

    assert not may(first, world, now + timedelta(hours=1))


def test_a_loop_opened_again_opens_only_for_those_who_are_in_it_now(world: World, now: datetime) -> None:
    first, second, loop = elsewhere(world, now), elsewhere(world, now, "周社工"), refer(world, now)
    hand(world.social_worker, loop, first, now)
    hand(first, loop, second, now)
    acts.act(world.doctor, "cancel", loop, seq=3, at=now, reason="already_solved")
    acts.act(world.doctor, "reopen", loop, seq=4, at=now + timedelta(days=1), reason="came_back")

    later = now + timedelta(days=1)
    assert (may(first, world, later), may(second, world, later)) == (False, True)


def test_following_a_loop_is_no_way_in(world: World, now: datetime) -> None:
    stranger, loop = elsewhere(world, now), refer(world, now)
    with pytest.raises(Forbidden):
        promises.track(stranger, loop, now)

    promises.track(world.nurse, loop, now)
    assert knowing.relation(world.nurse, reading.detail(world.nurse, loop, now).state, now) == "participant"
    Post.objects.filter(staff=world.nurse.staff_id).update(until=now)
    directory.bump()

    gone = actors.actor_of(world.nurse.staff_id)
    assert not may(gone, world, now)
    with pytest.raises(Forbidden):
        reading.detail(gone, loop, now)


def test_a_guest_of_a_loop_sees_nothing_of_it_once_it_has_ended(world: World, now: datetime) -> None:
    """A social worker who took it over and works in another centre since; one of the centre keeps what he did."""
    guest, loop = elsewhere(world, now), refer(world, now)
    hand(world.social_worker, loop, guest, now)
    acts.act(world.doctor, "cancel", loop, seq=2, at=now, reason="already_solved")
    assert reading.detail(guest, loop, now).state.closed_as == "not_served"

    Post.objects.filter(staff=guest.staff_id).update(organisation=world.other_team)
    directory.bump()
    moved = actors.actor_of(guest.staff_id)
    with pytest.raises(Forbidden):
        reading.detail(moved, loop, now)
    assert loop not in {one.id for one in reading.listing(moved, {}, now).items}
