"""A case's follow-up is written into the social worker's record: 李敏 fills it, 王医生 reads it, nobody else goes on with it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_followups import begin, came_to, fill, open_loops, whole
from tests.rooms.care.world import World

from yishe.care import assessment_reading, followup_corrections, rebuild, timeline
from yishe.care.models import Encounter, Owed, ServiceNote
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Forbidden, Invalid

__all__ = ["her"]
pytestmark = pytest.mark.django_db
CASE = "social_case"
MET: dict[str, Any] = {
    "how": "2", "minutes": "45", "stage": "planning", "danger": ["none"], "risk": "high", "health": "same", "work": ["mood"],
    "said": "和女儿一起定了目标", "step": "下周再访",
}  # fmt: skip
DISABLED: dict[str, Any] = {
    "how": "2", "kinds": ["5"], "certificate": "has", "danger": ["none"], "self_care": "alone", "change": "same", "rehab": "none",
    "devices": "broken", "care": "nobody", "benefits": "has", "living": "fine", "said": "轮椅刹车坏了",
}  # fmt: skip


def cases() -> list[str]:
    return sorted(Loop.objects.filter(kind="case.contact", closed_at=None).values_list("reason", flat=True))


def test_it_is_a_note_of_its_stage_and_minutes_and_keeps_what_the_package_promises(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now, package="support")
    saved = whole(world.social_worker, her, MET, now, CASE)

    assert came_to(world.social_worker, her, saved, now).code == "high"
    (note,) = ServiceNote.objects.filter(subject=world.resident.subject)
    assert (note.stage, note.method, note.minutes) == ("planning", "home", 45)
    assert not Encounter.objects.exists()
    kept = Owed.objects.exclude(kept_on=None)
    assert {(one.service, one.evidence) for one in kept} == {
        ("social_support", note.id),
        ("contact", note.id),
    }
    assert rebuild.differences() == []


def test_the_next_contact_is_promised_to_her_and_the_next_follow_up_keeps_it(
    world: World, her: UUID, now: datetime
) -> None:
    whole(world.social_worker, her, MET, now, CASE)
    promised = Loop.objects.get(kind="case.contact")
    assert (promised.owner, promised.reason) == (world.social_worker.staff_id, "high")
    assert promised.promised_by == now + timedelta(days=7)

    later = now + timedelta(days=6)
    whole(world.social_worker, her, {**MET, "risk": "usual"}, later, CASE)
    promised.refresh_from_db()
    assert (promised.closed_as, promised.outcome) == ("served", "kept")
    assert cases() == ["usual"]


def test_corrected_it_corrects_its_note(world: World, her: UUID, now: datetime) -> None:
    saved = whole(world.social_worker, her, MET, now, CASE)
    said = {"at": now + timedelta(hours=1), "reason": "记错了", "command_id": "amend"}
    given = {"stage": "assessment", "minutes": "60"}
    with pytest.raises(Forbidden):
        followup_corrections.amend(world.doctor, her, saved.row.response, given, **said)  # type: ignore[arg-type]
    followup_corrections.amend(world.social_worker, her, saved.row.response, given, **said)  # type: ignore[arg-type]
    notes = ServiceNote.objects.filter(subject=world.resident.subject).order_by("recorded_at")
    assert [(one.stage, one.minutes) for one in notes] == [("planning", 45), ("assessment", 60)]
    assert notes[1].supersedes == notes[0].id
    assert cases() == ["high"]


def test_danger_acts_with_the_save_that_shows_it(world: World, her: UUID, now: datetime) -> None:
    form = begin(world.social_worker, her, now, CASE)
    saved = fill(world.social_worker, her, form, {"danger": ["self_harm"]}, now)
    assert saved.flags == ("self_harm",)
    assert ("referral.social_worker_to_doctor", "S01r") in open_loops()


def test_only_the_social_worker_fills_it_and_the_team_reads_what_it_came_to(
    world: World, her: UUID, now: datetime
) -> None:
    for other in (world.doctor, world.nurse):
        with pytest.raises(Forbidden, match="由医务社工填写"):
            begin(other, her, now, CASE)
    with pytest.raises(Forbidden):
        begin(world.stranger, her, now, CASE)
    saved = whole(world.social_worker, her, MET, now, CASE)
    seen, _ = assessment_reading.form(world.doctor, her, saved.row.response, now, followups=True)
    assert seen.told
    assert not seen.may_go_on(world.doctor, world.resident, now)
    told = timeline.page(world.director, her, at=now, source="test", kinds=("note", "assessment")).items
    assert told
    assert "女儿" not in str(told)
    with pytest.raises(Forbidden):
        assessment_reading.form(world.stranger, her, saved.row.response, now, followups=True)


def test_disability_is_for_who_has_one_and_proposes_what_is_missing(
    world: World, her: UUID, now: datetime
) -> None:
    with pytest.raises(Invalid, match="持残疾证或失能"):
        begin(world.nurse, her, now, "disability")
    residents.amend(SYSTEM, her, {"traits": ("certified_disability",)}, now)
    signed(world, her, now)
    saved = whole(world.nurse, her, DISABLED, now + timedelta(days=1), "disability")
    found = came_to(world.nurse, her, saved, now + timedelta(days=1))
    assert (found.code, found.next) == ("aids", (now + timedelta(days=31)).date())
    assert [one.service for one in Owed.objects.exclude(kept_on=None)] == ["contact"]
    with pytest.raises(Forbidden):
        begin(world.social_worker, her, now, "disability")
