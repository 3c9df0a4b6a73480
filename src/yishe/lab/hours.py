"""When invented people are at work."""

from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from yishe.policy.calendars import Calendar

ZONE = ZoneInfo("Asia/Shanghai")
DAWN, OPENS, CLOSES = time(5, 0), time(8, 10), time(17, 20)
MORNING_RUSH = 150
"""Minutes after opening in which what waited overnight is taken up."""


def local(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZONE)


def at_desk(rng: Random, calendar: Calendar, when: datetime) -> datetime:
    """`when`, or else some time in the next working morning."""
    here = when.astimezone(ZONE)
    if calendar.is_workday(here.date()) and OPENS <= here.time() <= CLOSES:
        return when
    day = here.date()
    if here.time() > CLOSES or not calendar.is_workday(day):
        day += timedelta(days=1)
    while not calendar.is_workday(day):
        day += timedelta(days=1)
    return local(day, OPENS) + timedelta(minutes=rng.randint(0, MORNING_RUSH))


def some_time(rng: Random, day: date) -> datetime:
    """A moment of the working day, more in the morning than after lunch."""
    minutes = int(rng.triangular(0, 540, 120))
    return local(day, OPENS) + timedelta(minutes=minutes, seconds=rng.randint(0, 59))
