"""A5: several diseases, living alone, disabled or unsupported, so that both assessments become mandatory by themselves."""

from datetime import datetime

from tests.rooms.care.world import World

from yishe.care import conditions
from yishe.loops.models import Loop

DUAL = "assessment.dual_track"


def record(world: World, now: datetime, kind: str, title: str, key: str) -> None:
    conditions.record(world.doctor, world.resident.resident, kind=kind, title=title, at=now, command_id=key)


def test_one_disease_asks_for_nothing(world: World, now: datetime) -> None:
    record(world, now, "disease", "高血压", "1")
    assert not Loop.objects.filter(kind=DUAL).exists()


def test_the_second_disease_opens_both_tracks_once(world: World, now: datetime) -> None:
    record(world, now, "disease", "高血压", "1")
    record(world, now, "disease", "I10", "2")  # the same disease in other words
    assert not Loop.objects.filter(kind=DUAL).exists()
    record(world, now, "disease", "糖尿病", "3")
    record(world, now, "disease", "慢阻肺", "4")
    parent = Loop.objects.get(kind=DUAL)
    owners = set(Loop.objects.filter(parent=parent.id).values_list("owner", flat=True))
    assert owners == {world.doctor.staff_id, world.social_worker.staff_id}


def test_living_alone_is_enough(world: World, now: datetime) -> None:
    record(world, now, "social", "独居", "1")
    assert Loop.objects.filter(kind=DUAL).count() == 1


def test_an_allergy_is_no_need(world: World, now: datetime) -> None:
    record(world, now, "allergy", "青霉素", "1")
    assert not Loop.objects.filter(kind=DUAL).exists()
