"""Class and tier from what is recorded. 王医生 and 赵护士 are of the team, 李敏 is its social worker, 钱医生 a stranger."""

from datetime import date, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.world import World

from yishe.care import (
    class_rounds,
    class_stream,
    classes,
    conditions,
    entries,
    observations,
    rebuild,
    replanning,
)
from yishe.care.class_models import ClassDue, ClassOf
from yishe.care.models import Owed
from yishe.care.record import Record
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.policy.class_rules import CLASS, MEDICAL, SOCIAL, TRACKS
from yishe.policy.refusals import Conflict, Forbidden, Invalid

DUAL = "assessment.dual_track"


@pytest.fixture
def her(world: World) -> UUID:
    return world.resident.resident


def ill(world: World, who: UUID, title: str, at: datetime) -> None:
    conditions.record(
        world.nurse, who, kind="disease", title=title, at=at, command_id=f"{who}{title}{at}"[:120]
    )


def stands(who: UUID, at: datetime) -> tuple[str, str, str]:
    found = classes.of(Record(who), at)
    return found.step(CLASS), found.step(MEDICAL), found.step(SOCIAL)


def correct(world: World, who: UUID, at: datetime, **said: object) -> None:
    wanted: dict[str, object] = {
        "steps": {MEDICAL: "high"}, "reason": "clinical_judgement", "until": at.date() + timedelta(days=60), "at": at,
    }  # fmt: skip
    classes.correct(world.doctor, who, **{**wanted, **said})  # type: ignore[arg-type]


def test_what_is_recorded_leaves_a_mark_and_the_worker_says_the_class(
    world: World, her: UUID, now: datetime
) -> None:
    assert class_rounds.keep_up(now) == 0
    ill(world, her, "高血压", now)
    assert ClassDue.objects.count() == 1
    assert class_rounds.keep_up(now) == 1
    row = ClassOf.objects.get()
    assert (row.to_class, row.medical, row.social, row.by) == (
        "chronic",
        "medium",
        "low",
        ["chronic_disease"],
    )
    assert ClassDue.objects.count() == 0
    observations.record(
        world.nurse, her, kind="bp", values={"sbp": 130, "dbp": 80}, at=now, command_id="same"
    )
    class_rounds.keep_up(now)
    assert ClassOf.objects.get().seq == 1, "what changes nothing is not written"
    assert class_stream.differences() == []


def test_a_tier_that_rises_to_high_starts_both_assessments_once(
    world: World, her: UUID, now: datetime
) -> None:
    ill(world, her, "高血压", now)
    class_rounds.keep_up(now)
    assert not Loop.objects.filter(kind=DUAL).exists()
    said = {"birth_date": date(now.year - 81, 1, 5), "traits": ("hypertension", "living_alone")}
    residents.amend(world.doctor, her, said, now + timedelta(minutes=1))
    for minutes in (2, 3, 4):
        class_rounds.of_the_day(now + timedelta(minutes=minutes))
        classes.look(her, now + timedelta(minutes=minutes), world.nurse)
    assert stands(her, now) == ("key", "medium", "high")
    assert Loop.objects.filter(kind=DUAL).count() == 1
    assert rebuild.differences() == []


def test_the_day_of_65_is_known_before_it_comes(world: World, her: UUID, now: datetime) -> None:
    turns = now.date() + timedelta(days=20)
    residents.amend(world.doctor, her, {"birth_date": turns.replace(year=turns.year - 65)}, now)
    classes.look(her, now)
    assert ClassOf.objects.get().to_class == "healthy"
    assert ClassOf.objects.get().next_on == turns
    assert class_rounds.of_the_day(now + timedelta(days=19)) == 0
    assert class_rounds.of_the_day(now + timedelta(days=21)) == 1
    assert ClassOf.objects.get().to_class == "key"


def test_a_correction_counts_until_its_day_is_reminded_of_and_ends_in_the_ledger(
    world: World, her: UUID, now: datetime
) -> None:
    correct(world, her, now, steps={CLASS: "chronic", SOCIAL: "medium"}, words="外院诊断，资料在补")
    assert stands(her, now) == ("chronic", "low", "medium")
    assert class_rounds.of_the_day(now + timedelta(days=45)) == 0
    class_rounds.of_the_day(now + timedelta(days=50))
    class_rounds.of_the_day(now + timedelta(days=51))
    reminder = Loop.objects.get(kind="class.review")
    assert reminder.performer == world.doctor.staff_id
    assert reminder.promised_by.date() <= now.date() + timedelta(days=60)
    over = now + timedelta(days=61)
    assert stands(her, over) == ("healthy", "low", "low"), "read off the day, whoever looked"
    class_rounds.of_the_day(over)
    row = ClassOf.objects.get()
    assert (row.corrected_class, row.until, row.to_class) == ("", None, "healthy")
    assert class_stream.differences() == []


