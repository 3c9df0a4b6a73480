"""Working time against the official tables, and laws that hold for any start and any length."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishe.policy import packs
from yishe.policy.durations import Duration, parse

CHINA = ZoneInfo("Asia/Shanghai")
CALENDAR = packs.load([Path(__file__).resolve().parents[3] / "packs" / "base"]).calendar
BEGIN = datetime(2025, 1, 1, tzinfo=CHINA)
moments = st.integers(0, 900 * 86_400).map(lambda second: BEGIN + timedelta(seconds=second))
workdays = st.integers(1, 40).map(lambda amount: Duration(amount, "workday"))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize("year", [2025, 2026])
def test_days_off_and_made_up_days_agree_with_the_published_table(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [day for day in days if CALENDAR.is_workday(day) != chinese_calendar.is_workday(day)] == []


def test_holidays_have_names() -> None:
    assert CALENDAR.holiday(date(2026, 9, 25)) == "中秋节"
    assert CALENDAR.holiday(date(2026, 9, 24)) is None


def test_a_year_not_announced_is_plain_weekdays_and_says_so() -> None:
    assert CALENDAR.incomplete(2027)
    assert CALENDAR.is_workday(date(2027, 10, 1))
    assert not CALENDAR.is_workday(date(2027, 10, 2))


def test_a_workday_cannot_run_on_the_wall_nor_a_week_on_working_time() -> None:
    with pytest.raises(ValueError, match="ask a calendar"):
        CALENDAR.add(local("2026-03-02 09:00"), parse("1 workday"), "wall")
    with pytest.raises(ValueError, match="expected minutes, hours or workdays"):
        CALENDAR.add(local("2026-03-02 09:00"), parse("1 week"), "working")


def test_nothing_has_elapsed_before_the_start() -> None:
    assert CALENDAR.elapsed(local("2026-03-02 09:00"), local("2026-03-01 09:00"), "wall") == 0


def test_the_next_workday_skips_the_festival() -> None:
    assert CALENDAR.next_workday(date(2026, 2, 15)) == date(2026, 2, 24)
    assert CALENDAR.next_workday(date(2026, 2, 24)) == date(2026, 2, 24)


@given(moments, workdays)
def test_what_was_added_has_elapsed(start: datetime, length: Duration) -> None:
    end = CALENDAR.add(start, length, "working")
    elapsed = CALENDAR.elapsed(start, end, "working")
    assert abs(elapsed - length.amount * 8 * 3600) < 0.001


@given(moments, workdays)
def test_a_deadline_lies_in_opening_hours_and_is_utc(start: datetime, length: Duration) -> None:
    end = CALENDAR.add(start, length, "working")
    assert end.tzinfo is UTC
    at = end.astimezone(CHINA)
    assert CALENDAR.is_workday(at.date())
    assert any(opens <= at.time() <= closes for opens, closes in CALENDAR.hours[0].spans)


@given(moments, workdays, st.floats(0.01, 1.0))
def test_a_share_comes_no_later_than_the_whole(start: datetime, length: Duration, share: float) -> None:
    assert start < CALENDAR.add(start, length, "working", share) <= CALENDAR.add(start, length, "working")


@given(moments, workdays, st.integers(0, 6 * 86_400))
def test_a_later_start_never_ends_earlier(start: datetime, length: Duration, seconds: int) -> None:
    later = start + timedelta(seconds=seconds)
    assert CALENDAR.add(start, length, "working") <= CALENDAR.add(later, length, "working")


@given(moments, st.integers(1, 10 * 8 * 3600), st.integers(1, 10 * 8 * 3600))
def test_a_paused_clock_goes_on_where_it_stood(start: datetime, first: int, second: int) -> None:
    middle = CALENDAR.advance(start, first, "working")
    assert CALENDAR.advance(middle, second, "working") == CALENDAR.advance(start, first + second, "working")


@given(moments, st.integers(1, 1000))
def test_wall_time_is_plain_time(start: datetime, hours: int) -> None:
    length = Duration(hours, "h")
    assert CALENDAR.add(start, length, "wall") - start == timedelta(hours=hours)
