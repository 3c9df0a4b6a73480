"""The year kept: in time, late, twice, by somebody else; each promise once, and always a next one."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.world import World

from yishe.care import contracts, rebuild, year
from yishe.care.models import Contract, Encounter, Owed
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people.actors import Actor
from yishe.policy.refusals import Conflict, Forbidden, Invalid, Refused

__all__ = ["her"]


def keep(
    actor: Actor, who: UUID, services: list[str], at: datetime, how: str = "1", command: str = ""
) -> list[Owed]:
    said = {"services": services, "how": how, "summary": "血压 136/82", "at": at}
    return year.keep(actor, who, **said, command_id=command or f"{at}{services}")  # type: ignore[arg-type]


def test_one_contact_keeps_every_promise_it_fits(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    kept = keep(world.nurse, her, ["htn_followup"], now + timedelta(days=7))

    assert sorted((one.service, one.nth) for one in kept) == [("contact", 1), ("htn_followup", 1)]
    loops = Loop.objects.filter(id__in=[one.loop for one in kept])
    assert {(one.closed_as, one.outcome) for one in loops} == {("served", "kept")}
    assert Encounter.objects.count() == 1
    assert rebuild.differences() == []


def test_somebody_else_than_the_performer_keeps_it_and_the_story_names_him(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    (kept,) = keep(world.doctor, her, ["htn_followup"], now + timedelta(days=1))[:1]
    assert Loop.objects.get(id=kept.loop).performer == world.doctor.staff_id
    with pytest.raises(Forbidden):
        keep(world.stranger, her, ["review"], now + timedelta(days=1))


def test_the_same_command_twice_is_one_contact(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    at = now + timedelta(days=2)
    first = keep(world.nurse, her, ["htn_followup"], at, command="c")
    assert keep(world.nurse, her, ["htn_followup"], at, command="c") == first
    assert Encounter.objects.count() == 1


def test_a_second_in_the_same_quarter_is_not_the_next_and_says_from_when_on(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    keep(world.nurse, her, ["htn_followup"], now + timedelta(days=1))
    with pytest.raises(Conflict, match="下一次从 2026-06-01 起算"):
        keep(world.nurse, her, ["htn_followup"], now + timedelta(days=2))
    with pytest.raises(Conflict, match="没有“糖尿病随访”"):
        keep(world.nurse, her, ["dm_followup"], now + timedelta(days=2))
    assert Encounter.objects.count() == 1


def test_a_call_does_not_count_where_only_seeing_does(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    with pytest.raises(Invalid, match="门诊、上门"):
        keep(world.nurse, her, ["htn_followup"], now, how="3")
    with pytest.raises(Invalid, match="请勾选"):
        keep(world.nurse, her, [], now)
    kept = keep(world.nurse, her, ["contact"], now, how="3")
    assert [one.service for one in kept] == ["contact"]


def test_what_was_missed_is_done_late_and_does_not_take_the_present_quarter(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    second = now + timedelta(days=100)
    assert year.open_due(second) == 1
    worker.sweep_all(second)

    (one,) = [one for one in keep(world.nurse, her, ["htn_followup"], second) if one.service != "contact"]
    (late,) = keep(world.nurse, her, ["htn_followup"], second + timedelta(days=1))

    assert (one.nth, late.nth) == (2, 1)
    assert late.kept_on is not None
    assert late.kept_on > late.due
    assert Loop.objects.get(id=late.loop).closed_as == "served"


def test_before_signing_and_after_the_end_nothing_is_owed(world: World, her: UUID, now: datetime) -> None:
    with pytest.raises(Conflict, match="没有生效的签约"):
        keep(world.nurse, her, ["review"], now)
    contract = signed(world, her, now)
    contracts.end(world.doctor, contract, reason="asked", at=now + timedelta(days=1))
    with pytest.raises(Conflict, match="没有生效的签约"):
        keep(world.nurse, her, ["review"], now + timedelta(days=1))
    assert year.open_due(now + timedelta(days=200)) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_in_any_history_each_promise_is_owed_once_and_there_is_always_a_next(
    world: World, her: UUID, now: datetime, seed: int
) -> None:
    chance, at = random.Random(seed), now
    signed(world, her, at)
    for step in range(16):
        at += timedelta(days=chance.randint(5, 60))
        year.open_due(at)
        deed = chance.choice(["keep"] * 6 + ["twice", "twice", "nothing", "end", "renew"])
        try:
            if deed == "end":
                contracts.end(world.doctor, Contract.objects.latest("applied_at").id, reason="asked", at=at)
            elif deed in ("keep", "twice"):
                actor = chance.choice([world.nurse, world.doctor])
                for time in range(1 + (deed == "twice")):
                    wanted = [chance.choice(["htn_followup", "htn_followup", "review", "annual_exam"])]
                    keep(actor, her, wanted, at, command=f"{seed}{step}{time}")
            if deed in ("end", "renew"):
                signed(world, her, at)
        except Refused:
            pass
        _holds(at)
    assert Owed.objects.exclude(kept_on=None).count() > 4


def _holds(at: datetime) -> None:
    today = at.date()
    for row in Contract.objects.exclude(signed_at=None):
        mine = list(row.owed.all())
        assert len({(one.service, one.nth) for one in mine}) == len(mine)
        assert sorted(one.nth for one in mine if one.service == "htn_followup") == [1, 2, 3, 4]
        active = row.ended_at is None and row.since <= today < row.until  # type: ignore[operator]
        for one in mine if active else ():
            owed_by_loop = Loop.objects.filter(id=one.loop).count() if one.loop else 0
            assert owed_by_loop == (one.starts <= today or one.kept_on is not None)
        if active:
            assert any(one.kept_on is None and one.ends >= today for one in mine)
    assert not [one for one in Owed.objects.exclude(kept_on=None) if one.kept_on < one.starts]  # type: ignore[operator]
    assert rebuild.differences() == []
