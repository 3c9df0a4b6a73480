"""A submitted follow-up corrected: who, why, before and after; what rested on it is judged anew."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_followups import (
    HIGH,
    SUGAR,
    WELL,
    begin,
    came_to,
    fill,
    measured,
    open_loops,
    whole,
)
from tests.rooms.care.world import World

from yishe.care import assessment_reading, entries, followup_corrections, forms, timeline
from yishe.care.models import Encounter, Observation, Owed
from yishe.loops import acts
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.placements import subjects_of
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound

__all__ = ["her"]
pytestmark = pytest.mark.django_db
WHY = "抄错了袖带读数"


def amend(who: Actor, whom: UUID, saved: forms.Saved, at: datetime, **given: object) -> forms.Saved:
    return followup_corrections.amend(
        who, whom, saved.row.response, given, reason=WHY, at=at, command_id=uuid4().hex
    )


def test_corrected_it_is_classified_anew_and_before_and_after_stay(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    at = now + timedelta(days=5)
    saved = whole(world.nurse, her, HIGH, at)
    kept = set(Owed.objects.exclude(kept_on=None).values_list("id", flat=True))
    later = at + timedelta(hours=2)
    amend(world.doctor, her, saved, later, sbp="136", dbp="86")

    assert came_to(world.nurse, her, saved, later).code == "satisfied"
    assert open_loops() == set()  # 复访 was asked for by the wrong value, and nobody had taken it up
    assert Loop.objects.get(kind="followup.again").close_reason == "C8"
    first, last = assessment_reading.states(world.nurse, her, saved.row.response, later)
    assert (first.told and first.told.answers["sbp"], last.told and last.told.answers["sbp"]) == (
        "166",
        "136",
    )
    assert (last.row.author, last.told and last.told.reason) == (world.doctor.staff_id, WHY)
    rows = Observation.objects.filter(kind="bp", subject__in=subjects_of(her))
    assert [one.values["sbp"] for one in entries.latest(Observation, entries.keyed(world.resident))] == [
        "136"
    ]
    assert rows.count() == 2
    told = [one.text for one in timeline.page(world.doctor, her, at=later, source="web").items]
    assert any(text.startswith("高血压患者随访：控制满意") for text in told)
    assert set(Owed.objects.exclude(kept_on=None).values_list("id", flat=True)) == kept


def test_the_one_after_it_is_judged_anew_too(world: World, her: UUID, now: datetime) -> None:
    first = whole(world.nurse, her, HIGH, now)
    then = now + timedelta(days=10)
    second = whole(world.nurse, her, HIGH, then)
    third = whole(world.nurse, her, HIGH, then + timedelta(days=10))
    assert came_to(world.nurse, her, second, then).code == "unsatisfied_again"
    at = then + timedelta(days=11)
    amend(world.nurse, her, first, at, sbp="136", dbp="86")

    assert came_to(world.nurse, her, second, at).code == "unsatisfied"
    assert came_to(world.nurse, her, third, at).code == "unsatisfied_again"
    shown, _ = assessment_reading.form(world.nurse, her, second.row.response, at, followups=True)
    assert shown.told
    assert shown.told.reason.endswith("那次随访更正后，重新判定")
    assert open_loops() == {("followup.again", "htn")}  # the third still asks for it


def test_a_red_one_that_was_a_slip_falls_and_what_is_being_done_stays(
    world: World, her: UUID, now: datetime
) -> None:
    saved = whole(world.nurse, her, {**HIGH, "sbp": "184"}, now)
    red = Loop.objects.get(kind="referral.social_worker_to_doctor")
    acts.act(world.doctor, "accept", red.id, seq=red.seq, at=now)
    amend(world.nurse, her, saved, now + timedelta(hours=1), sbp="148")
    assert open_loops() == {("referral.social_worker_to_doctor", "S03r"), ("followup.again", "htn")}
    shown, _ = assessment_reading.form(world.nurse, her, saved.row.response, now, followups=True)
    assert shown.told
    assert shown.told.result
    assert shown.told.result["stayed"] == [str(red.id)]
    assert len(shown.told.result["fell"]) == 1


def test_what_another_form_of_the_day_asks_for_stays(world: World, her: UUID, now: datetime) -> None:
    saved = whole(world.nurse, her, {**HIGH, "sbp": "184"}, now)
    whole(world.nurse, her, {**SUGAR, "sbp": "184"}, now, "dm")
    amend(world.nurse, her, saved, now + timedelta(hours=1), sbp="148")
    assert ("referral.social_worker_to_doctor", "S03r") in open_loops()


def test_corrected_into_red_it_calls(world: World, her: UUID, now: datetime) -> None:
    saved = whole(world.nurse, her, WELL, now)
    found = amend(world.nurse, her, saved, now + timedelta(hours=1), dbp="112", sbp="150")
    assert len(found.opened) == 2
    assert ("referral.social_worker_to_doctor", "S03r") in open_loops()


def test_what_cannot_be_corrected_is_said_and_nothing_changes(world: World, her: UUID, now: datetime) -> None:
    saved = whole(world.nurse, her, HIGH, now)
    with pytest.raises(Invalid, match="没有改动"):
        amend(world.nurse, her, saved, now, sbp="166")
    with pytest.raises(Invalid, match="计入哪一期"):
        amend(world.nurse, her, saved, now, how="3")
    with pytest.raises(Invalid, match="填反了"):
        amend(world.nurse, her, saved, now, sbp="90")
    with pytest.raises(Invalid, match="写明原因"):
        followup_corrections.amend(
            world.nurse, her, saved.row.response, {"sbp": "136"}, reason=" ", at=now, command_id="r"
        )
    with pytest.raises(Forbidden):
        amend(world.social_worker, her, saved, now, sbp="136")
    with pytest.raises(Forbidden):
        amend(world.stranger, her, saved, now, sbp="136")
    open_ = begin(world.nurse, her, now, "dm")
    with pytest.raises(Conflict, match="还没有提交"):
        followup_corrections.amend(world.nurse, her, open_, {}, reason=WHY, at=now, command_id="d")
    with pytest.raises(NotFound):
        followup_corrections.amend(world.nurse, her, uuid4(), {}, reason=WHY, at=now, command_id="n")
    assert measured(her).values["sbp"] == "166"
    assert Encounter.objects.filter(subject__in=subjects_of(her)).count() == 1


def test_the_same_correction_twice_is_one(world: World, her: UUID, now: datetime) -> None:
    saved = whole(world.nurse, her, HIGH, now)
    given = {"sbp": "136", "dbp": "86"}
    one, two = (
        followup_corrections.amend(
            world.nurse, her, saved.row.response, given, reason=WHY, at=now, command_id="once"
        )
        for _ in range(2)
    )
    assert one.row.id == two.row.id
    assert len(assessment_reading.states(world.nurse, her, saved.row.response, now)) == 2


def test_after_her_death_the_record_is_corrected_and_nobody_is_called(
    world: World, her: UUID, now: datetime
) -> None:
    saved = whole(world.nurse, her, WELL, now)
    residents.die(SYSTEM, her, now + timedelta(days=2))
    at = now + timedelta(days=3)
    found = amend(world.nurse, her, saved, at, sbp="190")
    assert (came_to(world.nurse, her, saved, at).code, found.opened) == ("urgent", ())


def test_a_draft_of_one_who_moved_stays_a_draft(world: World, her: UUID, now: datetime) -> None:
    form = begin(world.nurse, her, now)
    fill(world.nurse, her, form, {**WELL, "on": now.date().isoformat()}, now)
    residents.move(SYSTEM, her, now)
    with pytest.raises(Forbidden, match="有服务关系"):
        fill(world.nurse, her, form, {"sbp": "140"}, now + timedelta(days=1))
    assert not Encounter.objects.filter(subject__in=subjects_of(her)).exists()
