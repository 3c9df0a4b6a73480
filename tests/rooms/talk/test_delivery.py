"""What was told arrives: under one key, through crashes, and never silently lost."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from yishe.talk import delivery, notices, outbox
from yishe.talk.delivery import Patience
from yishe.talk.models import Outbox
from yishe.trust import ids
from yishe.trust.commit import Bundle

pytestmark = pytest.mark.django_db

HOME, LI, WANG = ids.new(), ids.new(), ids.new()
SECOND = timedelta(seconds=1)
Tell = Callable[..., None]


@pytest.fixture
def tell(now: datetime) -> Tell:
    def say(key: str, person: UUID = LI, **more: object) -> None:
        bundle = Bundle()
        outbox.tell(bundle, home=HOME, person=person, topic="loop.promised", key=key, at=now, **more)  # type: ignore[arg-type]
        bundle.commit()

    return say


def broken(rows: Sequence[Outbox], at: datetime) -> None:
    raise ConnectionError("nobody answers")


def test_the_same_key_told_twice_is_delivered_once(tell: Tell, now: datetime) -> None:
    tell("loop 1 seq 1")
    tell("loop 1 seq 1")
    assert delivery.deliver(now, "w1") == 1
    assert delivery.deliver(now + SECOND, "w1") == 0
    assert notices.unread_count(LI) == 1


def test_what_is_told_about_one_loop_is_one_line_with_a_count_and_the_worst_colour(
    tell: Tell, now: datetime
) -> None:
    loop = ids.new()
    tell("a", loop=loop, urgency="yellow")
    tell("b", loop=loop, urgency="red")
    delivery.deliver(now, "w1")
    tell("c", loop=loop)
    delivery.deliver(now, "w1")
    (line,), more = notices.for_person(LI)
    assert (line.count, line.urgency, more) == (3, "red", None)


def test_after_reading_a_new_message_makes_a_new_line(tell: Tell, now: datetime) -> None:
    loop = ids.new()
    tell("a", loop=loop)
    delivery.deliver(now, "w1")
    assert notices.mark_loop_read(LI, loop, now) == 1
    assert notices.unread_count(LI) == 0
    tell("b", loop=loop)
    delivery.deliver(now + SECOND, "w1")
    lines, _ = notices.for_person(LI)
    assert [line.count for line in lines] == [1, 1]
    assert notices.unread_count(LI) == 1


def test_a_worker_killed_after_claiming_leaves_the_row_to_the_next_when_the_lease_ends(
    tell: Tell, now: datetime
) -> None:
    tell("a")
    assert len(delivery.claim(now, "killed", 10)) == 1
    assert delivery.deliver(now + 59 * SECOND, "w2") == 0
    assert delivery.deliver(now + 60 * SECOND, "w2") == 1
    assert notices.unread_count(LI) == 1


def test_a_worker_that_lost_its_lease_does_not_deliver_again(tell: Tell, now: datetime) -> None:
    tell("a")
    slow = delivery.claim(now, "slow", 10)
    delivery.deliver(now + 60 * SECOND, "w2")
    assert delivery._settle(slow, now + 61 * SECOND, "slow", delivery.CHANNELS["inbox"]) == 0
    assert notices.unread_count(LI) == 1


def test_a_failing_channel_is_tried_again_ever_later_and_then_given_up_in_sight(
    tell: Tell, now: datetime
) -> None:
    tell("a")
    patience = Patience(waits=(5 * SECOND, 30 * SECOND))
    channels = {"inbox": broken}
    assert delivery.deliver(now, "w", channels=channels, patience=patience) == 0
    assert delivery.next_due() == now + 5 * SECOND
    delivery.deliver(now + 5 * SECOND, "w", channels=channels, patience=patience)
    assert delivery.next_due() == now + 35 * SECOND
    delivery.deliver(now + 35 * SECOND, "w", channels=channels, patience=patience)
    (row,) = delivery.dead()
    assert row.last_error == "ConnectionError: nobody answers"
    assert delivery.backlog(now).dead == 1
    assert delivery.revive(now + 40 * SECOND) == 1
    assert delivery.deliver(now + 40 * SECOND, "w") == 1


def test_one_bad_row_does_not_keep_the_others_from_arriving(tell: Tell, now: datetime) -> None:
    def refuses_wang(rows: Sequence[Outbox], at: datetime) -> None:
        if any(row.person == WANG for row in rows):
            raise ValueError("no such desk")
        delivery.CHANNELS["inbox"](rows, at)

    tell("a")
    tell("b", person=WANG)
    tell("c")
    assert delivery.deliver(now, "w", channels={"inbox": refuses_wang}) == 2
    assert (notices.unread_count(LI), notices.unread_count(WANG)) == (1, 0)
    assert delivery.backlog(now + 5 * SECOND).waiting == 1


def test_what_is_only_shown_makes_no_notice(now: datetime) -> None:
    bundle = Bundle()
    outbox.show(bundle, home=HOME, person=LI, topic="loop.accepted", key="a", at=now)
    bundle.commit()
    assert delivery.deliver(now, "w") == 0
    assert notices.unread_count(LI) == 0
