"""A medication change is acknowledged in one press, with a code, and needs nobody's confirmation."""

from datetime import datetime

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.care import medications
from yishe.loops import rebuild
from yishe.loops.models import Loop
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust import ledger


@pytest.fixture
def told(world: World, now: datetime) -> Said:
    medications.record(
        world.doctor, world.resident.resident, action="start", drug="氨氯地平", dose="5mg", frequency="每日一次", at=now,
        command_id="m1",
    )  # fmt: skip
    return Said(Loop.objects.get(kind="medication.acknowledgement").id, now)


def test_one_press_accepts_starts_and_ends_it(world: World, told: Said) -> None:
    assert told.row.owner == world.social_worker.staff_id
    assert "complete" in told.allowed(world.social_worker)
    row = told.say(world.social_worker, "complete", outcome="plan_adjusted", command_id="c1")
    assert (row.closed_as, row.outcome, row.confirmed_by) == ("served", "plan_adjusted", "not_needed")
    entries = ledger.entries(told.loop)
    assert [e.kind for e in entries] == ["promised", "accepted", "started", "completed"]
    assert [e.command_id for e in entries][-3:] == [None, None, "c1"]
    assert rebuild.differences() == []


def test_the_same_press_again_changes_nothing(world: World, told: Said) -> None:
    for _ in range(2):
        told.say(world.social_worker, "complete", seq=1, outcome="no_change_needed", command_id="c1")
    assert told.row.seq == 4


def test_it_ends_with_one_of_its_codes_by_the_one_who_was_told(world: World, told: Said) -> None:
    with pytest.raises(Invalid, match="resident_contacted"):
        told.say(world.social_worker, "complete", outcome="O1")
    for other in (world.doctor, world.nurse, world.stranger):
        with pytest.raises(Forbidden):
            told.say(other, "complete", outcome="plan_adjusted")
    assert told.row.seq == 1
