"""The world changes around open loops: teams, moving, merging, death. They move or end by rule and are never orphaned."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import D2S, Said
from yishe.loops import promises, rebuild, worker
from yishe.loops.models import Loop
from yishe.people import actors, directory, organisations, residents, rosters
from yishe.people.models import Organisation, Post, Staff

Refer = Callable[..., Said]


def another_team(world: World, now: datetime) -> tuple[Organisation, Staff]:
    """A second team of the same centre, with its own social worker."""
    team = Organisation.objects.create(level="team", code="t9", name="德胜二队", parent=world.centre)
    staff = Staff.objects.create(name="孙社工")
    Post.objects.create(staff=staff, organisation=team, duty="social_worker", since=now - timedelta(days=1))
    directory.bump()
    return team, staff


def test_a_resident_with_a_new_team_takes_his_loops_there(world: World, refer: Refer, now: datetime) -> None:
    told, returned = refer("D12"), refer("D10")
    returned.say(world.social_worker, "decline", reason="no_capacity")
    team, staff = another_team(world, now)
    residents.empanel(actors.SYSTEM, world.resident.resident, team.id, now)
    worker.sweep_all(now)
    assert (told.row.owner, told.row.team) == (staff.id, team.id)
    assert (returned.row.owner, returned.row.performer) == (world.doctor.staff_id, staff.id)


def test_moving_to_another_centre_takes_them_along(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    far = Organisation.objects.get(code="c2")
    residents.move(world.doctor, world.resident.resident, now, centre=far.id)
    worker.sweep_all(now)
    assert told.row.centre == far.id
    assert told.row.home == world.centre.id
    assert told.row.owner not in (None, world.social_worker.staff_id)


def test_moving_away_ends_what_was_not_served(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    residents.move(world.doctor, world.resident.resident, now)
    worker.sweep_all(now)
    assert (told.row.closed_as, told.row.gone) == ("not_served", "moved")


def test_what_was_promised_to_a_merged_record_follows_the_survivor_and_ends_with_him(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    survivor = world.another("王秀兰", now)
    residents.merge(world.administrator, survivor.resident, world.resident.resident, now)
    worker.sweep_all(now)
    assert told.row.closed_at is None
    residents.die(world.doctor, survivor.resident, now + timedelta(hours=1))
    worker.sweep_all(now + timedelta(hours=1))
    assert told.row.gone == "dead"


def test_a_loop_reopened_after_a_mistaken_death_counts_again(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    residents.die(world.doctor, world.resident.resident, now)
    worker.sweep_all(now)
    residents.revive(world.doctor, world.resident.resident, now)
    row = told.say(world.doctor, "reopen", reason="closed_wrongly")
    assert (row.gone, row.close_reason, row.owner) == ("", "", world.social_worker.staff_id)


def test_somebody_without_any_team_can_be_promised_something(world: World, now: datetime) -> None:
    alone = residents.register(actors.SYSTEM, {"name": "赵无约"}, now, centre=world.centre.id)
    loop = promises.promise(
        _on_duty(world, now), kind=D2S, resident=alone.resident, reason="D12", at=now,
        command_id="x",
    )  # fmt: skip
    row = Loop.objects.get(id=loop)
    assert (row.team, row.owner) == (None, world.director.staff_id)
    assert rebuild.differences() == []


def _on_duty(world: World, now: datetime) -> actors.Actor:
    """The doctor is on duty at the centre today, and so may refer whoever comes."""
    rosters.put_shift(
        world.director, world.centre.id, "family_doctor", world.doctor.staff_id, starts_at=now,
        ends_at=now + timedelta(hours=8), at=now,
    )  # fmt: skip
    return actors.actor_of(world.doctor.staff_id)


def test_a_retry_after_the_resident_died_is_still_the_first_answer(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer(command_id="k")
    residents.die(world.doctor, world.resident.resident, now)
    assert refer(command_id="k").loop == told.loop


def test_someone_who_goes_to_another_centre_leaves_his_loops_with_this_one(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    organisations.appoint(
        world.administrator, world.social_worker.staff_id, world.other_team.id, "social_worker", now
    )
    here = Post.objects.get(staff=world.social_worker.staff_id, organisation=world.team)
    rosters.end_post(world.director, here.id, now + timedelta(hours=1))
    worker.sweep_all(now + timedelta(hours=1))
    assert told.row.owner == world.director.staff_id
    assert rebuild.differences() == []
