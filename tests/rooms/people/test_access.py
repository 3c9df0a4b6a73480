"""One decision for every door: denied unless a relation of the pack allows it, and it says which."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.rooms.people.conftest import World
from yishe.people import access, actors, organisations, residents, rosters, standing
from yishe.people.actors import SYSTEM
from yishe.people.models import Post
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


def test_the_decision_is_a_sentence_with_its_purpose(world: World) -> None:
    made = world.resident()

    yes, no = (access.may(world.actor(name), READ, made, world.now) for name in ("lin", "bo"))

    assert (yes.said, yes.purpose) == ("可以：您所在的团队负责这位居民（用途：社会工作服务）", "social_work")
    assert no.said.startswith("不可以：您与这位居民没有服务关系")


def test_a_stated_purpose_counts_only_where_the_relation_serves_it(world: World) -> None:
    made, lin = world.resident(), world.actor("lin")

    assert access.may(lin, READ, made, world.now, "coordination").purpose == "coordination"
    refused = access.may(lin, READ, made, world.now, "research")
    assert not refused.allowed
    assert "不能用于“科研”" in refused.words
    with pytest.raises(Forbidden):
        access.require(lin, READ, made, world.now, "curiosity")


def test_a_duty_counts_where_it_is_held(world: World) -> None:
    """Bo is a doctor of team two; helping team one as a volunteer makes him nobody's doctor there."""
    made = world.resident()
    organisations.appoint(SYSTEM, world.staff["bo"], world.one, "volunteer", world.now)

    assert not access.may(world.actor("bo"), READ, made, world.now).allowed
    assert made.resident not in listed(world, "bo")


def test_being_named_in_a_contract_ends_with_working_at_the_centre(world: World) -> None:
    made = world.resident(doctor=world.staff["bo"])
    assert access.may(world.actor("bo"), READ, made, world.now).relation == "contract_team"

    (post,) = Post.objects.filter(staff=world.staff["bo"])
    rosters.end_post(world.actor("xu"), post.id, world.now)
    organisations.appoint(SYSTEM, world.staff["bo"], world.far, "family_doctor", world.now)

    assert not access.may(world.actor("bo"), READ, made, world.now).allowed
    assert made.resident not in listed(world, "bo")


def test_a_partner_sees_by_the_consent_to_its_organisation(world: World) -> None:
    made = world.resident()
    meals = organisations.found(
        SYSTEM, level="partner", code="P1", name="助餐点", parent=world.spring, at=world.now
    )
    cook = organisations.hire(
        SYSTEM, name="陆师傅", organisation=meals, duties=["community_worker"], at=world.now
    )
    bundle = Bundle()
    access.facts(
        bundle, home=made.home, person=meals, subject=made.subject, relation="partner", source="consent:1",
        since=world.now, until=world.now + timedelta(days=1),
    )  # fmt: skip
    bundle.commit()

    member = actors.actor_of(cook).member
    assert standing.recorded(member, made.resident, world.now).standing == {
        "partner": frozenset({"community_worker"})
    }
    assert not standing.recorded(member, made.resident, world.now + timedelta(days=1)).standing


def listed(world: World, name: str) -> set[UUID]:
    return set(access.scope(world.actor(name), READ, world.now).residents().values_list("id", flat=True))


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

    assert listed(world, name) == {
        one.resident for one in everyone if access.may(actor, READ, one, world.now).allowed
    }
