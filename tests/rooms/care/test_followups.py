"""Follow-ups: classified, kept once, followed by the next; what cannot be is asked back and nothing is lost."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.world import World

from yishe.care import assessment_reading, assessments, followups, forms, schedules, timeline
from yishe.care.models import Encounter, Observation, Owed
from yishe.loops.models import Loop
from yishe.people import merges, residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.models import Resident
from yishe.people.placements import subjects_of
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound

__all__ = ["her"]
pytestmark = pytest.mark.django_db
WELL = {
    "how": "1", "sbp": "132", "dbp": "84", "danger": ["none"], "adverse": "1", "complication": "none", "adherence": "1",
}  # fmt: skip
HIGH = {**WELL, "sbp": "166", "dbp": "96"}
LATER = """followup: htn
versions:
  2026-01-01:
    classes: {unsatisfied: {next: 1 week}}
"""


SUGAR = {
    "how": "1", "sample": "fasting", "glucose": "6.4", "sbp": "132", "dbp": "84", "danger": ["none"], "adverse": "1",
    "complication": "none", "hypoglycaemia": "1", "adherence": "1", "pulse_foot": "1",
}  # fmt: skip
EXAMINED = {
    "how": "1", "sbp": "132", "dbp": "84", "heart_rate": "70", "height": "158", "weight": "58", "waist": "80", "self_rated": "2",
    "self_care": "2", "cognition": "2", "feeling": "1", "exercise": "1", "smoking": "1", "drinking": "1", "advised": ["falls"],
    **dict.fromkeys(
        ("sight", "hearing", "moving", "mouth", "body", "blood", "urine", "liver", "kidneys", "lipids", "ecg", "abdomen", "chest"),
        "well",
    ),
}  # fmt: skip


def begin(who: Actor, whom: UUID, at: datetime, kind: str = "htn") -> UUID:
    row = followups.begin(who, whom, kind=kind, response=uuid4(), at=at, command_id=uuid4().hex)
    return row.response


def fill(
    who: Actor, whom: UUID, form: UUID, given: Mapping[str, Any], at: datetime, **more: Any
) -> forms.Saved:
    return followups.answer(who, whom, form, given, at=at, command_id=uuid4().hex, **more)


def finish(who: Actor, whom: UUID, form: UUID, at: datetime) -> forms.Saved:
    return followups.submit(who, whom, form, at=at, command_id=uuid4().hex)


def whole(who: Actor, whom: UUID, given: Mapping[str, Any], at: datetime, kind: str = "htn") -> forms.Saved:
    form = begin(who, whom, at, kind)
    fill(who, whom, form, {"on": at.date().isoformat(), **given}, at)
    return finish(who, whom, form, at)


def came_to(who: Actor, whom: UUID, saved: forms.Saved, at: datetime) -> followups.Concluded:
    form, _ = assessment_reading.form(who, whom, saved.row.response, at, followups=True)
    assert form.told
    return followups.concluded(form.told)


def measured(whom: UUID) -> Observation:
    return Observation.objects.get(kind="bp", subject__in=subjects_of(whom))


def open_loops() -> set[tuple[str, str]]:
    return set(
        Loop.objects.filter(closed_at=None)
        .exclude(kind__startswith="contract")
        .exclude(kind="record.ready")
        .values_list("kind", "reason")
    )


def test_one_follow_up_is_a_class_a_contact_a_measurement_and_a_promise_kept(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    at = now + timedelta(days=5)
    found = came_to(world.nurse, her, whole(world.nurse, her, WELL, at), at)

    assert (found.code, found.next) == ("satisfied", at.date() + timedelta(days=90))
    assert found.targets == {"guide_2025": False}  # the rules are met, the clinical guide is not
    assert measured(her).values == {"sbp": "132", "dbp": "84"}
    assert sorted(Owed.objects.exclude(kept_on=None).values_list("service", "nth")) == [
        ("contact", 1),
        ("htn_followup", 1),
    ]
    told = {one.kind: one for one in timeline.page(world.doctor, her, at=at, source="web").items}
    assert told["assessment"].title == "随访：高血压患者随访"
    assert told["assessment"].text.startswith("控制满意，下次不晚于")
    assert told["encounter"].text.startswith("高血压患者随访：控制满意")
    assert "收缩压 132" in told["observation"].title


def test_by_telephone_it_is_a_contact_and_no_visit(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    whole(world.nurse, her, {**WELL, "how": "3"}, now + timedelta(days=5))
    assert [*Owed.objects.exclude(kept_on=None).values_list("service", flat=True)] == ["contact"]


def test_one_visit_for_pressure_glucose_and_the_yearly_examination_is_one_contact(
    world: World, her: UUID, now: datetime
) -> None:
    both = {"birth_date": date(1947, 1, 5), "traits": ("hypertension", "diabetes")}
    residents.amend(world.doctor, her, both, now - timedelta(days=1))
    signed(world, her, now)
    at = now + timedelta(days=5)
    whole(world.nurse, her, WELL, at)
    assert came_to(world.nurse, her, whole(world.nurse, her, SUGAR, at, "dm"), at).code == "satisfied"
    found = came_to(world.nurse, her, whole(world.nurse, her, EXAMINED, at, "elder"), at)
    assert (found.code, found.next) == ("well", at.date() + timedelta(days=365))

    assert Encounter.objects.count() == 1
    assert measured(her).values == {"sbp": "132", "dbp": "84"}  # once, though three forms ask for it
    kept = [*Owed.objects.exclude(kept_on=None).values_list("service", "nth").order_by("service")]
    assert kept == [("annual_exam", 1), ("contact", 1), ("dm_followup", 1), ("htn_followup", 1)]
    contact = Encounter.objects.get(subject__in=subjects_of(her))
    assert set(Owed.objects.exclude(kept_on=None).values_list("evidence", flat=True)) == {contact.id}


def test_another_person_another_way_or_another_pressure_is_not_the_same_meeting(
    world: World, her: UUID, now: datetime
) -> None:
    whole(world.nurse, her, WELL, now)
    whole(world.doctor, her, {**SUGAR, "sbp": "138"}, now, "dm")
    assert Encounter.objects.count() == 2
    assert Observation.objects.filter(kind="bp").count() == 2
    whole(world.nurse, her, {**EXAMINED, "how": "2"}, now, "elder")
    assert Encounter.objects.count() == 3


def test_the_examination_makes_the_visit_her_schedule_owes_without_a_contract(
    world: World, her: UUID, now: datetime
) -> None:
    whole(world.nurse, her, EXAMINED, now, "elder")
    lines = schedules.of(world.resident, now.date())
    assert [one.on for one in lines if one.code == "elder.exam"] == [now.date()]


def test_twice_unsatisfactory_proposes_a_referral_and_sends_none(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    first = now + timedelta(days=5)
    assert came_to(world.nurse, her, whole(world.nurse, her, HIGH, first), first).code == "unsatisfied"
    assert open_loops() == {("followup.again", "htn")}

    second = first + timedelta(days=10)
    found = came_to(world.nurse, her, whole(world.nurse, her, HIGH, second), second)
    assert (found.code, found.next) == ("unsatisfied_again", second.date() + timedelta(days=14))
    kept, owed = Loop.objects.filter(kind="followup.again").order_by("promised_at")
    assert (kept.closed_as, kept.outcome, owed.closed_at) == ("served", "kept", None)
    assert open_loops() == {("followup.again", "htn")}
    assert not Loop.objects.filter(kind="referral.upward").exists()


def test_an_emergency_calls_the_doctor_with_the_save_and_its_outcome_is_promised(
    world: World, her: UUID, now: datetime
) -> None:
    form = begin(world.nurse, her, now)
    saved = fill(world.nurse, her, form, {"sbp": "184"}, now)
    assert saved.flags == ("very_high",)
    assert open_loops() == {("referral.social_worker_to_doctor", "S03r"), ("followup.outcome", "htn")}
    red = Loop.objects.get(kind="referral.social_worker_to_doctor")
    assert (red.urgency, red.performer) == ("red", world.doctor.staff_id)
    fill(world.nurse, her, form, {**HIGH, "sbp": "184", "on": now.date().isoformat()}, now)
    finish(world.nurse, her, form, now)
    assert Loop.objects.filter(kind="referral.social_worker_to_doctor").count() == 1


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"sbp": "1320"}, "value_impossible", "多写或少写"),
        ({"sbp": "18.6"}, "value_impossible", "若按 kPa 填的，合 140"),
        ({"sbp": "18.6 kPa"}, "unit_other", "合 140 mmHg"),
        ({"sbp": "290"}, "value_unusual", "已核对"),
        ({"sbp": "90", "dbp": "84"}, "value_impossible", "是不是填反了"),
        ({"danger": ["none", "chest"]}, "value_impossible", "只留一种"),
        ({"how": "7"}, "answer_unknown", "门诊"),
        ({"sbp": "高"}, "not_a_number", "mmHg"),
    ],
)
def test_what_cannot_be_is_asked_back_and_what_was_filled_stays(
    world: World, her: UUID, now: datetime, given: dict[str, Any], code: str, words: str
) -> None:
    form = begin(world.nurse, her, now)
    fill(world.nurse, her, form, {"adherence": "2"}, now)
    with pytest.raises(Invalid) as refused:
        fill(world.nurse, her, form, given, now)
    assert refused.value.code == code
    assert words in refused.value.title
    shown, _ = assessment_reading.form(world.nurse, her, form, now, followups=True)
    assert shown.told
    assert shown.told.answers == {"adherence": "2"}


def test_a_value_confirmed_is_kept_as_measured_again(world: World, her: UUID, now: datetime) -> None:
    form = begin(world.nurse, her, now)
    fill(world.nurse, her, form, {**WELL, "sbp": "290", "on": now.date().isoformat()}, now, confirmed=["sbp"])
    finish(world.nurse, her, form, now)
    assert measured(her).repeated


def test_days_that_cannot_be_are_refused_and_the_draft_stays(world: World, her: UUID, now: datetime) -> None:
    form = begin(world.nurse, her, now)
    tomorrow = (now + timedelta(days=1)).date()
    fill(world.nurse, her, form, {**HIGH, "on": tomorrow.isoformat()}, now)
    with pytest.raises(Invalid, match="将来"):
        finish(world.nurse, her, form, now)
    fill(
        world.nurse,
        her,
        form,
        {"on": now.date().isoformat(), "next": (now + timedelta(days=30)).date().isoformat()},
        now,
    )
    with pytest.raises(Invalid, match="不晚于"):
        finish(world.nurse, her, form, now)
    agreed = (now + timedelta(days=9)).date()
    fill(world.nurse, her, form, {"next": agreed.isoformat()}, now)
    assert came_to(world.nurse, her, finish(world.nurse, her, form, now), now).next == agreed


def test_the_same_follow_up_is_kept_once(world: World, her: UUID, now: datetime) -> None:
    form = begin(world.nurse, her, now)
    with pytest.raises(Conflict) as open_:
        begin(world.doctor, her, now)
    assert open_.value.extra["existing"] == str(form)
    fill(world.nurse, her, form, {**WELL, "on": now.date().isoformat()}, now)
    once = followups.submit(world.nurse, her, form, at=now, command_id="one")
    assert followups.submit(world.nurse, her, form, at=now, command_id="one").row.id == once.row.id
    assert Encounter.objects.count() == 1
    assert measured(her).values == {"sbp": "132", "dbp": "84"}

    with pytest.raises(Conflict, match="同一天只记一份"):
        whole(world.doctor, her, WELL, now + timedelta(hours=1))
    again = assessment_reading.overview(world.doctor, her, now, followups=True).drafts[0].row.response
    fill(world.doctor, her, again, {"on": (now - timedelta(days=3)).date().isoformat()}, now)
    earlier = finish(world.doctor, her, again, now)
    assert earlier.row.occurred_at.date() == (now - timedelta(days=3)).date()


def test_a_pack_changed_meanwhile_changes_no_draft(
    world: World, her: UUID, now: datetime, settings: Settings, tmp_path: Path
) -> None:
    form = begin(world.nurse, her, now)
    fill(world.nurse, her, form, {**HIGH, "on": now.date().isoformat()}, now)
    (tmp_path / "followups").mkdir()
    head = 'id: later\ntitle: 新版\nversion: "2"\noverlays: demo\n'
    (tmp_path / "pack.yaml").write_text(head, encoding="utf-8")
    (tmp_path / "followups" / "htn.yaml").write_text(LATER, encoding="utf-8")
    settings.PACKS = [*settings.PACKS, tmp_path]
    shown, _ = assessment_reading.form(world.nurse, her, form, now, followups=True)
    assert shown.newer == "2026-01-01"
    assert came_to(world.nurse, her, finish(world.nurse, her, form, now), now).next == now.date() + timedelta(
        days=14
    )


def test_who_died_or_moved_keeps_her_draft_and_gets_no_follow_up_after_it(
    world: World, her: UUID, now: datetime
) -> None:
    form = begin(world.nurse, her, now)
    fill(world.nurse, her, form, {**WELL, "on": now.date().isoformat()}, now)
    residents.die(SYSTEM, her, now)
    later = now + timedelta(days=1)
    with pytest.raises(Conflict, match="草稿保留"):
        fill(world.nurse, her, form, {"sbp": "140"}, later)
    fresh = Resident.objects.get(id=her)
    assert fresh.deceased_at


def test_a_draft_follows_her_into_the_record_that_survives(world: World, her: UUID, now: datetime) -> None:
    form = begin(world.nurse, her, now)
    fill(world.nurse, her, form, {**WELL, "on": now.date().isoformat()}, now)
    survivor = world.another("王秀蓝", now - timedelta(days=1)).resident
    Resident.objects.filter(id=survivor).update(birth_date=date(1958, 1, 1))
    merges.merge(SYSTEM, her, survivor, now)
    assert came_to(world.nurse, survivor, finish(world.nurse, her, form, now), now).code == "satisfied"


def test_a_young_one_is_not_given_the_form_and_an_unknown_age_is_not_classified(
    world: World, now: datetime
) -> None:
    young, unknown = world.another("小王", now).resident, world.another("老王", now).resident
    Resident.objects.filter(id=young).update(birth_date=now.date() - timedelta(days=365 * 20))
    with pytest.raises(Invalid, match="未满 35 岁"):
        begin(world.nurse, young, now)
    found = came_to(world.nurse, unknown, whole(world.nurse, unknown, WELL, now), now)
    assert (found.code, found.next) == ("", None)


def test_each_sees_and_does_what_is_hers(world: World, her: UUID, now: datetime) -> None:
    saved = whole(world.nurse, her, WELL, now)
    form, _ = assessment_reading.form(world.doctor, her, saved.row.response, now, followups=True)
    assert form.told
    with pytest.raises(Forbidden):  # the social worker is told that there was one
        assessment_reading.form(world.social_worker, her, saved.row.response, now, followups=True)
    with pytest.raises(Forbidden, match="随访"):
        begin(world.social_worker, her, now + timedelta(days=1))
    with pytest.raises(Forbidden):
        begin(world.stranger, her, now + timedelta(days=1))


def test_a_follow_up_is_no_assessment_and_cannot_be_handled_as_one(
    world: World, her: UUID, now: datetime
) -> None:
    form = begin(world.nurse, her, now)
    assert not assessment_reading.overview(world.nurse, her, now).drafts
    with pytest.raises(NotFound):
        assessments.submit(world.nurse, her, form, at=now, command_id="x")
    assert followups.discard(world.nurse, her, form, at=now, command_id="y").withdrawn
