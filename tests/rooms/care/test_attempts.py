"""Somebody who is not reached. 王医生, 赵护士 and 李敏 are of her team, 钱医生 is a stranger."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tests.rooms.care.test_contracts import her, signed
from tests.rooms.care.world import World

from yishe.care import attempts, contracts, encounters, rebuild, year
from yishe.care.attempts import Told
from yishe.care.contract_stream import Once
from yishe.care.models import Attempt, Contract
from yishe.insight import copies
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import Actor
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import ledger, verification
from yishe.trust.models import AccessLine, Entry

__all__ = ["her"]
VISIT = "contract.visit"


def tried(
    by: Actor, who: UUID, at: datetime, outcome: str = "no_answer", way: str = "3", **more: object
) -> Attempt:
    return attempts.record(by, who, Told(way, outcome, **more), at, Once(uuid4().hex))  # type: ignore[arg-type]


def in_vain(world: World, who: UUID, first: datetime) -> datetime:
    """Three calls on three days, at two parts of the day; returns when the last was."""
    for days, hours in ((0, 0), (1, 6), (2, 0)):
        last = first + timedelta(days=days, hours=hours)
        tried(world.nurse, who, last)
    return last


def test_calls_in_vain_promise_one_visit_to_her_team_and_the_visit_lets_the_contract_end(
    world: World, her: UUID, now: datetime
) -> None:
    contract = signed(world, her, now)
    with pytest.raises(Conflict, match="还要打 3 次电话"):
        contracts.end(world.doctor, contract, reason="lost", at=now)
    last = in_vain(world, her, now + timedelta(days=1))

    (visit,) = Loop.objects.filter(kind=VISIT)
    assert (visit.performer, visit.closed_at) == (world.nurse.staff_id, None)
    assert visit.id == Attempt.objects.get(tried_at=last).visit
    tried(world.doctor, her, last + timedelta(hours=1))
    assert Loop.objects.filter(kind=VISIT).count() == 1
    with pytest.raises(Conflict, match="还不能以失联结束：还没有上门找过"):
        contracts.end(world.doctor, contract, reason="lost", at=last)

    tried(world.doctor, her, last + timedelta(days=1), way="2", note="邻居说去女儿家了")
    visit.refresh_from_db()
    assert (visit.outcome, visit.closed_as) == ("missed", "served")
    contracts.end(world.doctor, contract, reason="lost", at=last + timedelta(days=2))
    assert Contract.objects.get(id=contract).end_reason == "lost"
    assert {one.close_reason for one in Loop.objects.filter(kind="contract.item")} == {"C5"}
    assert rebuild.differences() == []
    assert verification.verify(rebuild.heads()).broken is None


def test_whoever_answers_or_is_met_begins_the_series_anew(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    last = in_vain(world, her, now + timedelta(days=1))
    rule = attempts.required()
    assert attempts.standing(world.resident, rule).called == last

    kept = year.keep(
        world.nurse,
        her,
        services=["contact"],
        how="3",
        summary="打通了",
        at=last + timedelta(hours=2),
        command_id="k",
    )
    assert [one.service for one in kept] == ["contact"]
    assert Loop.objects.get(kind=VISIT).outcome == "found"
    assert attempts.series(world.resident) == []

    again = in_vain(world, her, last + timedelta(days=3))
    assert Loop.objects.filter(kind=VISIT, closed_at=None).count() == 1
    tried(world.social_worker, her, again + timedelta(hours=1), "answered")
    assert not Loop.objects.filter(kind=VISIT, closed_at=None).exists()
    assert attempts.standing(world.resident, rule).times == 0
    assert Attempt.objects.count() == 7
    assert rebuild.differences() == []


def test_a_walk_in_ends_the_series_too(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    tried(world.nurse, her, now + timedelta(days=1))
    assert len(attempts.series(world.resident)) == 1
    encounters.record(
        world.doctor, her, kind="1", summary="来取药", at=now + timedelta(days=2), command_id="w"
    )
    assert attempts.series(world.resident) == []


def test_counted_over_her_contracts_and_the_visit_falls_with_the_contract(
    world: World, her: UUID, now: datetime
) -> None:
    first = signed(world, her, now)
    tried(world.nurse, her, now + timedelta(days=1))
    contracts.end(world.doctor, first, reason="asked", at=now + timedelta(days=1, hours=1))
    second = signed(world, her, now + timedelta(days=1, hours=2))
    tried(world.nurse, her, now + timedelta(days=2, hours=6))
    made = tried(world.nurse, her, now + timedelta(days=3))
    assert made.visit is not None
    contracts.end(world.doctor, second, reason="asked", at=now + timedelta(days=4))
    visit = Loop.objects.get(id=made.visit)
    assert (visit.closed_as, visit.close_reason) == ("not_served", "C4")


def test_the_same_command_twice_is_one_attempt(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    first, again = (
        attempts.record(world.nurse, her, Told("3", "no_answer"), now, Once("a", b"d" * 32)) for _ in range(2)
    )
    assert first.id == again.id
    with pytest.raises(Invalid, match="另一个请求"):
        attempts.record(world.nurse, her, Told("3", "answered"), now, Once("a", b"e" * 32))
    assert (Attempt.objects.count(), AccessLine.objects.filter(action="contract.attempt").count()) == (1, 1)


def test_what_is_said_stands_sealed_and_a_stranger_records_nothing(
    world: World, her: UUID, now: datetime
) -> None:
    signed(world, her, now)
    one = tried(world.nurse, her, now, note="儿子接的")
    entry = Entry.objects.get(kind="contract.attempted")
    assert "儿子" not in str(ledger.facts_of(entry))
    assert attempts.notes([one]) == {one.id: "儿子接的"}
    for stranger in (world.stranger, world.director):
        with pytest.raises(Forbidden):
            tried(stranger, her, now)


@pytest.mark.parametrize(
    ("way", "outcome", "more", "words"),
    [
        ("1", "no_answer", {}, "电话、线上、上门"),
        ("3", "engaged", {}, "联系上了、没有联系上、号码不对"),
        ("3", "call_back", {}, "什么时候再打"),
        ("3", "call_back", {"again_at": datetime(2026, 1, 1, tzinfo=UTC)}, "晚于这次联系"),
        ("3", "no_answer", {"again_at": datetime(2027, 1, 1, tzinfo=UTC)}, "不用写"),
        ("3", "no_answer", {"tried_at": datetime(2027, 1, 1, tzinfo=UTC)}, "将来"),
    ],
)
def test_what_cannot_be_says_what_can(
    world: World, her: UUID, now: datetime, way: str, outcome: str, more: dict[str, object], words: str
) -> None:
    signed(world, her, now)
    with pytest.raises(Invalid, match=words):
        tried(world.nurse, her, now, outcome, way, **more)


def test_nobody_is_tried_without_a_contract_or_after_death(world: World, her: UUID, now: datetime) -> None:
    with pytest.raises(Conflict, match="没有生效的签约"):
        tried(world.nurse, her, now)
    signed(world, her, now)
    residents.die(world.doctor, her, now)
    with pytest.raises(Conflict, match="已登记去世"):
        tried(world.nurse, her, now + timedelta(hours=1))


def test_she_finds_the_attempts_in_her_copy(world: World, her: UUID, now: datetime) -> None:
    signed(world, her, now)
    tried(world.nurse, her, now, note="儿子接的")
    tried(world.doctor, her, now + timedelta(hours=1))
    (contract,) = copies.whole(world.resident, now + timedelta(hours=2))["contracts"]
    assert [(one["outcome"], one["note"]) for one in contract["attempts"]] == [
        ("没有联系上", "儿子接的"), ("没有联系上", ""),
    ]  # fmt: skip
    assert "note" not in contract["words"]
