"""Two records of one person become one, and can become two again."""

import pytest

from tests.rooms.people.conftest import LI, World
from yishe.people import residents, search
from yishe.people.models import Change, Subject
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Forbidden, Invalid


def two(world: World) -> tuple[Placement, Placement]:
    return world.resident(), world.resident(
        name="李秀兰", id_number=None, phone="13911112222", team=world.two
    )


def test_after_a_merge_both_subjects_lead_to_the_survivor(world: World) -> None:
    keep, drop = two(world)

    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    assert residents.placement_of_subject(drop.subject) == keep
    assert set(residents.subjects_of(keep.resident)) == {keep.subject, drop.subject}
    change = Change.objects.get(kind="merged")
    assert (change.about, change.data) == (drop.subject, {"into": str(keep.subject)})


def test_the_survivor_is_found_by_what_only_the_dropped_record_knew(world: World) -> None:
    keep, drop = two(world)
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    found = search.find(world.actor("xu"), "13911112222", world.now)

    assert [card.resident for card in found] == [keep.resident]


def test_the_dropped_record_refuses_to_be_worked_on_and_says_where_to_go(world: World) -> None:
    keep, drop = two(world)
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    with pytest.raises(Conflict) as refused:
        residents.amend(world.actor("gong"), drop.resident, {"address": "新址"}, world.now)
    assert refused.value.extra == {"resident": str(keep.resident)}


def test_an_unmerge_gives_each_his_own_back(world: World) -> None:
    keep, drop = two(world)
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    residents.unmerge(world.actor("gong"), drop.resident, world.now)

    assert residents.subjects_of(keep.resident) == [keep.subject]
    again = residents.placement_of_subject(drop.subject)
    assert again is not None
    assert (again.resident, again.merged_into) == (drop.resident, None)


def test_an_unmerge_in_the_middle_of_a_chain_brings_its_own_along(world: World) -> None:
    keep, drop = two(world)
    third = world.resident(name="李绣兰", id_number=None, phone="13933334444")
    residents.merge(world.actor("gong"), drop.resident, third.resident, world.now)
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    residents.unmerge(world.actor("gong"), drop.resident, world.now)

    assert set(residents.subjects_of(drop.resident)) == {drop.subject, third.subject}
    assert residents.subjects_of(keep.resident) == [keep.subject]


def test_an_id_number_freed_by_a_merge_and_taken_since_stops_the_unmerge(world: World) -> None:
    keep, drop = world.resident(id_number=None), world.resident(phone="13911112222")
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)
    residents.amend(world.actor("gong"), keep.resident, {"id_number": LI["id_number"]}, world.now)

    with pytest.raises(Conflict, match="身份证号"):
        residents.unmerge(world.actor("gong"), drop.resident, world.now)
    assert Subject.objects.get(subject=drop.subject).resident_id == keep.resident


def test_a_record_is_not_merged_with_itself_nor_twice(world: World) -> None:
    keep, drop = two(world)
    with pytest.raises(Invalid):
        residents.merge(world.actor("gong"), keep.resident, keep.resident, world.now)
    residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)

    with pytest.raises(Conflict):
        residents.merge(world.actor("gong"), keep.resident, drop.resident, world.now)
    with pytest.raises(Conflict):
        residents.unmerge(world.actor("gong"), keep.resident, world.now)


@pytest.mark.parametrize("name", ["chen", "sun", "wei"])
def test_the_own_doctor_a_nurse_and_a_stranger_may_not_merge(world: World, name: str) -> None:
    keep, drop = two(world)

    with pytest.raises(Forbidden):
        residents.merge(world.actor(name), keep.resident, drop.resident, world.now)