def test_a_correction_to_high_starts_both_assessments_and_may_be_taken_back(
    world: World, her: UUID, now: datetime
) -> None:
    correct(world, her, now)
    assert Loop.objects.filter(kind=DUAL).count() == 1
    correct(world, her, now + timedelta(minutes=1), reason="temporary")
    assert Loop.objects.filter(kind=DUAL).count() == 1
    classes.uncorrect(world.doctor, her, now + timedelta(minutes=2))
    assert stands(her, now) == ("healthy", "low", "low")
    with pytest.raises(Conflict, match="没有生效的更正"):
        classes.uncorrect(world.doctor, her, now + timedelta(minutes=3))
    assert class_stream.differences() == []


def test_who_may_not_and_what_cannot_be_is_said_in_words(world: World, her: UUID, now: datetime) -> None:
    for actor in (world.nurse, world.social_worker, world.stranger):
        with pytest.raises(Forbidden):
            classes.correct(actor, her, {CLASS: "key"}, reason="temporary", until=now.date(), at=now)
    for wrong, words in (
        ({"reason": ""}, "更正的原因"),
        ({"reason": "because"}, "医生综合判断"),
        ({"until": now.date()}, "已经过了"),
        ({"until": now.date() + timedelta(days=400)}, "更正最长到"),
        ({"steps": {}}, "都不改就不用更正"),
        ({"steps": {MEDICAL: "huge"}}, "可选：高、中、低"),
    ):
        with pytest.raises(Invalid, match=words):
            correct(world, her, now, **wrong)  # type: ignore[arg-type]
    residents.die(world.doctor, her, now)
    with pytest.raises(Conflict, match="去世"):
        correct(world, her, now + timedelta(minutes=1))
    assert ClassOf.objects.count() == 0


def test_the_second_of_two_who_saw_the_same_is_told(world: World, her: UUID, now: datetime) -> None:
    seen = classes.of(Record(her), now).seq
    correct(world, her, now, seq=seen)
    with pytest.raises(Conflict, match="另一位同事"):
        correct(world, her, now + timedelta(minutes=1), steps={SOCIAL: "high"}, seq=seen)
    assert stands(her, now)[2] == "low"


def test_the_running_year_answers_to_the_class_and_to_its_correction(
    world: World, her: UUID, now: datetime
) -> None:
    residents.amend(world.doctor, her, {"birth_date": date(now.year - 40, 1, 5)}, now)
    contract = signed(world, her, now)
    assert contacts(contract) == 1
    ill(world, her, "慢阻肺", now + timedelta(days=1))
    class_rounds.keep_up(now + timedelta(days=1))
    assert contacts(contract) == 4
    correct(world, her, now + timedelta(days=2), steps={CLASS: "key", SOCIAL: "high"})
    assert contacts(contract) == 12
    assert replanning.everybody(now + timedelta(days=2)) == 0, "everybody's turn says the same"
    classes.uncorrect(world.doctor, her, now + timedelta(days=3))
    assert contacts(contract) == 4
    assert rebuild.differences() == []


def contacts(contract: UUID) -> int:
    """How often a year the running year asks for a contact."""
    rows = Owed.objects.filter(contract=contract, service="contact", withdrawn_on=None)
    return max(one.times for one in rows)


DEEDS = ("ill", "ill", "reading", "alone", "correct", "uncorrect", "later")
NAMES = count()


@settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(some.lists(some.sampled_from(DEEDS), min_size=1, max_size=6))
def test_class_is_a_function_of_facts_and_live_corrections(
    world: World, now: datetime, deeds: list[str]
) -> None:
    """Whatever happened, the row says what the record and the correction in force say; at most one dual track is open."""
    who, at = world.another(f"居民{next(NAMES)}", now - timedelta(days=1)).resident, now
    for number, deed in enumerate(deeds):
        at += timedelta(days=70 if deed == "later" else 1)
        lived(world, who, deed, at, number)
        class_rounds.keep_up(at)
        class_rounds.of_the_day(at)
        row = ClassOf.objects.filter(subject=entries.whose(who).subject).first()
        ruled = classes.of(Record(who), at)
        if row is not None:
            state = class_stream.state_of(row)
            assert [state.step(one, at.date()) for one in TRACKS] == [ruled.step(one) for one in TRACKS]
            assert (row.until is None) == (row.reason == "")
        open_ = Loop.objects.filter(subject=entries.whose(who).subject, kind=DUAL, closed_at=None)
        assert open_.count() <= 1
    assert class_stream.differences() == []


def lived(world: World, who: UUID, deed: str, at: datetime, number: int) -> None:
    try:
        if deed == "ill":
            ill(world, who, ("高血压", "糖尿病", "冠心病")[number % 3], at)
        elif deed == "reading":
            values = {"sbp": 125 + 30 * (number % 3), "dbp": 80}
            observations.record(
                world.nurse, who, kind="bp", values=values, at=at, command_id=f"bp{who}{number}"
            )
        elif deed == "alone":
            residents.amend(world.doctor, who, {"traits": ("living_alone",)}, at)
        elif deed == "correct":
            correct(world, who, at)
        elif deed == "uncorrect":
            classes.uncorrect(world.doctor, who, at)
    except Conflict:
        pass
