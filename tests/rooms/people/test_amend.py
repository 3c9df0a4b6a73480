"""Correcting, dying, moving, contracting: by those who may, told to the loops, and noted without values."""

from datetime import timedelta

import pytest

from tests.rooms.people.conftest import LI, World, number
from yishe.people import residents, search
from yishe.people.models import Change
from yishe.people.particulars import Questioned
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust import ids, ledger


def test_a_correction_names_its_fields_and_is_found_at_once(world: World) -> None:
    made = world.resident()

    changed = residents.amend(world.actor("chen"), made.resident, {"phone": "139 1111 2222"}, world.now)

    assert changed == ("phone",)
    assert search.find(world.actor("chen"), "13911112222", world.now)
    assert search.find(world.actor("chen"), "13800138000", world.now) == []
    assert ledger.entries(made.subject)[-1].data == '{"fields":["phone"]}'


def test_saying_what_is_so_already_changes_nothing(world: World) -> None:
    made = world.resident()

    assert residents.amend(world.actor("chen"), made.resident, {"phone": LI["phone"]}, world.now) == ()
    assert len(ledger.entries(made.subject)) == 1


def test_a_value_can_be_taken_away(world: World) -> None:
    made = world.resident()

    residents.amend(world.actor("lin"), made.resident, {"phone": None, "traits": ()}, world.now)

    (card,) = search.find(world.actor("chen"), "李秀兰", world.now)
    assert (card.phone, card.traits) == ("", ())


def test_a_wrong_field_is_questioned_and_nothing_written(world: World) -> None:
    made = world.resident()

    with pytest.raises(Questioned):
        residents.amend(world.actor("chen"), made.resident, {"phone": "12"}, world.now)
    with pytest.raises(Invalid, match="签约"):
        residents.amend(world.actor("chen"), made.resident, {"team": world.two}, world.now)
    assert len(ledger.entries(made.subject)) == 1


def test_an_id_number_that_has_a_record_cannot_be_given_to_another(world: World) -> None:
    world.resident()
    other = world.resident(name="张伟", id_number=None, phone="13900000001")

    with pytest.raises(Conflict, match="已经建过档"):
        residents.amend(world.actor("chen"), other.resident, {"id_number": LI["id_number"]}, world.now)


@pytest.mark.parametrize("name", ["bo", "wei"])
def test_a_colleague_of_another_team_and_a_stranger_change_nothing(world: World, name: str) -> None:
    made = world.resident()

    for act in (
        lambda: residents.amend(world.actor(name), made.resident, {"address": "别处"}, world.now),
        lambda: residents.die(world.actor(name), made.resident, world.now),
        lambda: residents.move(world.actor(name), made.resident, world.now),
        lambda: residents.empanel(world.actor(name), made.resident, world.two, world.now),
    ):
        with pytest.raises(Forbidden):
            act()
    assert not Change.objects.exists()


def test_an_unknown_resident_is_said_to_be_unknown(world: World) -> None:
    with pytest.raises(NotFound, match="没有这位居民"):
        residents.amend(world.actor("chen"), ids.new(), {"address": "别处"}, world.now)


def test_a_death_is_told_once_and_cannot_lie_ahead(world: World) -> None:
    made = world.resident()
    with pytest.raises(Invalid, match="晚于现在"):
        residents.die(world.actor("chen"), made.resident, world.now, on=world.now + timedelta(days=1))

    for _ in range(2):
        residents.die(world.actor("chen"), made.resident, world.now)

    assert Change.objects.get(kind="deceased").about == made.subject
    stands = residents.placed(made.resident)
    assert stands.gone
    assert search.find(world.actor("chen"), "", world.now) == []
    residents.revive(world.actor("chen"), made.resident, world.now)
    assert not residents.placed(made.resident).gone


def test_moving_ends_the_contract_and_tells_where_to(world: World) -> None:
    made = world.resident()

    residents.move(world.actor("chen"), made.resident, world.now, centre=world.autumn)

    stands = residents.placed(made.resident)
    assert (stands.centre, stands.team, stands.home) == (world.autumn, None, world.spring)
    assert Change.objects.get(kind="moved").data == {"from": str(world.spring), "to": str(world.autumn)}


def test_moving_away_leaves_the_record_and_the_team_goes(world: World) -> None:
    made = world.resident()

    residents.move(world.actor("chen"), made.resident, world.now)

    stands = residents.placed(made.resident)
    assert (stands.moved_at, stands.team, stands.centre) == (world.now, None, world.spring)
    with pytest.raises(Conflict):
        residents.empanel(world.actor("gong"), made.resident, world.one, world.now)


def test_a_new_team_answers_from_now_on_and_only_one_does(world: World) -> None:
    made = world.resident()

    assert residents.empanel(
        world.actor("gong"), made.resident, world.two, world.now, doctor=world.staff["bo"]
    )
    assert not residents.empanel(
        world.actor("gong"), made.resident, world.two, world.now, doctor=world.staff["bo"]
    )

    stands = residents.placed(made.resident)
    assert (stands.team, stands.doctor) == (world.two, world.staff["bo"])
    assert Change.objects.get(kind="empanelled").data == {"team": str(world.two), "before": str(world.one)}


def test_a_team_of_another_centre_or_a_person_without_the_duty_is_refused(world: World) -> None:
    made = world.resident()

    with pytest.raises(Invalid, match="不是本中心的团队"):
        residents.empanel(world.actor("gong"), made.resident, world.far, world.now)
    with pytest.raises(Invalid, match="不是本中心的家庭医生"):
        residents.empanel(world.actor("gong"), made.resident, world.one, world.now, doctor=world.staff["lin"])


def test_an_id_number_of_nobody_still_has_to_check(world: World) -> None:
    good = number("11990119470305002")

    assert world.resident(id_number=good)
    with pytest.raises(Questioned, match="校验位"):
        world.resident(id_number=good[:17] + ("1" if good[17] != "1" else "2"))
