"""Working time in China: which days are worked, which hours, and what `2 workdays` from now means.

Wall time is plain elapsed time. Working time runs only within the opening hours of workdays, so N workdays are
N times one day's working seconds: from Wednesday 09:12, three workdays end on Monday 09:12; begun after closing,
they count from the next opening and end at a closing. Everything is decided in `zone` and answered in UTC.
A year whose holidays nobody has announced yet falls back to plain weekdays, and `incomplete` says so.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from .durations import Duration

Clock = Literal["wall", "working"]
Span = tuple[datetime, datetime]
SATURDAY = 5
Room = tuple[datetime, datetime, float]
FAR = 11  # years: no clock looks further than about ten
NEAR = 3700  # days: the next workday is nearer


@dataclass(frozen=True)
class Hours:
    """Opening hours of a workday from `since` on: spans of local time, in order, not overlapping."""

    since: date
    spans: tuple[tuple[time, time], ...]

    @property
    def seconds(self) -> int:
        return sum(_clock_seconds(end) - _clock_seconds(start) for start, end in self.spans)


@dataclass(frozen=True)
class Calendar:
    """`holidays`: days off with their name; `makeup`: weekend days worked instead; `years`: those announced."""

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    holidays: Mapping[date, str]
    makeup: frozenset[date]
    years: frozenset[int] = field(default_factory=frozenset)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that decides when a clock is due: the same table, the same digest."""
        hours = [[str(h.since), [[str(opens), str(closes)] for opens, closes in h.spans]] for h in self.hours]
        days = [sorted(str(day) for day in group) for group in (self.holidays, self.makeup)]
        text = json.dumps([self.zone.key, hours, days])
        return hashlib.sha256(text.encode()).hexdigest()

    def is_workday(self, day: date) -> bool:
        if day in self.holidays:
            return False
        return day.weekday() < SATURDAY or day in self.makeup

    def incomplete(self, year: int) -> bool:
        """True when the year's holidays are not known: workdays are then plain Monday to Friday."""
        return year not in self.years

    def holiday(self, day: date) -> str | None:
        """Name of the holiday on this day, if it is one."""
        return self.holidays.get(day)

    def work_seconds(self, day: date) -> int:
        """Working seconds of one workday under the hours in force on `day`."""
        return self._hours(day).seconds

    def add(self, start: datetime, length: Duration, clock: Clock, share: float = 1.0) -> datetime:
        """The moment when `share` of `length` has run since `start` (aware). Answers UTC.

        Raises ValueError for workdays on the wall clock, or days and weeks on the working clock.
        """
        if clock == "wall":
            return start.astimezone(UTC) + length.exact() * share
        return self._run(start, self._working_seconds(start, length) * share)

    def elapsed(self, start: datetime, at: datetime, clock: Clock) -> float:
        """Seconds of that clock between the two moments; 0 when `at` is not after `start`."""
        if at <= start:
            return 0.0
        if clock == "wall":
            return (at - start).total_seconds()
        total, day = 0.0, start.astimezone(self.zone).date()
        last = at.astimezone(self.zone).date()
        while day <= last:
            for opens, closes in self._open(day):
                total += max(0.0, (min(closes, at) - max(opens, start)).total_seconds())
            day += timedelta(days=1)
        return total

    def advance(self, start: datetime, seconds: float, clock: Clock) -> datetime:
        """The moment when that clock has run `seconds` since `start`: for clocks that were paused."""
        if clock == "wall":
            return start.astimezone(UTC) + timedelta(seconds=seconds)
        return self._run(start, seconds)

    def next_workday(self, day: date) -> date:
        """The first workday on or after `day` (a last day that falls on a holiday moves on)."""
        for step in range(NEAR):
            if self.is_workday(day + timedelta(days=step)):
                return day + timedelta(days=step)
        raise ValueError(f"no workday within ten years of {day}")

    def _working_seconds(self, start: datetime, length: Duration) -> float:
        if length.unit == "workday":
            return float(length.amount * self.work_seconds(start.astimezone(self.zone).date()))
        if length.unit in ("min", "h"):
            return length.exact().total_seconds()
        raise ValueError(f"{length} on the working clock; expected minutes, hours or workdays")

    def _run(self, start: datetime, seconds: float) -> datetime:
        left = seconds
        for opens, closes, whole in self._from(start):
            begun = opens < start
            room = (closes - start).total_seconds() if begun else whole
            if left <= room:
                return (start if begun else opens) + timedelta(seconds=left)
            left -= room
        raise ValueError(f"{seconds} working seconds from {start} do not end within ten years")

    def _from(self, start: datetime) -> Iterator[Room]:
        """Every span of work that ends after `start`, in order."""
        year = start.astimezone(self.zone).year
        ends, rooms = self._year(year)
        yield from rooms[bisect_right(ends, start) :]
        for later in range(year + 1, year + FAR):
            yield from self._year(later)[1]

    def _year(self, year: int) -> tuple[list[datetime], list[Room]]:
        """The spans of work of a year with their seconds, and when each ends: worked out once, as every clock of every loop walks
        over the same days."""
        found = self._years.get(year)
        if found is None:
            days = (
                date(year, 1, 1) + timedelta(days=n)
                for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
            )
            rooms = [
                (opens, closes, (closes - opens).total_seconds())
                for day in days
                for opens, closes in self._open(day)
            ]
            found = self._years[year] = [closes for _, closes, _ in rooms], rooms
        return found

    @cached_property
    def _years(self) -> dict[int, tuple[list[datetime], list[Room]]]:
        return {}

    def _open(self, day: date) -> tuple[Span, ...]:
        """When work is done on this day: worked out once, as every clock of every loop walks over the same days."""
        found = self._opened.get(day)
        if found is None:
            found = self._opened[day] = self._spans(day) if self.is_workday(day) else ()
        return found

    @cached_property
    def _opened(self) -> dict[date, tuple[Span, ...]]:
        return {}

    def _spans(self, day: date) -> tuple[Span, ...]:
        midnight = datetime.combine(day, time(), self.zone)
        return tuple(
            (_at(midnight, opens), _at(midnight, closes)) for opens, closes in self._hours(day).spans
        )

    def _hours(self, day: date) -> Hours:
        known = [hours for hours in self.hours if hours.since <= day]
        return max(known or self.hours[:1], key=lambda hours: hours.since)


def _at(midnight: datetime, clock: time) -> datetime:
    return midnight.astimezone(UTC) + timedelta(seconds=_clock_seconds(clock))


def _clock_seconds(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second
