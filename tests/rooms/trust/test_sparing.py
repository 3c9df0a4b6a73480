"""One act among many that breaks hinders no other; a database that is away, a refusal and a lost race are not swallowed."""

from datetime import datetime
from functools import partial

import pytest
from django.db import OperationalError

from yishe.loops.models import Tracking
from yishe.policy.refusals import Conflict
from yishe.trust import batch, ids
from yishe.trust.commit import Bundle, Stale
from yishe.trust.sparing import sparing

pytestmark = pytest.mark.django_db
MANY, BROKEN = 6, 3


@pytest.mark.parametrize("answer", [Conflict("busy", "正忙"), Stale("x"), OperationalError("away")])
def test_what_is_an_answer_goes_to_the_caller(answer: Exception) -> None:
    with pytest.raises(type(answer)), sparing("it"):
        raise answer


def test_a_fault_is_told_without_a_word_about_anybody(caplog: pytest.LogCaptureFixture) -> None:
    with sparing("one year") as tried:
        raise KeyError("王秀兰")
    assert isinstance(tried.fault, KeyError)
    (line,) = caplog.records
    assert line.getMessage() == "one year broke and is left for the next time"


def test_the_others_of_a_part_are_written(now: datetime) -> None:
    def follow(bundle: Bundle, number: int) -> bool:
        if number == BROKEN:
            raise KeyError(number)
        bundle.insert(Tracking, id=ids.new(), loop=ids.new(), person=ids.new(), since=now)
        return True

    said = batch.together(range(MANY), lambda part: [partial(follow, number=one) for one in part])
    assert said == Tracking.objects.count() == MANY - 1
