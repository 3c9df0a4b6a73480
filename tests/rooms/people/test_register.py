"""A resident registered is answered for, found, and one person has one record."""

import pytest

from tests.rooms.people.conftest import LI, World, number
from yishe.people import residents
from yishe.people.models import Resident, SearchToken
from yishe.people.particulars import Questioned
from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import ledger


def test_a_doctor_registers_and_the_placement_says_who_answers(world: World) -> None:
    made = residents.register(world.actor("chen"), {**LI, "team": world.one}, world.now)

    read = residents.placement(made.resident)

    assert read == made
    assert (made.centre, made.team, made.traits) == (
        world.spring,
        world.one,
        ("hypertension", "living_alone"),
    )
    assert residents.placement_of_subject(made.subject) == made


def test_birth_date_and_sex_follow_from_the_id_number(world: World) -> None:
    made = world.resident()

    row = Resident.objects.get(id=made.resident)

    assert (str(row.birth_date), row.sex) == ("1947-03-05", "2")


def test_nothing_that_identifies_is_stored_in_the_clear(world: World) -> None:
    made = world.resident()

    row = Resident.objects.filter(id=made.resident).values().get()

    stored = b"".join(bytes(v) for v in row.values() if isinstance(v, bytes | memoryview))
    for clear in (LI["name"], LI["id_number"], LI["phone"], LI["address"]):
        assert str(clear).encode() not in stored
        assert str(clear) not in str(row)


def test_the_ledger_names_the_fields_and_never_the_values(world: World) -> None:
    made = world.resident()

    (entry,) = ledger.entries(made.subject)

    assert entry.kind == "resident.registered"
    assert '"fields":["address","birth_date","id_number","name","phone","sex","team","traits"]' in entry.data
    assert "李" not in entry.data


def test_the_same_id_number_is_not_registered_twice(world: World) -> None:
    made = world.resident()

    with pytest.raises(Conflict) as refused:
        residents.register(world.actor("chen"), LI, world.now)

    assert refused.value.extra == {"resident": str(made.resident)}
    assert "已经建过档" in refused.value.title


def test_the_old_fifteen_digit_number_is_the_same_person(world: World) -> None:
    world.resident(id_number=number("11010219470305002"))

    with pytest.raises(Conflict):
        residents.register(world.actor("chen"), {"name": "李秀兰", "id_number": "110102470305002"}, world.now)


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"name": ""}, "name"),
        ({"name": "李123456"}, "name"),
        ({"name": "李秀兰", "id_number": "110102194703050021"}, "id_number"),
        ({"name": "李秀兰", "phone": "1380013800"}, "phone"),
        ({"name": "李秀兰", "sex": "1", "id_number": LI["id_number"]}, "sex"),
    ],
)
def test_a_field_that_does_not_hold_is_named(world: World, fields: dict[str, str], column: str) -> None:
    with pytest.raises(Questioned) as refused:
        residents.register(world.actor("chen"), fields, world.now)

    assert refused.value.column == column


def test_a_colleague_of_another_duty_at_the_centre_may_register_too(world: World) -> None:
    assert residents.register(world.actor("gong"), LI, world.now).centre == world.spring


def test_a_stranger_may_not_register_in_a_centre_that_is_not_his(world: World) -> None:
    with pytest.raises(Forbidden) as refused:
        residents.register(world.actor("wei"), LI, world.now, centre=world.spring)

    assert "可以登记居民" in refused.value.title
    assert not Resident.objects.exists()


def test_search_words_are_fingerprints_only(world: World) -> None:
    world.resident()

    tokens = list(SearchToken.objects.values_list("centre", "token"))

    assert len(tokens) > 10
    assert all(centre == world.spring and len(bytes(token)) == 16 for centre, token in tokens)
