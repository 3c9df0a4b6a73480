"""Open screens are told once, in order, whatever the order of commits."""

from datetime import datetime
from uuid import UUID

import pytest

from yishe.talk import delivery, live, outbox
from yishe.talk.models import Outbox
from yishe.trust import ids
from yishe.trust.commit import Bundle

pytestmark = pytest.mark.django_db

HOME, LI, WANG = ids.new(), ids.new(), ids.new()


def told(now: datetime, key: str, person: UUID = LI, topic: str = "loop.promised") -> int:
    bundle = Bundle()
    outbox.show(bundle, home=HOME, person=person, topic=topic, key=key, at=now)
    bundle.commit()
    return live.newest()


def test_a_person_who_comes_back_is_given_only_what_she_missed(now: datetime) -> None:
    seen = told(now, "a")
    told(now, "b", person=WANG)
    missed = told(now, "c")
    assert [row.id for row in live.since(LI, seen)] == [missed]


def test_a_tail_reads_every_row_once(now: datetime) -> None:
    tail = live.Tail(told(now, "before"))
    first = told(now, "a")
    assert [row.id for row in tail.read()] == [first]
    assert list(tail.read()) == []
    assert tail.safe == first


def test_a_row_that_commits_late_is_still_read_and_until_then_nobody_resumes_behind_it(now: datetime) -> None:
    tail = live.Tail(told(now, "a"))
    late = Outbox.objects.get(id=told(now, "late"))
    Outbox.objects.filter(id=late.id).delete()
    last = told(now, "b")
    if last <= late.id:  # SQLite hands the freed id out again
        Outbox.objects.filter(id=last).update(id=late.id + 1)
        last = late.id + 1
    assert [row.id for row in tail.read()] == [last]
    assert tail.safe == late.id - 1
    late.save(force_insert=True)
    assert [row.id for row in tail.read()] == [late.id]
    assert tail.safe == last


def test_an_id_that_never_comes_is_given_up(now: datetime) -> None:
    tail = live.Tail(last=10, gaps={7: 0})
    for _ in range(live.PATIENCE_READS + 1):
        tail.read()
    assert tail.safe == 10


@pytest.mark.parametrize(
    ("topic", "event"),
    [
        ("loop.promised", "loop"),
        ("timeline.medication", "timeline"),
        ("notice", "notice"),
        ("noticeboard", "loop"),
    ],
)
def test_topics_become_three_events(topic: str, event: str) -> None:
    assert live.event_of(Outbox(topic=topic)) == event


def test_delivery_wakes_the_reader_screen_with_a_notice(now: datetime) -> None:
    bundle = Bundle()
    outbox.tell(bundle, home=HOME, person=LI, topic="loop.promised", key="a", at=now)
    bundle.commit()
    before = live.newest()
    delivery.deliver(now, "w")
    assert [live.event_of(row) for row in live.since(LI, before)] == ["notice"]


def test_the_bell_does_not_wear_out_the_patience(now: datetime) -> None:
    """However often it rings, a row that commits late is waited for as long as ever."""
    tail = live.Tail(last=10, gaps={7: 0})
    for _ in range(live.PATIENCE_READS + 1):
        tail.read(rung=True)
    assert tail.safe == 6


def test_an_empty_outbox_waits_for_nothing_before_its_first_row(now: datetime) -> None:
    told(now, "a")
    Outbox.objects.all().delete()
    tail = live.Tail(live.newest())
    first = told(now, "b")
    assert [row.id for row in tail.read()] == [first]
    assert tail.safe == first
