"""What can be done along: 赵护士 and 王医生 theirs, 李敏 hers, 钱医生 nothing; what is done or not soon is not asked for."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.test_followups import HIGH, WELL, whole
from tests.rooms.care.test_immunizations import child
from tests.rooms.care.test_social_case import CASE, MET
from tests.rooms.care.world import World

from yishe.care import assessments, immunizations, occasions
from yishe.care.occasions import Chance
from yishe.care.record import Record
from yishe.people import residents
from yishe.people.actors import SYSTEM, Actor

__all__ = ["her"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def near(who: Actor, whom: UUID, at: datetime) -> dict[tuple[str, str], Chance]:
    return {(one.kind, one.code): one for one in occasions.of(who, Record(whom), at)}


def test_what_is_soon_or_late_is_offered_to_whose_duty_it_is_and_leads_to_its_form(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now, package="support")
    early, soon, late = now + DAY, now + timedelta(days=70), now + timedelta(days=100)
    assert ("followup", "htn") not in near(world.nurse, her, early), "three months are left"
    assert ("followup", "htn") in near(world.nurse, her, soon)
    assert near(world.nurse, her, late)["followup", "htn"].due < late.date()  # type: ignore[operator]
    assert set(near(world.social_worker, her, late)) == {("followup", CASE), ("contact", "social_assessment")}
    assert ("followup", CASE) not in near(world.doctor, her, late)
    assert near(world.stranger, her, late) == {}


def test_done_it_is_not_asked_for_again(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    at = now + timedelta(days=80)
    whole(world.nurse, her, WELL, at)
    assert ("followup", "htn") not in near(world.nurse, her, at + DAY)
    assert ("followup", "elder") in near(world.nurse, her, at + DAY), "the yearly examination is still due"


def test_what_the_last_follow_up_asked_for_is_one_with_what_the_year_asks_for(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    whole(world.nurse, her, HIGH, now)
    again = near(world.nurse, her, now + DAY)["followup", "htn"]
    assert again.due == (now + timedelta(days=14)).date()
    whole(world.social_worker, her, MET, now, CASE)
    hers = near(world.social_worker, her, now + DAY)["followup", CASE]
    assert hers.due == (now + timedelta(days=7)).date()


def test_a_scale_that_was_suggested_is_offered_until_somebody_fills_it(
    world: World, her: UUID, now: datetime
) -> None:
    filled(world.nurse, her, "phq2", {"p1": "2", "p2": "2"}, now)
    offered = near(world.nurse, her, now + DAY)
    assert offered["scale", "phq9"].title == "接着做 PHQ-9"
    row = assessments.start(world.nurse, her, scale="phq9", at=now + DAY, command_id="begun")
    offered = near(world.nurse, her, now + 2 * DAY)
    assert ("scale", "phq9") not in offered
    assert ("draft", str(row.response)) in offered


def test_a_child_is_offered_doses_and_growth(world: World, now: datetime) -> None:
    baby = child(world, now, (now - timedelta(days=400)).date()).resident
    offered = near(world.nurse, baby, now)
    assert ("followup", "child") in offered
    assert ("dose", "MMR") in offered
    immunizations.record(world.nurse, baby, vaccine="MMR", at=now, command_id="mmr")
    assert ("dose", "MMR") not in near(world.nurse, baby, now + DAY)
    hers = near(world.social_worker, baby, now)
    assert set(hers) == {("growth", "growth")}, "the visit is not hers, weighing is"


def test_who_has_gone_is_asked_for_nothing(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    residents.die(SYSTEM, her, now + DAY)
    assert near(world.nurse, her, now + timedelta(days=100)) == {}


def filled(who: Actor, whom: UUID, scale: str, given: dict[str, str], at: datetime) -> None:
    row = assessments.start(who, whom, scale=scale, at=at, command_id=f"s{scale}")
    assessments.answer(who, whom, row.response, given, at=at, command_id=f"a{scale}")
    assessments.submit(who, whom, row.response, at=at, command_id=f"f{scale}")
