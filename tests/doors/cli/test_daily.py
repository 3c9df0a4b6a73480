"""The duties of the day: one that breaks stops neither the others nor the clocks."""

from datetime import datetime, timedelta

import pytest

from yishe.doors.cli.daily import Daily
from yishe.people import packs
from yishe.policy.refusals import Conflict

pytestmark = pytest.mark.django_db


class Counted:
    """A duty that breaks as often as it is told to, with whatever it is told to break with."""

    def __init__(self, *faults: Exception) -> None:
        self.faults, self.times, self.__qualname__ = list(faults), 0, "Counted"

    def __call__(self, at: datetime) -> None:
        self.times += 1
        if self.faults:
            raise self.faults.pop(0)


def test_a_duty_that_breaks_is_tried_again_and_the_others_are_done_once(
    now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, refused, fine = Counted(KeyError("王秀兰")), Counted(Conflict("busy", "正忙")), Counted()
    daily = Daily([broken, refused, fine])
    daily.look(now)
    assert (broken.times, refused.times, fine.times) == (1, 1, 1)
    said = capsys.readouterr()
    assert "没有做成" in said.out + said.err
    assert "王秀兰" not in said.out + said.err

    daily.look(now + timedelta(minutes=1))
    assert broken.times == 1
    again_after = packs.in_force().settings(now.date()).watch.again_after.exact()
    daily.look(now + again_after)
    daily.look(now + 2 * again_after)
    assert (broken.times, refused.times, fine.times) == (2, 1, 1)


def test_the_next_day_everything_is_done_again(now: datetime) -> None:
    fine = Counted()
    daily = Daily([fine])
    for day in range(3):
        daily.look(now + timedelta(days=day))
        daily.look(now + timedelta(days=day, minutes=1))
    assert fine.times == 3
