"""Clocks that are taken together do what each would have done alone; a lost race or a broken one hinders no other."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import moving, rebuild, worker
from yishe.loops.models import Loop, Timetable
from yishe.people import residents
from yishe.people.models import AccessFact
from yishe.policy.loop_decisions import Step
from yishe.talk.models import Outbox
from yishe.trust import ledger
from yishe.trust.models import Entry

Refer = Callable[..., Said]
REASONS = ("D01", "D10", "D11", "D12", "D13", "D14", "D15", "D16")


def written() -> Counter[Any]:
    """All that stands of loops, but for numbers that are drawn anew."""
    entries = Entry.objects.values_list("stream", "seq", "kind", "command_id", "data", "recorded_at", "hash")
    told = Outbox.objects.values_list("key", "person", "topic", "channel", "urgency", "delivered_at")
    data = [(key, ledger.canonical(said)) for key, said in Outbox.objects.values_list("key", "data")]
    rows = [ledger.canonical({k: str(v) for k, v in row.items()}) for row in Loop.objects.values()]
    facts = AccessFact.objects.values_list("person", "subject", "source", "until")
    kept = [(*row[:6], bytes(row[6])) for row in entries]
    return Counter([*kept, *told, *data, *rows, *facts])


def some(world: World, refer: Refer, now: datetime) -> list[Said]:
    """One in each state that a clock does something to."""
    asked = [refer(reason) for reason in REASONS]
    for one in asked[1:5]:
        one.say(world.social_worker, "accept")
    asked[2].say(world.social_worker, "hold", reason="resident_away", until=now + timedelta(days=3))
    asked[3].say(world.social_worker, "start")
    asked[3].say(world.social_worker, "complete", outcome="O1", note="已办")
    asked[5].say(world.social_worker, "decline", reason="no_capacity")
    return asked


def test_what_is_swept_together_is_what_is_swept_one_by_one(
    world: World, refer: Refer, now: datetime
) -> None:
    some(world, refer, now)
    residents.die(world.doctor, world.resident.resident, now + timedelta(days=20))
    before = transaction.savepoint()
    for days in (2, 9, 21):
        worker.sweep_all(now + timedelta(days=days), 100)
    together = written()
    assert rebuild.differences() == []
    transaction.savepoint_rollback(before)
    for days in (2, 9, 21):
        worker.sweep_all(now + timedelta(days=days), 1)
    assert written() == together


def test_one_that_somebody_acted_on_meanwhile_is_read_anew_and_hinders_no_other(
    world: World, refer: Refer, now: datetime
) -> None:
    quick, slow = refer("D12"), refer("D10")
    seen = moving.read("l.id IN (%s, %s) ORDER BY l.id", [quick.loop, slow.loop])
    quick.say(world.social_worker, "accept")

    def judge(one: moving.Seen, at: datetime) -> list[Step]:
        return [Step("noted", {"last_at": at}, {"state": one.track.state.state})]

    moved = moving.move(seen, now, judge, lambda track: f"proof:{track.state.id}")
    assert moved.events == 2
    last = {one.loop: ledger.facts_of(ledger.entries(one.loop)[-1])["state"] for one in (quick, slow)}
    assert last == {quick.loop: "accepted", slow.loop: "requested"}
    assert rebuild.differences() == []


def test_what_was_written_under_its_name_already_is_not_written_again(
    world: World, refer: Refer, now: datetime
) -> None:
    """As when a second worker decided on the same state."""
    told, other = refer("D12"), refer("D10")
    moment = max(one.row.next_at for one in (told, other) if one.row.next_at)
    seen = moving.read("l.id IN (%s, %s) ORDER BY l.id", [told.loop, other.loop])
    worker.sweep(moment)
    before = written()
    again = moving.move(
        seen,
        moment,
        lambda one, at: [Step("noted", {"last_at": at})],
        lambda track: f"clock:{track.state.id}:1",
    )
    assert again.events == 0
    assert written() == before


def test_how_far_a_retiming_came_is_written_with_what_it_retimed(
    world: World, refer: Refer, now: datetime
) -> None:
    loops = sorted(refer(reason).loop for reason in REASONS[:3])
    assert worker.sweep(now, limit=2).retimed == 2
    assert Timetable.objects.get().reached == loops[1]
    assert worker.sweep(now, limit=2).retimed == 1
    assert worker.sweep(now, limit=2).retimed == 0
