"""What the clock does by itself: reminders, the ladder up, the end of a hold, relief, and nothing twice."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import rebuild, worker
from yishe.loops.models import Loop
from yishe.people import residents, rosters
from yishe.policy.refusals import Conflict
from yishe.talk.models import Outbox
from yishe.trust import ids, ledger

Refer = Callable[..., Said]


def kinds_of(told: Said) -> list[str]:
    return [e.kind for e in ledger.entries(told.loop)]


def told_of(loop: Said, event: str) -> set[object]:
    return set(Outbox.objects.filter(loop=loop.loop, topic=f"loop.{event}").values_list("person", flat=True))


def test_a_silent_owner_is_reminded_at_half_time(world: World, refer: Refer) -> None:
    told = refer()
    moment = told.row.next_at
    assert moment is not None
    assert worker.sweep(moment - timedelta(seconds=1)).looked_at == 0
    assert worker.sweep(moment).events == 1
    assert kinds_of(told) == ["promised", "reminded"]
    assert worker.sweep(moment).looked_at == 0


def test_a_passed_deadline_reaches_the_leader_and_leaves_one_event(world: World, refer: Refer) -> None:
    told = refer()
    late = told.row.due_at
    assert late is not None
    worker.sweep_all(late + timedelta(minutes=1))
    assert kinds_of(told).count("escalated") == 1
    entry = next(e for e in ledger.entries(told.loop) if e.kind == "escalated")
    assert ledger.facts_of(entry)["late"] is True
    assert world.director.staff_id in told_of(told, "escalated") or world.doctor.staff_id in told_of(
        told, "escalated"
    )
    assert told.row.owner == world.social_worker.staff_id


def test_after_long_downtime_one_event_names_the_highest_rung(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    worker.sweep_all(now + timedelta(days=60))
    names = kinds_of(told)
    assert names.count("escalated") <= 3  # accept, first contact, finish: one each
    following = told.row.next_at
    assert following is not None
    assert following > now + timedelta(days=60)
    assert rebuild.differences() == []


def test_a_hold_ends_by_itself_and_moves_no_promise(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    told.say(world.social_worker, "accept")
    promised = told.row.promised_by
    told.say(world.social_worker, "hold", reason="resident_away", until=now + timedelta(days=3))
    assert (told.row.status, told.row.promised_by) == ("on-hold", promised)
    worker.sweep_all(now + timedelta(days=3, minutes=1))
    assert told.row.status == "accepted"


def test_red_is_never_held_and_climbs_in_minutes(world: World, refer: Refer, now: datetime) -> None:
    told = refer("D01")
    told.say(world.social_worker, "accept")
    with pytest.raises(Conflict, match="红色"):
        told.say(world.social_worker, "hold", reason="resident_away", until=now + timedelta(hours=2))
    worker.sweep_all(now + timedelta(hours=1))
    assert "escalated" in kinds_of(told)


def test_an_owner_on_leave_is_relieved_when_the_leave_begins(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    start = now + timedelta(hours=3)
    rosters.take_leave(
        world.director, world.social_worker.staff_id, starts_at=start, ends_at=now + timedelta(days=9), at=now
    )
    worker.sweep_all(now + timedelta(hours=1))
    assert told.row.owner == world.social_worker.staff_id
    worker.sweep_all(start)
    assert told.row.owner != world.social_worker.staff_id
    assert "handed_over" in kinds_of(told)
    assert rebuild.differences() == []


def test_death_ends_what_was_not_served_and_keeps_what_waits_for_confirmation(
    world: World, refer: Refer, now: datetime
) -> None:
    first, second = refer("D12"), refer("D10")
    for verb in ("accept", "start"):
        second.say(world.social_worker, verb)
    second.say(world.social_worker, "complete", outcome="O1", note="已办")
    residents.die(world.doctor, world.resident.resident, now + timedelta(hours=1))
    worker.sweep_all(now + timedelta(hours=2))
    assert (first.row.closed_as, first.row.gone) == ("not_served", "dead")
    assert (second.row.status, second.row.closed_at) == ("completed", None)


def test_a_loop_that_raises_is_held_and_shown_and_the_others_go_on(
    world: World, refer: Refer, now: datetime
) -> None:
    broken, fine = refer("D12"), refer("D10")
    Loop.objects.filter(id=broken.loop).update(pack="no such definition")
    swept = worker.sweep_all(now + timedelta(days=2))
    assert swept.stuck == [broken.loop]
    assert "reminded" in kinds_of(fine)
    Loop.objects.filter(id=broken.loop).update(pack=fine.row.pack)
    worker.sweep_all(now + timedelta(days=4))
    assert len(kinds_of(broken)) > 1


def test_a_confirmation_nobody_gives_is_given_by_the_clock_and_marked_so(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    for verb in ("accept", "start"):
        told.say(world.social_worker, verb)
    told.say(world.social_worker, "complete", outcome="O1", note="已办")
    worker.sweep_all(now + timedelta(days=30))
    assert (told.row.closed_as, told.row.confirmed_by) == ("served", "auto")
    assert ledger.entries(told.loop)[-1].actor == ids.SYSTEM


def test_a_decline_is_never_confirmed_by_the_clock(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    told.say(world.social_worker, "decline", reason="no_capacity")
    worker.sweep_all(now + timedelta(days=30))
    assert told.row.closed_at is None
