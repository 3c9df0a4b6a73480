"""What ends with a person. 孙梅 is forty, pregnant, under contract, with a plan, a corrected class, forms half filled and both
assessments begun; 王医生, 赵护士 and 李敏 answer for her."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.test_immunizations import child
from tests.rooms.care.test_plans import content
from tests.rooms.care.test_schedules import mother, stands
from tests.rooms.care.world import World

from yishe.care import (
    assessments,
    class_rounds,
    class_stream,
    classes,
    conditions,
    departures,
    entries,
    followups,
    forms,
    immunizations,
    lives,
    plan_promises,
    plans,
    pregnancies,
    rebuild,
    renewals,
    replanning,
    schedules,
    year,
)  # fmt: skip
from yishe.care.agreements import Signature
from yishe.care.class_models import ClassDue, ClassOf
from yishe.care.models import Contract, Owed, Plan, PlanPromise, QuestionnaireResponse
from yishe.care.plans import Wish
from yishe.care.pregnancies import Once
from yishe.care.signing import Sides
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.cards import cards
from yishe.people.placements import Placement, placed
from yishe.policy.refusals import Refused
from yishe.trust import verification

__all__ = ["mother"]
CARRIED = {
    "contract.item", "record.ready", "plan.action", "plan.confirmation", "class.review", "assessment.dual_track",
}  # fmt: skip
Going = Callable[[World, UUID, datetime], None]


def dies(world: World, who: UUID, at: datetime) -> None:
    residents.die(world.doctor, who, at)


def moves(world: World, who: UUID, at: datetime) -> None:
    residents.move(world.director, who, at)


def laden(world: World, who: UUID, at: datetime) -> None:
    """Everything that may be open for one resident."""
    residents.amend(world.doctor, who, {"birth_date": date(1986, 1, 1)}, at - timedelta(days=1))
    last = lives.day(at) - timedelta(days=60)
    pregnancies.begin(world.doctor, who, last_period=last, at=at, once=Once("pregnant"), high_risk=True)
    said = {"kind": "disease", "code": "I10", "title": "高血压", "at": at, "command_id": "htn"}
    conditions.record(world.doctor, who, **said)  # type: ignore[arg-type]
    signed(world, who, at, sides=Sides("resident", Signature("孙梅"), Signature("王医生")))
    classes.look(who, at)
    steps, until = {"medical": "high", "social": "high"}, lives.day(at) + timedelta(days=3)
    classes.correct(world.doctor, who, steps, reason="temporary", until=until, at=at)
    plan = plans.write(world.doctor, who, Wish(content(), 0), at)
    plans.confirm(world.social_worker, plan, 1, at)
    plans.write(world.doctor, who, Wish(content(), 1), at)
    plan_promises.open_due(at + timedelta(days=7))
    followups.begin(world.nurse, who, kind="htn", response=uuid4(), at=at, command_id="f")
    begun = assessments.start(world.nurse, who, scale="frail", at=at, command_id="a")
    assessments.answer(world.nurse, who, begun.response, {"fatigue": "1"}, at=at, command_id="a1")


@pytest.mark.parametrize(("goes", "reason", "closes"), [(dies, "death", "dead"), (moves, "moved", "moved")])
def test_nothing_stays_open_for_who_has_gone(
    world: World, mother: Placement, now: datetime, goes: Going, reason: str, closes: str
) -> None:
    who = mother.resident
    laden(world, who, now)
    mine = Loop.objects.filter(subject=mother.subject)
    assert set(mine.filter(closed_at=None).values_list("kind", flat=True)) >= CARRIED
    assert QuestionnaireResponse.objects.filter(status=forms.DRAFT).count() == 3
    assert any(one.state in schedules.OPEN for one in stands(mother, now).values())

    later = now + timedelta(days=8)
    goes(world, who, later)
    told_of = worker.sweep_all(later).subjects
    assert departures.end(later, {world.resident.subject}) == 0
    assert departures.end(later, told_of) > 0

    ended = mine.exclude(kind="contract.application")
    assert not mine.filter(closed_at=None).exists()
    assert set(ended.exclude(closed_as="served").values_list("gone", flat=True)) <= {closes, ""}
    assert [one.end_reason for one in Contract.objects.all()] == [reason]
    assert [one.end_reason for one in Plan.objects.all()] == [reason]
    assert not PlanPromise.objects.filter(dropped=False).exists()
    _nothing_comes_again(world, mother, later)
    assert departures.end(later) == 0
    assert rebuild.differences() == []
    assert verification.verify(rebuild.heads()).broken is None


def _nothing_comes_again(world: World, her: Placement, at: datetime) -> None:
    """A year of rounds opens nothing, reminds of nothing and shows nothing as due."""
    keyed = entries.keyed(her)
    open_ = entries.standing(QuestionnaireResponse, keyed).filter(status=forms.DRAFT)
    assert not open_.exists()
    loops, owed = Loop.objects.count(), Owed.objects.count()
    for days in (1, 40, 120, 350):
        then = at + timedelta(days=days)
        class_rounds.keep_up(then)
        class_rounds.of_the_day(then)
        assert replanning.everybody(then) == 0
        assert year.open_due(then) + plan_promises.open_due(then) + renewals.remind(then) == 0
        lines = stands(placed(her.resident), then).values()
        assert {one.state for one in lines} <= {"done", "done_late", "missed"}
    assert (Loop.objects.count(), Owed.objects.count()) == (loops, owed)
    assert not ClassDue.objects.exists()
    assert ClassOf.objects.get().next_on is None
    assert class_stream.differences() == []
    with pytest.raises(Refused):
        plans.write(world.doctor, her.resident, Wish(content(), 0), at + timedelta(days=1))


def test_a_dead_child_is_asked_for_no_vaccine_and_what_was_given_stays(world: World, now: datetime) -> None:
    baby = child(world, now, lives.day(now) - timedelta(days=70))
    immunizations.record(world.nurse, baby.resident, vaccine="BCG", at=now, command_id="bcg")
    residents.die(world.doctor, baby.resident, now)
    card = cards([baby.subject])[baby.subject]
    rows = immunizations.standing(entries.keyed(placed(baby.resident)))
    states = {one.state for one in immunizations.schedule(card, rows, now + timedelta(days=30))}
    assert "done" in states
    assert states <= {"done", "uncounted", "held", "past"}


def test_a_death_taken_back_leaves_what_was_ended_and_a_new_plan_begins(
    world: World, mother: Placement, now: datetime
) -> None:
    laden(world, mother.resident, now)
    residents.die(world.doctor, mother.resident, now)
    worker.sweep_all(now)
    departures.end(now)
    residents.revive(world.director, mother.resident, now)
    assert departures.end(now + timedelta(hours=1)) == 0
    assert plans.current(mother) is None
    assert plans.write(world.doctor, mother.resident, Wish(content(), 0), now + timedelta(days=1))
    assert Plan.objects.filter(ended_at=None).count() == 1
    assert any(one.state in schedules.OPEN for one in stands(placed(mother.resident), now).values())
