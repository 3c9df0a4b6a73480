"""The social worker's notes, with psychotherapy detail kept apart."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.rooms.care.world import World

from yishe.care import notes
from yishe.care.models import ServiceNote
from yishe.people import actors, residents
from yishe.policy.refusals import Conflict, Forbidden, Invalid

pytestmark = pytest.mark.django_db


def write(world: World, now: datetime, command: str = "n1", **more: object) -> ServiceNote:
    said = {"stage": "intervention", "text": "近一月少出门，女儿在外地", **more}
    return notes.record(world.social_worker, world.resident.resident, at=now, command_id=command, **said)


def test_a_note_has_its_stage_method_and_minutes(world: World, now: datetime) -> None:
    row = ServiceNote.objects.get(id=write(world, now, method="home", minutes=45).id)
    assert (row.stage, row.method, row.minutes) == ("intervention", "home", 45)
    assert row.author == world.social_worker.staff_id
    assert row.restricted is None


def test_psychotherapy_detail_is_sealed_apart(world: World, now: datetime) -> None:
    row = write(world, now, restricted="谈到丧偶")
    stored = ServiceNote.objects.get(id=row.id)
    assert stored.restricted is not None
    assert "谈到丧偶".encode() not in bytes(stored.restricted) + bytes(stored.sealed)


def test_a_repeat_is_answered_with_the_first_note(world: World, now: datetime) -> None:
    assert write(world, now).id == write(world, now + timedelta(hours=1)).id
    with pytest.raises(Invalid) as refused:
        write(world, now, text="另一段")
    assert refused.value.code == "command_reused"
    assert ServiceNote.objects.count() == 1


def test_two_people_may_use_the_same_command_id(world: World, now: datetime) -> None:
    write(world, now)
    notes.record(world.nurse, world.resident.resident, stage="intake", text="电话", at=now, command_id="n1")
    assert ServiceNote.objects.count() == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"stage": "nowhere"}, "code_unknown"),
        ({"method": "pigeon"}, "code_unknown"),
        ({"text": "  "}, "text_needed"),
        ({"minutes": 0}, "minutes_impossible"),
        ({"minutes": 5000}, "minutes_impossible"),
        ({"text": "字" * 10_001}, "text_too_long"),
        ({"text": "a\x00b"}, "text_unreadable"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    world: World, now: datetime, said: dict[str, object], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        write(world, now, **said)
    assert refused.value.code == code


@pytest.mark.parametrize("command", ["", "x" * 129])
def test_a_command_needs_its_key(world: World, now: datetime, command: str) -> None:
    with pytest.raises(Invalid) as refused:
        write(world, now, command)
    assert refused.value.code == "command_id_needed"


def test_bereavement_work_is_written_after_the_death(world: World, now: datetime) -> None:
    residents.die(actors.SYSTEM, world.resident.resident, now)
    write(world, now + timedelta(days=3), stage="closing", text="哀伤辅导，家属已结案")
    assert ServiceNote.objects.count() == 1


def test_a_correction_of_somebody_elses_note_names_the_reason(world: World, now: datetime) -> None:
    other = world.another("赵建国", now)
    foreign = notes.record(
        world.social_worker, other.resident, stage="intake", text="首访", at=now, command_id="n0"
    )
    with pytest.raises(Exception, match="另一位居民"):
        write(world, now, supersedes=foreign.id)


def test_doctor_and_stranger_do_not_write_service_notes(world: World, now: datetime) -> None:
    for person in (world.doctor, world.stranger):
        with pytest.raises(Forbidden):
            notes.record(person, world.resident.resident, stage="intake", text="x", at=now, command_id="n")


def test_a_moved_residents_later_care_belongs_elsewhere(world: World, now: datetime) -> None:
    residents.move(actors.SYSTEM, world.resident.resident, now)
    with pytest.raises((Conflict, Forbidden)):
        write(world, now + timedelta(days=1), stage="intake", text="x")


def test_the_database_refuses_to_change_or_delete(world: World, now: datetime) -> None:
    row = write(world, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceNote.objects.filter(id=row.id).update(stage="closing")
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceNote.objects.filter(id=row.id).delete()
