"""催一下: who waits may ask the owner to move, once a day; it is a marked note and told to the owner alone."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import nudges, reading
from yishe.policy.refusals import Conflict, Forbidden
from yishe.talk import outbox
from yishe.talk.models import Outbox

pytestmark = pytest.mark.django_db
Refer = Callable[..., Said]
HOUR = timedelta(hours=1)


def told(loop: Said) -> set[str]:
    """Who was told of an asking, as notices."""
    rows = Outbox.objects.filter(loop=loop.loop, channel=outbox.INBOX, data__event="nudged")
    return {str(row.person) for row in rows}


def test_the_sender_asks_and_only_the_owner_is_told(world: World, refer: Refer) -> None:
    loop = refer()
    row = loop.say(world.doctor, "note", reason="nudge")
    assert (row.state, row.owner) == ("requested", world.social_worker.staff_id)
    assert told(loop) == {str(world.social_worker.staff_id)}
    last = reading.detail(world.doctor, loop.loop, loop.at).entries[-1]
    assert (last.kind, dict(last.data)) == ("noted", {"reason": "nudge"})


def test_an_asking_moves_no_clock(world: World, refer: Refer) -> None:
    loop = refer()
    before = loop.row
    after = loop.say(world.doctor, "note", reason="nudge", at=loop.at + HOUR)
    assert (after.due_at, after.next_at, after.promised_by) == (
        before.due_at,
        before.next_at,
        before.promised_by,
    )


def test_a_second_asking_of_the_day_is_refused_and_says_from_when_on(world: World, refer: Refer) -> None:
    loop = refer()
    loop.say(world.doctor, "note", reason="nudge")
    for actor in (world.doctor, world.director):
        with pytest.raises(
            Conflict, match=r"24 小时内只催一次：\d{4}-\d\d-\d\d \d\d:\d\d 起可以再催"
        ) as refused:
            loop.say(actor, "note", reason="nudge", at=loop.at + 23 * HOUR)
        assert refused.value.extra["again"] == (loop.at + 24 * HOUR).isoformat()
    loop.say(world.doctor, "note", reason="nudge", at=loop.at + 24 * HOUR)


def test_the_same_press_arriving_twice_asks_once(world: World, refer: Refer) -> None:
    loop = refer()
    first = loop.say(world.doctor, "note", reason="nudge", command_id="n1", seq=1)
    again = loop.say(world.doctor, "note", reason="nudge", command_id="n1", seq=1)
    assert first.seq == again.seq == 2


def test_nobody_asks_himself(world: World, refer: Refer) -> None:
    with pytest.raises(Conflict, match="现在轮到您自己"):
        refer().say(world.social_worker, "note", reason="nudge")


def test_what_is_closed_needs_no_asking(world: World, refer: Refer) -> None:
    loop = refer()
    loop.say(world.doctor, "cancel", reason="withdrawn")
    with pytest.raises(Conflict, match="已经结束"):
        loop.say(world.director, "note", reason="nudge")


def test_colleagues_and_strangers_do_not_ask(world: World, refer: Refer) -> None:
    loop = refer()
    for actor in (world.nurse, world.stranger):
        with pytest.raises(Forbidden):
            loop.say(actor, "note", reason="nudge")


def test_a_list_knows_which_were_asked_today(world: World, refer: Refer, now: datetime) -> None:
    asked, other = refer(), refer("D16")
    asked.say(world.doctor, "note", reason="nudge")
    other.say(world.doctor, "note", note="已电话提醒")
    states = reading.waiting(world.doctor).items
    assert nudges.resting(states, world.doctor.staff_id, now + HOUR) == {asked.loop: now}
    assert nudges.resting(states, world.doctor.staff_id, now + 25 * HOUR) == {}
