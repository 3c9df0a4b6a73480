"""Somebody who is not reached: how often, on how many days and at which parts of the day she is called before a visit is owed,
and what must be there before a contract ends for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Strict

DAY = timedelta(days=1)


class Outcome(Strict):
    """What came of an attempt. `reached`: somebody answered, and the series is over; `again`: at a moment that is asked for."""

    title: Said
    reached: bool = False
    again: bool = False


class Part(Strict):
    """A part of the day, local; `until` excluded."""

    title: Said
    since: time
    until: time

    @model_validator(mode="after")
    def has_length(self) -> Self:
        if self.since >= self.until:
            raise ValueError(
                f"{self.since:%H:%M} to {self.until:%H:%M}; expected a part that ends after it begins"
            )
        return self


class Calls(Strict):
    """So many attempts by one of these ways, on so many days, at so many parts of the day, all of them `within` a length."""

    ways: tuple[str, ...] = Field(min_length=1)
    times: int = Field(ge=1, le=31)
    days: int = Field(ge=1, le=31)
    parts: int = Field(ge=0, le=8)
    within: Length


class Visit(Strict):
    """The loop of `kind` that is opened then, and its outcome where the visit found her or not."""

    kind: str
    ways: tuple[str, ...] = Field(min_length=1)
    found: str
    missed: str


class Unreachable(Sourced):
    """`ways` are codes of `encounter_kind` by which she is tried; `end` is the reason of an ending contract that wants all of it."""

    ways: tuple[str, ...] = Field(min_length=1)
    outcomes: dict[str, Outcome] = Field(min_length=1)
    parts: dict[str, Part] = Field(min_length=1)
    calls: Calls
    visit: Visit
    end: str

    def part(self, moment: time) -> str:
        """The part of the day a local time lies in; empty outside all of them."""
        return next((code for code, one in self.parts.items() if one.since <= moment < one.until), "")


@dataclass(frozen=True)
class Tried:
    """One attempt that reached nobody, in local time."""

    at: datetime
    way: str


@dataclass(frozen=True)
class Standing:
    """How far a series has come, in the stretch of it that counts most. `called` is when the calls were enough, None before;
    `visited` whether a visit after that found nobody."""

    times: int = 0
    days: int = 0
    parts: frozenset[str] = frozenset()
    called: datetime | None = None
    visited: bool = False

    @property
    def complete(self) -> bool:
        return self.called is not None and self.visited

    def lacks(self, rule: Unreachable) -> list[str]:
        """What is still wanted, in words; empty when nothing is."""
        found = []
        if self.called is None:
            calls = rule.calls
            found += [f"还要打 {calls.times - self.times} 次电话"] if self.times < calls.times else []
            found += [f"还要换 {calls.days - self.days} 天打"] if self.days < calls.days else []
            found += [f"还要换个时段打（{self._untried(rule)}）"] if len(self.parts) < calls.parts else []
        return [*found, *([] if self.visited else ["还没有上门找过"])]

    def _untried(self, rule: Unreachable) -> str:
        return "、".join(str(one.title) for code, one in rule.parts.items() if code not in self.parts)


def standing(rule: Unreachable, tried: Sequence[Tried]) -> Standing:
    """How far the attempts since somebody was last reached have come."""
    calls = sorted((one for one in tried if one.way in rule.calls.ways), key=lambda one: one.at)
    best = max(_stretches(rule, calls), key=lambda one: _progress(rule, one), default=Standing())
    first = next((one for one in _stretches(rule, calls) if one.called), None)
    if first is None or first.called is None:
        return best
    after = first.called
    visited = any(one.way in rule.visit.ways and one.at >= after for one in tried)
    return Standing(first.times, first.days, first.parts, after, visited)


def next_call(rule: Unreachable, tried: Sequence[Tried], now: datetime) -> tuple[date, frozenset[str]]:
    """The day from which another call counts, and the parts of the day at which it does."""
    calls = [one for one in tried if one.way in rule.calls.ways]
    so_far, today = standing(rule, tried), now.date()
    again_today = so_far.days >= rule.calls.days or all(one.at.date() < today for one in calls)
    wanted = frozenset(rule.parts)
    if len(so_far.parts) < rule.calls.parts:
        wanted -= so_far.parts
    return (today if again_today else today + DAY), wanted


def _stretches(rule: Unreachable, calls: Sequence[Tried]) -> Iterator[Standing]:
    """The longest stretch that ends with each call."""
    for last in calls:
        found = [one for one in calls if last.at - rule.calls.within.exact() < one.at <= last.at]
        days, parts = {one.at.date() for one in found}, {rule.part(one.at.time()) for one in found} - {""}
        so_far = Standing(len(found), len(days), frozenset(parts))
        enough = all(done >= wanted for done, wanted in _counts(rule, so_far))
        yield Standing(so_far.times, so_far.days, so_far.parts, last.at if enough else None)


def _counts(rule: Unreachable, one: Standing) -> tuple[tuple[int, int], ...]:
    calls = rule.calls
    return (one.times, calls.times), (one.days, calls.days), (len(one.parts), calls.parts)


def _progress(rule: Unreachable, one: Standing) -> int:
    return sum(min(done, wanted) for done, wanted in _counts(rule, one))
