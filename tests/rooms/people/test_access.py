"""One decision for every door: denied unless a relation of the pack allows it, and it says which."""

from datetime import timedelta

import pytest

from tests.rooms.people.conftest import World
from yishe.people import access, residents, rosters
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Forbidden
from yishe.trust import ids
from yishe.trust.commit import Bundle

READ = "resident.read"


def test_the_contract_team_reads_and_is_told_why(world: World) -> None:
    found = access.may(world.actor("lin"), READ, world.resident(), world.now)

    assert (found.allowed, found.relation) == (True, "contract_team")
    assert "团队" in found.words


def test_a_colleague_of_another_team_is_refused_and_told_whom_to_ask(world: World) -> None:
    with pytest.raises(Forbidden, match="请联系居民的签约团队"):
        access.require(world.actor("bo"), READ, world.resident(), world.now)


def test_a_stranger_of_another_centre_is_refused_though_he_leads_there(world: World) -> None:
    for name in ("wei", "dao"):
        assert not access.may(world.actor(name), READ, world.resident(id_number=None), world.now).allowed


def test_the_director_and_whoever_is_on_duty_read(world: World) -> None:
    made = world.resident()
    rosters.put_shift(
        SYSTEM, world.spring, "family_doctor", world.staff["bo"],
        starts_at=world.now, ends_at=world.now + timedelta(hours=8), at=world.now,
    )  # fmt: skip

    assert access.may(world.actor("xu"), READ, made, world.now).relation == "centre_lead"
    assert access.may(world.actor("bo"), READ, made, world.now).relation == "on_duty"
    assert not access.may(world.actor("bo"), READ, made, world.now + timedelta(hours=8)).allowed


def test_being_on_leave_ends_being_on_duty(world: World) -> None:
    made = world.resident()
    rosters.put_shift(
        SYSTEM, world.spring, "family_doctor", world.staff["bo"],
        starts_at=world.now, ends_at=world.now + timedelta(hours=8), at=world.now,
    )  # fmt: skip
    rosters.take_leave(
        SYSTEM, world.staff["bo"], starts_at=world.now, ends_at=world.now + timedelta(days=2), at=world.now
    )

    assert not access.may(world.actor("bo"), READ, made, world.now).allowed


def test_without_a_contract_the_neighbourhoods_team_reads(world: World) -> None:
    made = world.resident(team=False, neighbourhood=world.committee)

    assert access.may(world.actor("bo"), READ, made, world.now).relation == "contract_team"
    assert not access.may(world.actor("chen"), READ, made, world.now).allowed


def test_a_recorded_fact_opens_from_its_day_to_its_end_also_after_a_merge(world: World) -> None:
    drop, keep = world.resident(id_number=None, phone=None), world.resident()
    source = f"loop:{ids.new()}"
    bundle = Bundle()
    access.facts(
        bundle, home=drop.home, person=world.staff["wei"], subject=drop.subject, relation="participant",
        source=source, since=world.now,
    )  # fmt: skip
    bundle.commit()
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    assert access.may(world.actor("wei"), READ, keep, world.now).relation == "participant"
    assert not access.may(world.actor("wei"), READ, keep, world.now - timedelta(seconds=1)).allowed
    bundle = Bundle()
    access.end_facts(bundle, source=source, until=world.now + timedelta(days=1))
    bundle.commit()
    assert not access.may(world.actor("wei"), READ, keep, world.now + timedelta(days=1)).allowed


def test_an_action_nobody_declared_is_allowed_to_nobody(world: World) -> None:
    found = access.may(world.actor("xu"), "resident.sell", world.resident(), world.now)

    assert not found.allowed
    assert "没有规定" in found.words


def test_someone_who_left_has_no_relation_any_more(world: World) -> None:
    made, sun = world.resident(), world.actor("sun")
    rosters.leave_service(world.actor("xu"), sun.staff_id, world.now)

    assert not access.may(world.actor("sun"), READ, made, world.now).allowed


@pytest.mark.parametrize("name", ["chen", "lin", "sun", "bo", "xu", "gong", "wei", "dao", "guo"])
def test_a_list_shows_exactly_those_the_decision_allows(world: World, name: str) -> None:
    everyone = [
        world.resident(),
        world.resident(team=False, id_number=None, neighbourhood=world.committee, phone="13900000001"),
        world.resident(team=False, id_number=None, phone="13900000002"),
        world.resident(team=world.two, id_number=None, phone="13900000003", doctor=world.staff["bo"]),
        residents.register(SYSTEM, {"name": "远方", "phone": "13900000004"}, world.now, centre=world.autumn),
    ]
    actor = world.actor(name)

    listed = set(access.scope(actor, READ, world.now).residents().values_list("id", flat=True))

    assert listed == {one.resident for one in everyone if access.may(actor, READ, one, world.now).allowed}
