"""Follow-ups of a life's schedule: the child's and the mother's visits are made by their forms, once, early or late."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_followups import WELL, came_to, finish, open_loops, whole
from tests.rooms.care.test_immunizations import child
from tests.rooms.care.test_schedules import mother, stands
from tests.rooms.care.world import World

from yishe.care import (
    assessment_reading,
    conditions,
    entries,
    followups,
    growth,
    lives,
    observations,
    pregnancies,
)
from yishe.care.models import Encounter, Owed
from yishe.care.pregnancies import Once
from yishe.loops.models import Loop
from yishe.people.cards import cards
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Forbidden, Invalid

__all__ = ["her", "mother"]
CHILD = {
    "how": "1", "weight": "6.4", "length": "61.5", "danger_later": ["none"], "feeding": "breast", "nutrition": "good",
    "body": "normal", "eyes": "normal",
}  # fmt: skip
THREE = {**CHILD, "signs_3": ["none"]}
MOTHER = {
    "which": "later", "how": "1", "weeks": "17", "danger": ["none"], "sbp": "118", "dbp": "76", "risk": "green",
    "overall": "normal",
}  # fmt: skip
SMI = {
    "how": "2", "level": "0", "symptoms": "1", "insight": "1", "care": "good", "house": "good", "work": "none",
    "learn": "none", "meet": "good", "adherence": "1", "adverse": "none", "body": "none", "acts": ["none"], "locked": "1",
    "ward": "0",
}  # fmt: skip
TB = {
    "how": "2", "type": "1", "sputum": "1", "resistance": "3", "symptoms": ["1"], "plan": "2HRZE/4HR", "usage": "1",
    "supervisor": "2", "room": "1", "air": "1", "told_medicine": "yes", "told_course": "yes", "told_others": "yes",
}  # fmt: skip


def born(world: World, now: datetime, days: int) -> Placement:
    return child(world, now, lives.day(now) - timedelta(days=days))


def test_the_form_of_three_months_makes_its_visit_once_and_the_curve_has_its_measurements(
    world: World, now: datetime
) -> None:
    baby = born(world, now, 95)
    found = came_to(world.nurse, baby.resident, whole(world.nurse, baby.resident, THREE, now, "child"), now)
    shown = stands(baby, now)
    assert (found.code, found.next) == ("well", shown["child.m6"].due)
    assert (shown["child.m3"].state, shown["child.m3"].on) == ("done", lives.day(now))

    keyed = entries.keyed(baby)
    card = cards([baby.subject])[baby.subject]
    visit = growth.visits(card, observations.latest(keyed))[0]
    assert {one.code for one in visit.scores if one.z is not None} >= {"weight_for_age", "length_for_age"}

    again = now + timedelta(days=7)
    whole(
        world.doctor, baby.resident, THREE, again, "child"
    )  # a contact beside it keeps nothing a second time
    assert stands(baby, again)["child.m3"].on == lives.day(now)
    assert [each["visit"] for each in visits_of(baby)] == ["child.m3", None]


def visits_of(placed: Placement) -> list[dict[str, Any]]:
    """What the meetings say, oldest first."""
    keys = {one.subject: one.wrapped for one in entries.keyed(placed)}
    rows = Encounter.objects.filter(subject__in=list(keys)).order_by("occurred_at", "id")
    said = [entries.unsealed(row, "sealed", keys[row.subject]) for row in rows]
    return [{"visit": one.get("visit"), "summary": one["summary"]} for one in said]


def test_too_early_keeps_nothing_and_too_late_is_counted_late(world: World, now: datetime) -> None:
    early = born(world, now, 70)
    whole(world.nurse, early.resident, CHILD, now, "child")
    found = stands(early, now)
    assert found["child.m3"].state == "later"
    assert (found["child.d28"].state, found["child.d28"].days_late) == ("done_late", 40)

    newborn = born(world, now, 12)
    given = {**CHILD, "danger": ["none"], "high_risk": ["light"]}
    given.pop("danger_later")
    came = came_to(
        world.nurse, newborn.resident, whole(world.nurse, newborn.resident, given, now, "child"), now
    )
    late = stands(newborn, now)["child.newborn"]
    assert (came.code, late.state, late.days_late) == ("at_risk", "done_late", 5)


def test_what_is_asked_goes_by_age_and_one_warning_sign_refers(world: World, now: datetime) -> None:
    baby = born(world, now, 95)
    with pytest.raises(Invalid, match="发育预警征象"):
        whole(world.nurse, baby.resident, CHILD, now, "child")
    open_ = (
        assessment_reading.overview(world.nurse, baby.resident, now, followups=True).drafts[0].row.response
    )
    given = {"signs_3": ["c"]}
    followups.answer(world.nurse, baby.resident, open_, given, at=now, command_id=uuid4().hex)
    assert (
        came_to(world.nurse, baby.resident, finish(world.nurse, baby.resident, open_, now), now).code
        == "late"
    )
    assert open_loops() == {("followup.outcome", "child")}
    assert not Loop.objects.filter(kind="referral.upward").exists()
    with pytest.raises(Invalid, match="未满 7 岁"):
        whole(world.nurse, born(world, now, 2600).resident, THREE, now, "child")


def test_the_checks_of_a_pregnancy_are_kept_by_their_form_and_a_high_risk_comes_back_in_a_week(
    world: World, mother: Placement, now: datetime
) -> None:
    period = lives.day(now) - timedelta(days=120)
    pregnancies.begin(world.doctor, mother.resident, last_period=period, at=now, once=Once("p"))
    call, yesterday = {**MOTHER, "how": "3"}, now - timedelta(days=1)
    whole(world.nurse, mother.resident, call, yesterday, "pregnancy")  # a telephone call is no check
    assert stands(mother, now)["pregnancy.w16"].state == "due"
    found = came_to(
        world.nurse, mother.resident, whole(world.nurse, mother.resident, MOTHER, now, "pregnancy"), now
    )
    shown = stands(mother, now)
    assert shown["pregnancy.w16"].state == "done"
    assert (found.code, found.next) == ("normal", shown["pregnancy.w21"].due)

    later = now + timedelta(days=5)
    pregnancies.begin(
        world.doctor, mother.resident, last_period=period, at=later, once=Once("q"), high_risk=True
    )
    high = {**MOTHER, "risk": "orange", "weeks": "18"}
    found = came_to(
        world.nurse, mother.resident, whole(world.nurse, mother.resident, high, later, "pregnancy"), later
    )
    assert (found.code, found.next) == ("high_risk", lives.day(later) + timedelta(days=7))
    assert open_loops() == {("followup.again", "pregnancy_high_risk")}

    week = later + timedelta(days=7)
    whole(world.nurse, mother.resident, {**high, "weeks": "19"}, week, "pregnancy")
    first, second = Loop.objects.filter(kind="followup.again").order_by("promised_at")
    assert (first.closed_as, first.outcome, second.closed_at) == ("served", "kept", None)
    assert second.accept_by == week + timedelta(days=7)
    made = [one["visit"] for one in visits_of(mother)]
    assert made == [None, "pregnancy.w16", None, "pregnancy_high_risk.week"]  # the check was that week's look


def test_after_birth_the_visit_and_the_check_of_42_days(
    world: World, mother: Placement, now: datetime
) -> None:
    day, given = lives.day(now), postnatal()
    pregnancies.begin(
        world.doctor, mother.resident, last_period=day - timedelta(days=280), at=now, once=Once("p")
    )
    pregnancies.deliver(world.doctor, mother.resident, on=day, at=now, once=Once("d"))
    first, last = now + timedelta(days=5), now + timedelta(days=43)
    found = came_to(
        world.nurse, mother.resident, whole(world.nurse, mother.resident, given, first, "postpartum"), first
    )
    assert (found.code, found.next) == ("recovering", stands(mother, first)["postpartum.d42"].due)
    given = {**given, "which": "d42", "how": "1"}
    found = came_to(
        world.nurse, mother.resident, whole(world.nurse, mother.resident, given, last, "postpartum"), last
    )
    assert (found.code, found.next) == ("recovered", None)
    assert {one.state for one in stands(mother, last).values()} == {"done"}


def postnatal() -> dict[str, Any]:
    return {
        "which": "home", "how": "2", "danger": ["none"], "sbp": "118", "dbp": "76", "mood": "good", "breasts": "normal",
        "lochia": "normal", "womb": "normal", "wound": "normal", "feeding": "breast", "overall": "recovered",
    }  # fmt: skip


def test_a_danger_to_others_calls_the_doctor_with_the_save_and_is_asked_after_in_two_weeks(
    world: World, her: UUID, now: datetime
) -> None:
    form = followups.begin(world.nurse, her, kind="smi", response=uuid4(), at=now, command_id="b").response
    saved = followups.answer(world.nurse, her, form, {"level": "4"}, at=now, command_id="a")
    red = Loop.objects.get(kind="referral.social_worker_to_doctor")
    assert (saved.flags, red.reason, red.urgency, red.performer) == (
        ("danger",), "S01r", "red", world.doctor.staff_id,
    )  # fmt: skip
    given: Mapping[str, Any] = {**SMI, "level": "4", "on": now.date().isoformat()}
    followups.answer(world.nurse, her, form, given, at=now, command_id="c")
    found = came_to(world.nurse, her, finish(world.nurse, her, form, now), now)
    assert (found.code, found.next) == ("unstable", now.date() + timedelta(days=14))
    asked = {
        ("referral.social_worker_to_doctor", "S01r"), ("followup.outcome", "smi"), ("followup.again", "smi"),
    }  # fmt: skip
    assert open_loops() == asked
    later = now + timedelta(days=13)
    assert came_to(world.nurse, her, whole(world.nurse, her, SMI, later, "smi"), later).code == "stable"
    assert open_loops() == asked - {("followup.again", "smi")}
    with pytest.raises(Conflict, match="同一天只记一份"):
        whole(world.doctor, her, SMI, later, "smi")


def test_the_contract_year_of_severe_mental_illness_is_kept_by_its_form_face_to_face(
    world: World, her: UUID, now: datetime
) -> None:
    conditions.record(
        world.doctor, her, kind="disease", code="F20.0", title="精神分裂症", at=now, command_id="f20"
    )
    signed(world, her, now)
    owed = Owed.objects.filter(service="smi_followup")
    assert owed.count() == 4
    whole(world.nurse, her, {**SMI, "how": "3"}, now + timedelta(days=2), "smi")
    assert not owed.exclude(kept_on=None).exists()
    whole(world.nurse, her, SMI, now + timedelta(days=5), "smi")
    assert owed.exclude(kept_on=None).count() == 1


def test_without_a_contract_a_quarter_of_hypertension_is_kept_by_the_form_face_to_face(
    world: World, her: UUID, now: datetime
) -> None:
    assert stands(world.resident, now)["chronic_htn.quarter"].state == "due"
    whole(world.nurse, her, {**WELL, "how": "3"}, now)
    assert stands(world.resident, now)["chronic_htn.quarter"].state == "due"
    later = now + timedelta(days=3)
    whole(world.nurse, her, WELL, later)
    assert stands(world.resident, later)["chronic_htn.quarter"].on == lives.day(later)
    following = datetime(2026, 4, 1, 2, tzinfo=now.tzinfo)
    assert stands(world.resident, following)["chronic_htn.quarter"].state == "due"


def test_tuberculosis_is_visited_within_72_hours_and_then_every_month(
    world: World, her: UUID, now: datetime
) -> None:
    conditions.record(
        world.doctor, her, kind="disease", code="A15.0", title="肺结核", at=now, command_id="tb"
    )
    visit = now + timedelta(days=2)
    found = came_to(world.nurse, her, whole(world.nurse, her, TB, visit, "tb_first"), visit)
    assert (found.code, found.next) == ("by_family", lives.day(visit) + timedelta(days=10))
    assert stands(world.resident, visit)["tuberculosis.first"].state == "done"
    month, given = now + timedelta(days=12), {
        "how": "1", "month": "1", "treatment": "goes_on", "phase": "intensive", "supervisor": "2", "symptoms": ["0"],
        "adherence": "1", "missed": "none", "adverse": "1", "complication": "1",
    }  # fmt: skip
    whole(world.nurse, her, given, month, "tb")
    assert stands(world.resident, month)["tuberculosis_month.month"].on == lives.day(month)
    with pytest.raises(Forbidden):  # the social worker is told that there is something, not what
        whole(world.social_worker, her, given, month + timedelta(days=1), "tb")
