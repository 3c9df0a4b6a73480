"""A life's schedule, under contract or not: 赵护士 records, 李敏 the social worker sees no pregnancy, 钱医生 is a stranger."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_immunizations import child
from tests.rooms.care.world import World

from yishe.care import conditions, entries, lives, observations, pregnancies, rebuild, schedules
from yishe.care.models import Condition, Encounter, Owed
from yishe.care.pregnancies import Once
from yishe.people import residents
from yishe.people.actors import Actor
from yishe.people.cards import cards
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.policy.schedules import Line

__all__ = ["her"]


def stands(placed: Placement, at: datetime) -> dict[str, Line]:
    keyed = entries.keyed(placed)
    known = conditions.standing(keyed, ("disease",))
    card = cards([placed.subject])[placed.subject]
    found = schedules.lines(card, keyed, known, lives.day(at), card.traits)
    return {one.code: one for one in found}


def visited(
    actor: Actor, placed: Placement, visit: str, at: datetime, how: str = "2", command: str = ""
) -> UUID:
    said = {"visit": visit, "how": how, "summary": "母婴平安", "at": at}
    return schedules.record(actor, placed.resident, **said, command_id=command or f"{visit}{at}")  # type: ignore[arg-type]


@pytest.fixture
def baby(world: World, now: datetime) -> Placement:
    """Three days old."""
    return child(world, now, lives.day(now) - timedelta(days=3))


@pytest.fixture
def mother(world: World, now: datetime) -> Placement:
    """孙梅, thirty, under no contract."""
    placed = world.another("孙梅", now - timedelta(days=9))
    residents.amend(
        world.doctor, placed.resident, {"sex": "2", "birth_date": date(1996, 1, 1)}, now - timedelta(days=8)
    )
    return placed


def test_a_newborn_without_a_contract_is_visited_once_and_the_visit_stands_in_the_record(
    world: World, baby: Placement, now: datetime
) -> None:
    assert stands(baby, now)["child.newborn"].state == "due"
    first = visited(world.nurse, baby, "child.newborn", now, command="c")
    assert visited(world.nurse, baby, "child.newborn", now, command="c") == first
    shown = stands(baby, now)["child.newborn"]
    assert (shown.state, shown.on) == ("done", lives.day(now))
    with pytest.raises(Conflict, match="已经做过"):
        visited(world.doctor, baby, "child.newborn", now)
    assert Encounter.objects.count() == 1
    with pytest.raises(Forbidden):
        visited(world.stranger, baby, "child.d28", now)


def test_what_is_not_hers_or_not_of_this_day_is_refused_with_what_can_be_done(
    world: World, baby: Placement, her: UUID, now: datetime
) -> None:
    with pytest.raises(Invalid, match="从 2026-05-27 起"):
        visited(world.nurse, baby, "child.m3", now)
    with pytest.raises(Invalid, match=r"不在这项服务的对象内.*本年首次测血压"):
        visited(world.nurse, world.resident, "child.newborn", now)
    with pytest.raises(Invalid, match="不在这项服务的对象内"):
        visited(world.nurse, baby, "no.such", now)
    with pytest.raises(Invalid, match="要以这些方式做才算数：门诊、上门"):
        visited(world.nurse, baby, "child.newborn", now, how="3")
    assert not Encounter.objects.exists()
    residents.die(world.director, baby.resident, now - timedelta(hours=1))
    with pytest.raises(Conflict, match="已故"):
        visited(world.nurse, baby, "child.newborn", now)


def test_a_pressure_taken_this_year_keeps_the_first_of_the_year(
    world: World, her: UUID, now: datetime
) -> None:
    assert stands(world.resident, now)["adult.bp"].state == "due"
    values = {"sbp": "150", "dbp": "86"}
    observations.record(world.nurse, her, kind="bp", values=values, at=now, command_id="bp")
    assert stands(world.resident, now)["adult.bp"].state == "done"


def test_the_examination_of_65_is_one_promise_whether_the_year_or_the_schedule_records_it(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    visited(world.doctor, world.resident, "elder.exam", now + timedelta(days=1), how="1")
    kept = Owed.objects.get(service="annual_exam")
    assert kept.kept_on == date(2026, 3, 3)
    assert Encounter.objects.count() == 1
    assert stands(world.resident, now + timedelta(days=1))["elder.exam"].on == date(2026, 3, 3)
    assert rebuild.differences() == []


def test_without_a_contract_the_examination_is_recorded_all_the_same(
    world: World, her: UUID, now: datetime
) -> None:
    visited(world.doctor, world.resident, "elder.exam", now, how="1")
    assert stands(world.resident, now)["elder.exam"].state == "done"


def test_a_pregnancy_brings_its_five_checks_a_birth_those_after_it(
    world: World, mother: Placement, now: datetime
) -> None:
    period = lives.day(now) - timedelta(days=120)
    pregnancies.begin(world.doctor, mother.resident, last_period=period, at=now, once=Once("p"))
    assert pregnancies.begin(world.doctor, mother.resident, last_period=period, at=now, once=Once("p"))
    found = stands(mother, now)
    assert {code: one.state for code, one in found.items()} == {
        "pregnancy.w13": "missed", "pregnancy.w16": "due", "pregnancy.w21": "later", "pregnancy.w28": "later",
        "pregnancy.w37": "later",
    }  # fmt: skip
    with pytest.raises(Invalid, match="另一项内容"):
        pregnancies.deliver(world.doctor, mother.resident, on=lives.day(now), at=now, once=Once("p"))
    corrected = period + timedelta(days=40)
    pregnancies.begin(world.doctor, mother.resident, last_period=corrected, at=now, once=Once("q"))
    assert stands(mother, now)["pregnancy.w13"].state == "due"
    visited(world.nurse, mother, "pregnancy.w13", now, how="1")

    later = now + timedelta(days=200)
    pregnancies.deliver(world.doctor, mother.resident, on=lives.day(later), at=later, once=Once("d"))
    pregnancies.deliver(world.doctor, mother.resident, on=lives.day(later), at=later, once=Once("d"))
    week = later + timedelta(days=5)
    assert {code: one.state for code, one in stands(mother, week).items()} == {
        "postpartum.d3": "due", "postpartum.d42": "later",
    }  # fmt: skip


def test_after_a_loss_nothing_counts_from_it_and_nobody_is_reminded(
    world: World, mother: Placement, now: datetime
) -> None:
    day = lives.day(now)
    pregnancies.begin(
        world.doctor, mother.resident, last_period=day - timedelta(days=60), at=now, once=Once("p")
    )
    assert "pregnancy.w13" in stands(mother, now)
    pregnancies.lose(world.doctor, mother.resident, on=day, at=now, once=Once("l"))
    assert stands(mother, now) == {}


def test_impossible_dates_and_persons_are_refused_in_words(
    world: World, mother: Placement, her: UUID, now: datetime
) -> None:
    day = lives.day(now)

    def begin(actor: Actor, who: UUID, days: int, command: str) -> None:
        pregnancies.begin(actor, who, last_period=day - timedelta(days=days), at=now, once=Once(command))

    with pytest.raises(Invalid, match="在将来"):
        begin(world.doctor, mother.resident, -1, "a")
    with pytest.raises(Invalid, match="已满 45 周"):
        begin(world.doctor, mother.resident, 315, "b")
    with pytest.raises(Invalid, match="没有登记性别"):
        begin(world.doctor, her, 60, "c")
    residents.amend(world.doctor, her, {"sex": "1"}, now)
    with pytest.raises(Invalid, match="登记为男性"):
        begin(world.doctor, her, 60, "d")
    with pytest.raises(Conflict, match="没有在记的妊娠"):
        pregnancies.deliver(world.doctor, mother.resident, on=day, at=now, once=Once("e"))
    with pytest.raises(Forbidden):
        begin(world.stranger, mother.resident, 60, "f")
    begin(world.doctor, mother.resident, 60, "g")
    with pytest.raises(Invalid, match="不晚于末次月经"):
        pregnancies.deliver(
            world.doctor, mother.resident, on=day - timedelta(days=60), at=now, once=Once("h")
        )
    assert Condition.objects.count() == 1
