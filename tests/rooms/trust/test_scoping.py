"""A query that names nobody raises before it reads. Each test tries a way around it; 王秀兰 is of the world, 王小明 her neighbour."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db.models import Exists, F, OuterRef, Q

from tests.rooms.care.world import World, build
from yishe.care.models import Condition, Encounter, MedicationChange, Observation, Recorded, ServiceNote
from yishe.people import access
from yishe.people.models import Resident, Subject
from yishe.trust.ids import new
from yishe.trust.scoping import Personal, Unscoped, everybody

AROUND: dict[str, Callable[[World], Any]] = {
    "all": lambda world: list(Resident.objects.all()),
    "one by one": lambda world: list(Resident.objects.iterator()),
    "the first": lambda world: Resident.objects.order_by("birth_date").first(),
    "a slice": lambda world: list(Resident.objects.all()[:1]),
    "columns alone": lambda world: list(Resident.objects.values_list("name_sealed", flat=True)),
    "by another column": lambda world: list(Resident.objects.filter(sex="2")),
    "everybody but one": lambda world: list(Resident.objects.exclude(id=world.resident.resident)),
    "not not": lambda world: list(Resident.objects.filter(~Q(id=new()))),
    "or anybody": lambda world: list(Resident.objects.filter(Q(id=world.resident.resident) | Q(merged_into=None))),
    "a column equal to itself": lambda world: list(Resident.objects.filter(id=F("id"))),
    "greater than nothing": lambda world: list(Resident.objects.filter(id__gte=new())),
    "among everybody's": lambda world: list(Resident.objects.filter(id__in=Resident.objects.values("id"))),
    "among all subjects'": lambda world: list(Encounter.objects.filter(subject__in=Subject.objects.values("subject"))),
    "who exists": lambda world: list(
        Resident.objects.filter(Exists(Subject.objects.filter(resident=OuterRef("pk"))))
    ),
    "together with everybody": lambda world: list(
        Resident.objects.filter(id=world.resident.resident).union(Resident.objects.all())
    ),
    "changed": lambda world: Resident.objects.update(sex="1"),
    "deleted": lambda world: Resident.objects.filter(sex="2").delete(),
    "in raw words": lambda world: list(Resident.objects.raw("SELECT * FROM people_resident")),
    "for no reason": lambda world: list(everybody(Resident, " ")),
}  # fmt: skip


@pytest.fixture
def world(db: None, now: datetime) -> World:
    made = build(now)
    made.another("王小明", now)
    return made


@pytest.mark.parametrize("way", AROUND)
def test_there_is_no_way_around(world: World, way: str) -> None:
    with pytest.raises(Unscoped):
        AROUND[way](world)
    assert Resident.objects.exclude(sex="1").count() == 2, "nothing was changed"


def test_who_is_named_is_read(world: World) -> None:
    her, subject = world.resident.resident, world.resident.subject

    found = [
        Resident.objects.get(id=her),
        Resident.objects.filter(Q(id=her) | Q(id_blind=b"none")).get(),
        Resident.objects.filter(sex="0").filter(pk__in=[her]).get(),
        Resident.objects.filter(subjects__subject=subject).get(),
        Resident.objects.filter(id__in=Subject.objects.filter(subject=subject).values("resident")).get(),
        Subject.objects.select_related("resident").get(subject=subject).resident,
    ]

    assert {one.id for one in found} == {her}
    assert Resident.objects.in_bulk([her]).keys() == {her}
    assert list(Resident.objects.none()) == []
    assert Resident.objects.count() == 2, "a number is nobody"


def test_the_scope_of_a_person_is_a_scope_and_a_reason_is_one(world: World, now: datetime) -> None:
    names = {one.id for one in access.scope(world.doctor, "resident.read", now).residents()}
    assert len(names) == 2
    assert list(access.scope(world.stranger, "resident.read", now).residents()) == []
    assert everybody(Resident, "counting sheep").filter(sex="0").order_by("id").first() is not None


def test_every_table_of_what_was_recorded_is_guarded(world: World) -> None:
    assert set(Recorded.__subclasses__()) >= {
        Encounter,
        MedicationChange,
        ServiceNote,
        Observation,
        Condition,
    }
    for model in (Resident, *Recorded.__subclasses__()):
        assert issubclass(model, Personal)
        with pytest.raises(Unscoped):
            list(model.objects.all())
