"""Measurements by hand: the impossible is a question, the unusual is measured again."""

from datetime import datetime

import pytest
from tests.rooms.care.world import World

from yishe.care import observations
from yishe.care.models import Observation
from yishe.policy.refusals import Forbidden, Invalid

pytestmark = pytest.mark.django_db


def measure(world: World, now: datetime, kind: str, values: dict[str, object], **more: object) -> Observation:
    command = more.pop("command_id", "o1")
    return observations.record(
        world.nurse, world.resident.resident, kind=kind, values=values, at=now, command_id=command, **more
    )


def test_blood_pressure_glucose_and_weight_are_taken(world: World, now: datetime) -> None:
    for number, (kind, values) in enumerate(
        [("bp", {"sbp": 142, "dbp": "88"}), ("glucose", {"glucose": 7.8}), ("weight", {"weight": "61.5"})]
    ):
        observations.record(
            world.nurse, world.resident.resident, kind=kind, values=values, at=now, command_id=f"o{number}"
        )
    rows = {row.kind: row for row in Observation.objects.filter(subject=world.resident.subject)}
    assert rows["bp"].values == {"sbp": "142", "dbp": "88"}
    assert rows["glucose"].values == {"glucose": "7.8"}
    assert rows["weight"].values == {"weight": "61.5"}
    assert {row.method for row in rows.values()} == {"manual"}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bp", {"sbp": 1400, "dbp": 90}),
        ("bp", {"sbp": 88, "dbp": 142}),
        ("bp", {"sbp": 120, "dbp": 115}),
        ("glucose", {"glucose": 0.5}),
        ("weight", {"weight": 615}),
    ],
)
def test_the_impossible_is_refused_into_a_question(
    world: World, now: datetime, kind: str, values: dict[str, object]
) -> None:
    with pytest.raises(Invalid) as refused:
        measure(world, now, kind, values, repeated=True)
    assert refused.value.code == "value_impossible"
    assert "？" in refused.value.title
    assert not Observation.objects.exists()


def test_what_was_measured_before_the_pack_began_is_copied_from_the_booklet(
    world: World, now: datetime
) -> None:
    """What a body can weigh does not begin with a pack: the limits hold for any past day."""
    long_ago = now.replace(year=2019)
    row = measure(world, now, "weight", {"weight": "61.5"}, occurred_at=long_ago)
    assert row.occurred_at == long_ago
    with pytest.raises(Invalid) as refused:
        measure(world, now, "height", {"height": "615"}, occurred_at=long_ago, command_id="o2")
    assert refused.value.code == "value_impossible"


def test_the_unusual_is_taken_only_when_measured_again(world: World, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        measure(world, now, "bp", {"sbp": 290, "dbp": 120})
    assert refused.value.code == "value_unusual"
    assert refused.value.extra["confirm"] == "repeated"
    assert measure(world, now, "bp", {"sbp": 290, "dbp": 120}, repeated=True).repeated


@pytest.mark.parametrize(
    ("kind", "values", "code"),
    [
        ("pulse", {"pulse": 70}, "observation_kind_unknown"),
        ("bp", {"sbp": 120}, "values_incomplete"),
        ("bp", {"sbp": 120, "dbp": 80, "glucose": 6}, "values_incomplete"),
        ("glucose", {"glucose": "高"}, "not_a_number"),
        ("glucose", {"glucose": "nan"}, "not_a_number"),
    ],
)
def test_what_is_not_a_measurement_is_refused(
    world: World, now: datetime, kind: str, values: dict[str, object], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        measure(world, now, kind, values)
    assert refused.value.code == code


def test_the_circumstances_are_a_code_of_the_pack(world: World, now: datetime) -> None:
    assert measure(world, now, "glucose", {"glucose": 6}, context="fasting").context == "fasting"
    with pytest.raises(Invalid):
        observations.record(
            world.nurse,
            world.resident.resident,
            kind="glucose",
            values={"glucose": 6},
            context="moon",
            at=now,
            command_id="o2",
        )


def test_a_stranger_enters_nothing(world: World, now: datetime) -> None:
    with pytest.raises(Forbidden):
        observations.record(
            world.stranger,
            world.resident.resident,
            kind="weight",
            values={"weight": 60},
            at=now,
            command_id="o",
        )
