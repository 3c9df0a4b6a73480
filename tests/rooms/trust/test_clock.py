"""Time is read in one place; it moves only in a demo, and only forward."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import clock
from yishe.trust.models import Instance

SECOND = timedelta(seconds=1)


def real() -> datetime:
    return datetime.now(UTC)


def test_a_real_database_has_real_time_and_refuses_to_move_it(db: None) -> None:
    assert abs(clock.now() - real()) < SECOND
    with pytest.raises(Forbidden) as refused:
        clock.move_to(real() + timedelta(days=1))
    assert refused.value.code == "not_demo"
    assert abs(clock.now() - real()) < SECOND


def test_the_database_itself_refuses_an_offset_where_there_is_no_demo(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Instance.objects.filter(id=1).update(clock_offset=1)


def test_a_demo_moves_forward_and_stays_there(db: None) -> None:
    clock.mark_demo()
    ahead = real() + timedelta(days=30)
    assert abs(clock.move_to(ahead) - ahead) < SECOND
    clock.forget()
    assert abs(clock.now() - ahead) < 2 * SECOND


def test_the_same_moment_said_again_moves_nothing(db: None) -> None:
    clock.mark_demo()
    ahead = real() + timedelta(days=30)
    first = clock.move_to(ahead)
    assert first <= clock.move_to(ahead) < ahead + timedelta(minutes=1)


def test_a_demo_never_moves_back(db: None) -> None:
    clock.mark_demo()
    clock.move_to(real() + timedelta(days=30))
    with pytest.raises(Conflict) as refused:
        clock.move_to(real() + timedelta(days=29))
    assert refused.value.code == "clock_backwards"
    assert clock.now() > real() + timedelta(days=29)


def test_a_demo_stays_a_demo(db: None) -> None:
    clock.mark_demo()
    clock.move_to(real() + timedelta(days=30))
    with pytest.raises(IntegrityError), transaction.atomic():
        Instance.objects.filter(id=1).update(demo=False)
