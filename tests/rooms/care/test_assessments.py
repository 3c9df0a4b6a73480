"""Scales filled, saved, submitted and amended; what they open at once and what they open in the end."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django.fixtures import Settings
from tests.rooms.care.world import World

from yishe.care import assessment_reading, assessments, forms, timeline
from yishe.care.models import QuestionnaireResponse
from yishe.loops.models import Loop
from yishe.people import merges, residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.models import Resident
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound, Unavailable

pytestmark = pytest.mark.django_db
LONELY = {"u1": "3", "u2": "2", "u3": "2"}
DRAFTED = "social_needs"
LATER = """scale: ucla3
versions:
  2026-01-01:
    scores: {total: {bands: {lonely: {at_least: 8}}}}
"""
CALM = {f"p{n}": "0" for n in range(1, 10)}


def begin(world: World, who: Actor, scale: str, now: datetime, **more: Any) -> UUID:
    row = assessments.start(who, world.resident.resident, scale=scale, at=now, command_id=uuid4().hex, **more)
    return row.response


def fill(
    world: World, who: Actor, form: UUID, answers: Mapping[str, Any], now: datetime, **more: Any
) -> forms.Saved:
    return assessments.answer(
        who, world.resident.resident, form, answers, at=now, command_id=uuid4().hex, **more
    )


def finish(world: World, who: Actor, form: UUID, now: datetime) -> forms.Saved:
    return assessments.submit(who, world.resident.resident, form, at=now, command_id=uuid4().hex)


def story(world: World, who: Actor, now: datetime) -> list[timeline.Item]:
    return list(timeline.page(who, world.resident.resident, at=now, kinds=("assessment",)).items)


def test_a_filled_form_stands_on_the_timeline_with_its_score(world: World, now: datetime) -> None:
    form = begin(world, world.social_worker, "ucla3", now)
    fill(world, world.social_worker, form, {"u1": "3"}, now)
    assert story(world, world.doctor, now) == []
    fill(world, world.social_worker, form, LONELY, now)
    finish(world, world.social_worker, form, now)
    (item,) = story(world, world.doctor, now)
    assert (item.title, item.text) == ("评估：孤独量表 UCLA-3", "总分 7（孤独）")
    assert item.corrects is None


def test_to_read_one_form_no_other_is_opened(world: World, now: datetime) -> None:
    form, other = (begin(world, world.nurse, scale, now) for scale in ("ucla3", "frail"))
    row = QuestionnaireResponse.objects.get(response=other)
    row.pk, row.supersedes, row.command_id, row.sealed = uuid4(), row.pk, "damaged", b"not to be opened"
    row.save(force_insert=True)
    found, seen = assessment_reading.form(world.nurse, world.resident.resident, form, now)
    assert (found.told, found.author_name, len(seen.drafts)) == (forms.Told({}), world.nurse.name, 2)
    with pytest.raises(Unavailable):
        assessment_reading.form(world.nurse, world.resident.resident, other, now)


def test_lonely_calls_the_social_worker_as_the_pack_says_and_not_twice(world: World, now: datetime) -> None:
    for later in (timedelta(), timedelta(days=2)):
        form = begin(world, world.nurse, "ucla3", now + later)
        fill(world, world.nurse, form, LONELY, now + later)
        finish(world, world.nurse, form, now + later)
    loop = Loop.objects.get()
    assert (loop.kind, loop.reason, loop.owner) == (
        "referral.doctor_to_social_worker", "D12", world.social_worker.staff_id,
    )  # fmt: skip


def test_a_thought_of_self_harm_calls_both_professions_before_the_form_is_finished(
    world: World, now: datetime
) -> None:
    form = begin(world, world.nurse, "phq9", now)
    saved = fill(world, world.nurse, form, {"p9": "1"}, now)
    assert saved.flags == ("self_harm",)
    called = {(loop.reason, loop.urgency, loop.owner) for loop in Loop.objects.all()}
    assert called == {
        ("S01r", "red", world.doctor.staff_id),
        ("D01", "red", world.social_worker.staff_id),
    }
    assert fill(world, world.nurse, form, {"p9": "3"}, now).opened == ()
    fill(world, world.nurse, form, {**CALM, "p9": "3"}, now)
    assert finish(world, world.nurse, form, now).opened == ()
    assert Loop.objects.count() == 2


def test_where_nothing_is_approved_nothing_is_opened(world: World, now: datetime, settings: Settings) -> None:
    settings.PACKS = settings.PACKS[:1]
    form = begin(world, world.nurse, "phq9", now)
    assert fill(world, world.nurse, form, {"p9": "1"}, now).flags == ("self_harm",)
    assert not Loop.objects.exists()
    with pytest.raises(Invalid, match="尚未批准"):
        begin(world, world.nurse, DRAFTED, now)


def test_a_colleague_goes_on_where_the_other_stopped(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "ucla3", now)
    fill(world, world.doctor, form, {"u1": "1"}, now)
    fill(world, world.social_worker, form, {"u2": "2", "u3": "3"}, now)
    finish(world, world.doctor, form, now)
    (item,) = story(world, world.doctor, now)
    assert item.detail["scores"]["total"]["value"] == 6


def test_the_same_save_twice_is_one_row(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "ucla3", now)
    for _ in range(2):
        assessments.answer(
            world.doctor, world.resident.resident, form, {"u1": "2"}, at=now, command_id="once"
        )
    assert QuestionnaireResponse.objects.filter(response=form).count() == 2


def test_a_question_left_open_is_named_and_never_guessed(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "ucla3", now)
    fill(world, world.doctor, form, {"u1": "3", "u2": "3"}, now)
    with pytest.raises(Invalid) as refused:
        finish(world, world.doctor, form, now)
    assert refused.value.extra["items"] == ["u3"]
    assert "觉得和别人隔开了" in refused.value.title


def test_a_child_is_not_given_an_adult_s_form(world: World, now: datetime) -> None:
    Resident.objects.filter(id=world.resident.resident).update(birth_date=date(2018, 5, 1))
    with pytest.raises(Invalid, match="用于成人"):
        begin(world, world.doctor, "phq9", now)


def test_the_same_form_is_begun_once_and_done_again_only_on_purpose(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "ucla3", now)
    with pytest.raises(Conflict) as refused:
        begin(world, world.nurse, "ucla3", now)
    assert (refused.value.code, refused.value.extra["existing"]) == ("already_started", str(form))
    fill(world, world.doctor, form, LONELY, now)
    finish(world, world.doctor, form, now)
    with pytest.raises(Conflict) as refused:
        begin(world, world.doctor, "ucla3", now + timedelta(hours=1))
    assert refused.value.code == "done_recently"
    begin(world, world.doctor, "ucla3", now + timedelta(hours=1), again=True)


def test_what_was_submitted_is_corrected_with_a_reason_and_keeps_its_day(world: World, now: datetime) -> None:
    form = begin(world, world.social_worker, "ucla3", now)
    fill(world, world.social_worker, form, {"u1": "1", "u2": "1", "u3": "1"}, now)
    finish(world, world.social_worker, form, now)
    later = now + timedelta(days=1)
    with pytest.raises(Conflict, match="更正"):
        fill(world, world.social_worker, form, {"u1": "3"}, later)
    with pytest.raises(Invalid, match="原因"):
        assessments.amend(
            world.social_worker, world.resident.resident, form, LONELY, reason=" ", at=later, command_id="a0"
        )
    assessments.amend(
        world.social_worker, world.resident.resident, form, LONELY, reason="问错了时段", at=later, command_id="a"
    )  # fmt: skip
    (item,) = story(world, world.doctor, later)
    assert (item.occurred_at, item.text) == (now, "总分 7（孤独）")
    assert item.corrects is not None
    assert Loop.objects.get().reason == "D12"


def test_a_draft_keeps_the_version_it_was_begun_under(
    world: World, now: datetime, settings: Settings, tmp_path: Path
) -> None:
    form = begin(world, world.doctor, "ucla3", now)
    begun = QuestionnaireResponse.objects.get(response=form)
    (tmp_path / "scales").mkdir()
    (tmp_path / "pack.yaml").write_text(
        'id: later\ntitle: 新版\nversion: "2"\noverlays: demo\n', encoding="utf-8"
    )
    (tmp_path / "scales" / "ucla3.yaml").write_text(LATER, encoding="utf-8")
    settings.PACKS = [*settings.PACKS, tmp_path]
    fill(world, world.doctor, form, LONELY, now)
    shown, _ = assessment_reading.form(world.doctor, world.resident.resident, form, now)
    assert (shown.scale.version, shown.newer) == ("2025-01-01", "2026-01-01")
    finish(world, world.doctor, form, now)
    (item,) = story(world, world.doctor, now)
    assert item.text == "总分 7（孤独）"
    assert QuestionnaireResponse.objects.get(response=form, status="completed").definition == begun.definition


def test_answers_about_mood_are_for_those_who_treat(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "phq9", now)
    fill(world, world.doctor, form, CALM, now)
    finish(world, world.doctor, form, now)
    (mine,), (hers,) = story(world, world.social_worker, now), story(world, world.director, now)
    assert mine.text == "总分 0（没有抑郁症状）"
    assert (hers.title, hers.text, hers.detail) == ("评估", "", {})
    assert hers.hidden == ("有受保护的内容",)
    with pytest.raises(Forbidden):
        assessment_reading.form(world.director, world.resident.resident, form, now)
    with pytest.raises(Forbidden):
        begin(world, world.stranger, "ucla3", now)


def test_who_died_meanwhile_keeps_the_draft_and_nothing_is_submitted(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "ucla3", now)
    fill(world, world.doctor, form, LONELY, now)
    residents.die(SYSTEM, world.resident.resident, now + timedelta(hours=1))
    with pytest.raises(Conflict, match="草稿保留"):
        finish(world, world.doctor, form, now + timedelta(hours=2))
    shown, _ = assessment_reading.form(world.doctor, world.resident.resident, form, now + timedelta(hours=2))
    assert shown.told is not None
    assert shown.told.answers == LONELY


def test_a_draft_follows_a_merge_and_is_no_one_else_s(world: World, now: datetime) -> None:
    other = world.another("王秀蓝", now)
    form = begin(world, world.doctor, "ucla3", now)
    with pytest.raises(NotFound):
        assessments.answer(world.doctor, other.resident, form, {"u1": "1"}, at=now, command_id=uuid4().hex)
    merges.merge(SYSTEM, world.resident.resident, other.resident, now)
    fill(world, world.doctor, form, LONELY, now)
    finish(world, world.doctor, form, now)
    found = timeline.page(world.doctor, other.resident, at=now, kinds=("assessment",))
    assert [item.text for item in found.items] == ["总分 7（孤独）"]


def test_a_draft_thrown_away_leaves_what_it_opened(world: World, now: datetime) -> None:
    form = begin(world, world.doctor, "phq9", now)
    fill(world, world.doctor, form, {"p9": "2"}, now)
    assessments.discard(world.doctor, world.resident.resident, form, at=now, command_id=uuid4().hex)
    with pytest.raises(NotFound, match="作废"):
        fill(world, world.doctor, form, {"p9": "0"}, now)
    assert Loop.objects.count() == 2
