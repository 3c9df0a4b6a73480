"""A person reads her own notices, page by page; nobody else's."""

from datetime import datetime, timedelta

import pytest

from yishe.policy.refusals import Invalid, NotFound
from yishe.talk import delivery, notices, outbox
from yishe.trust import ids
from yishe.trust.commit import Bundle

pytestmark = pytest.mark.django_db

HOME, OWNER, COLLEAGUE = ids.new(), ids.new(), ids.new()


@pytest.fixture
def five(now: datetime) -> None:
    for minute in range(5):
        bundle = Bundle()
        at = now + timedelta(minutes=minute)
        outbox.tell(
            bundle, home=HOME, person=OWNER, topic="loop.promised", key=f"k{minute}", at=at, loop=ids.new()
        )
        bundle.commit()
        delivery.deliver(at, "w")


@pytest.mark.usefixtures("five")
def test_pages_hold_every_notice_once_newest_first() -> None:
    first, cursor = notices.for_person(OWNER, limit=2)
    second, cursor = notices.for_person(OWNER, limit=2, cursor=cursor)
    third, end = notices.for_person(OWNER, limit=2, cursor=cursor)
    moments = [line.updated_at for line in (*first, *second, *third)]
    assert moments == sorted(set(moments), reverse=True)
    assert (len(moments), end) == (5, None)


@pytest.mark.usefixtures("five")
def test_a_colleague_sees_none_and_may_mark_none(now: datetime) -> None:
    (line, *_), _ = notices.for_person(OWNER)
    assert notices.for_person(COLLEAGUE) == ([], None)
    with pytest.raises(NotFound):
        notices.mark_read(COLLEAGUE, line.id, now)
    assert notices.mark_read(COLLEAGUE, None, now) == 0
    assert notices.unread_count(OWNER) == 5


@pytest.mark.usefixtures("five")
def test_the_owner_marks_one_and_then_all(now: datetime) -> None:
    (line, *_), _ = notices.for_person(OWNER)
    assert notices.mark_read(OWNER, line.id, now) == 1
    assert notices.mark_read(OWNER, line.id, now) == 0
    assert notices.mark_read(OWNER, None, now) == 4


@pytest.mark.parametrize("forged", ["x", "0", "AAAA", "!" * 32, "é", "/" * 32])
def test_a_forged_cursor_is_refused(forged: str) -> None:
    with pytest.raises(Invalid):
        notices.for_person(OWNER, cursor=forged)
