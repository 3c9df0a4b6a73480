"""A medicine is started, changed, stopped; the social worker is asked to acknowledge in the same breath."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.rooms.care.world import World

from yishe.care import entries, medications
from yishe.care.models import MedicationChange
from yishe.loops.models import Loop
from yishe.people import actors, residents
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust.models import AccessLine, SubjectKey

pytestmark = pytest.mark.django_db


def start(world: World, now: datetime, command: str = "c1", **more: object) -> MedicationChange:
    said = {"drug": "阿司匹林", "dose": "100mg", "frequency": "每日一次", **more}
    return medications.record(
        world.doctor, world.resident.resident, action="start", at=now, command_id=command, **said
    )


def taken(world: World) -> list[tuple[str, str, str]]:
    found = medications.current(entries.keyed(world.resident))
    return [(one.drug, one.dose, one.frequency) for one in found]


def test_a_started_medicine_is_taken(world: World, now: datetime) -> None:
    start(world, now)
    assert taken(world) == [("阿司匹林", "100mg", "每日一次")]


def test_a_change_keeps_what_is_not_said_and_remembers_what_was(world: World, now: datetime) -> None:
    start(world, now)
    row = medications.record(
        world.doctor,
        world.resident.resident,
        action="change",
        drug="阿司匹林",
        dose="50mg",
        reason="牙龈出血",
        at=now + timedelta(days=1),
        command_id="c2",
    )
    assert taken(world) == [("阿司匹林", "50mg", "每日一次")]
    key = SubjectKey.objects.get(subject=row.subject).wrapped
    assert entries.unsealed(row, "sealed", bytes(key))["previous"] == {
        "dose": "100mg",
        "frequency": "每日一次",
    }


def test_a_stopped_medicine_is_not_taken_and_may_be_started_again(world: World, now: datetime) -> None:
    start(world, now)
    medications.record(
        world.doctor,
        world.resident.resident,
        action="stop",
        drug="阿司匹林",
        reason="黑便",
        at=now + timedelta(days=1),
        command_id="c2",
    )
    assert taken(world) == []
    start(world, now + timedelta(days=2), "c3")
    assert taken(world) == [("阿司匹林", "100mg", "每日一次")]


def test_each_change_opens_an_acknowledgement_for_the_social_worker(world: World, now: datetime) -> None:
    start(world, now)
    loop = Loop.objects.get(subject=world.resident.subject)
    assert loop.kind == "medication.acknowledgement"
    assert loop.owner == world.social_worker.staff_id
    assert loop.sender == world.doctor.staff_id


def test_the_same_command_twice_is_one_change_and_one_loop(world: World, now: datetime) -> None:
    first = start(world, now)
    again = start(world, now + timedelta(minutes=1))
    assert again.id == first.id
    assert MedicationChange.objects.count() == Loop.objects.count() == 1


def test_the_same_command_with_another_body_is_refused(world: World, now: datetime) -> None:
    start(world, now)
    with pytest.raises(Invalid) as refused:
        start(world, now, dose="200mg")
    assert refused.value.code == "command_reused"


def test_a_correction_replaces_the_row_and_keeps_the_course(world: World, now: datetime) -> None:
    wrong = start(world, now, dose="1000mg")
    right = start(world, now + timedelta(minutes=5), "c2", dose="100mg", supersedes=wrong.id)
    assert right.course == wrong.course
    assert taken(world) == [("阿司匹林", "100mg", "每日一次")]
    with pytest.raises(Conflict) as refused:
        start(world, now + timedelta(minutes=6), "c3", dose="10mg", supersedes=wrong.id)
    assert refused.value.code == "already_corrected"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"action": "pause", "drug": "阿司匹林"}, "medication_action_unknown"),
        ({"action": "start", "drug": " "}, "drug_needed"),
        ({"action": "start", "drug": "氨氯地平", "dose": "5mg"}, "dose_needed"),
        ({"action": "start", "drug": "阿司匹林", "dose": "1", "frequency": "每日"}, "already_taken"),
        ({"action": "change", "drug": "阿司匹林", "reason": "x"}, "dose_needed"),
        ({"action": "change", "drug": "阿司匹林", "dose": "100mg", "reason": "x"}, "nothing_changes"),
        ({"action": "stop", "drug": "阿司匹林"}, "reason_needed"),
        ({"action": "start", "drug": "药" * 201, "dose": "1", "frequency": "1"}, "text_too_long"),
        ({"action": "start", "drug": "\ud800", "dose": "1", "frequency": "1"}, "text_unreadable"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    world: World, now: datetime, said: dict[str, str], code: str
) -> None:
    start(world, now)
    with pytest.raises((Invalid, Conflict)) as refused:
        medications.record(world.doctor, world.resident.resident, at=now, command_id="c9", **said)
    assert refused.value.code == code
    assert MedicationChange.objects.count() == 1


def test_a_medicine_from_before_this_record_may_be_stopped_and_is_told_all_the_same(
    world: World, now: datetime
) -> None:
    medications.record(
        world.doctor,
        world.resident.resident,
        action="stop",
        drug="华法林",
        reason="牙龈出血",
        at=now,
        command_id="w1",
    )
    assert medications.current(entries.keyed(world.resident)) == []
    assert Loop.objects.get(kind="medication.acknowledgement").owner == world.social_worker.staff_id


def test_full_width_and_spaces_make_no_other_drug(world: World, now: datetime) -> None:
    start(world, now, drug="Ａspirin  肠溶片")
    with pytest.raises(Conflict):
        start(world, now, "c2", drug="aspirin 肠溶片")


def test_only_a_doctor_with_a_relation_changes_medicines(world: World, now: datetime) -> None:
    for person in (world.social_worker, world.nurse, world.director, world.stranger):
        with pytest.raises(Forbidden):
            medications.record(
                person,
                world.resident.resident,
                action="start",
                drug="x",
                dose="1",
                frequency="1",
                at=now,
                command_id="c",
            )
    assert not MedicationChange.objects.exists()


def test_an_unknown_resident_is_not_found(world: World, now: datetime) -> None:
    with pytest.raises(NotFound):
        medications.record(
            world.doctor,
            world.team.id,
            action="start",
            drug="x",
            dose="1",
            frequency="1",
            at=now,
            command_id="c",
        )


def test_after_a_death_only_what_was_before_is_taken_down_and_nobody_is_asked(
    world: World, now: datetime
) -> None:
    residents.die(actors.SYSTEM, world.resident.resident, now)
    with pytest.raises(Conflict) as refused:
        start(world, now + timedelta(days=1))
    assert refused.value.code == "resident_dead"
    start(world, now + timedelta(days=1), occurred_at=now - timedelta(days=1))
    assert not Loop.objects.exists()


def test_a_merged_record_is_written_under_the_survivor(world: World, now: datetime) -> None:
    kept = world.another("王秀兰", now)
    residents.merge(actors.SYSTEM, kept.resident, world.resident.resident, now)
    assert start(world, now).subject == kept.subject


def test_the_future_and_times_without_zone_are_refused(world: World, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        start(world, now, occurred_at=now + timedelta(hours=1))
    assert refused.value.code == "in_the_future"
    with pytest.raises(Invalid) as refused:
        start(world, now, occurred_at=now.replace(tzinfo=None))
    assert refused.value.code == "moment_unreadable"


def test_recording_leaves_one_access_line(world: World, now: datetime) -> None:
    start(world, now)
    (line,) = AccessLine.objects.filter(action="record.medication")
    assert line.subjects == [str(world.resident.subject)]
    assert line.relation == "contract_team"


def test_the_database_refuses_to_change_or_delete(world: World, now: datetime) -> None:
    row = start(world, now)
    with pytest.raises(IntegrityError), transaction.atomic():
        MedicationChange.objects.filter(id=row.id).update(action="stop")
    with pytest.raises(IntegrityError), transaction.atomic():
        MedicationChange.objects.filter(id=row.id).delete()


def test_nothing_readable_is_stored(world: World, now: datetime) -> None:
    row = start(world, now, reason="胸痛")
    stored = bytes(MedicationChange.objects.get(id=row.id).sealed)
    assert "阿司匹林".encode() not in stored
    assert "胸痛".encode() not in stored
