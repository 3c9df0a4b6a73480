"""The measures of design §4: by month of promise, void left out, each number with numerator, denominator and its list.

The headline is *closed in time*: confirmed by a person and completed by the promised date, of all promises whose date
has passed. Declined, failed and cancelled ones stay in; death and moving away are taken out and shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, QuerySet, Value, When
from django.db.models.functions import TruncMonth

from yishe.insight.scopes import Scope
from yishe.loops import sets
from yishe.loops.models import Loop

Filter = dict[str, str]

FRACTIONS: dict[str, tuple[str, str]] = {
    "accepted": ("accepted", "sent"),
    "accepted_in_time": ("accepted_in_time", "sent"),
    "served": ("served", "sent"),
    "confirmed": ("confirmed", "sent"),
    "heard": ("heard", "sent"),
    "helped": ("helped", "heard"),
    "closed_in_time": ("closed_in_time", "due"),
}
"""Measure → the sets its numerator and its denominator count."""
COUNTED = tuple(dict.fromkeys(("sent", "taken_out", *(name for pair in FRACTIONS.values() for name in pair))))


@dataclass(frozen=True)
class Number:
    """A count and the filter that opens its list (``loops.sets.wanted``)."""

    count: int
    filter: Filter


@dataclass(frozen=True)
class Measure:
    """A share; ``share`` is None when there is nothing to divide by. ``small`` marks a denominator too small to rank."""

    numerator: Number
    denominator: Number
    small: bool

    @property
    def share(self) -> float | None:
        return self.numerator.count / self.denominator.count if self.denominator.count else None


@dataclass(frozen=True)
class Row:
    """All measures of one group: a month, a team, a reason or everything. ``key`` is None for everything."""

    key: str | None
    sent: Number
    taken_out: Number
    measures: Mapping[str, Measure]

    @property
    def headline(self) -> Measure:
        return self.measures["closed_in_time"]


@dataclass(frozen=True)
class Closing:
    """The board's numbers for promises made on local days ``since`` … ``until``, as seen at ``at``."""

    since: date
    until: date
    at: datetime
    total: Row
    months: tuple[Row, ...]


def closing(scope: Scope, since: date, until: date, at: datetime) -> Closing:
    """Measures in all and by month of promise; two statements. Both days are included."""
    base = _base(scope, since, until)
    within = _within(scope, since, until)
    everything = within.aggregate(**_counters(at))
    total = _row(None, everything, base, scope.small)
    monthly = _counts(within.annotate(group=TruncMonth("promised_at", tzinfo=sets.ZONE)), at)
    months = tuple(
        _row(f"{month:%Y-%m}", counts, base | _days_of(month.date(), since, until), scope.small)
        for month, counts in sorted(monthly.items())
    )
    return Closing(since, until, at, total, months)


def by_team(scope: Scope, since: date, until: date, at: datetime) -> tuple[Row, ...]:
    """One row a team, most promises first; ``key`` is the team's id or "none"."""
    return _grouped(scope, since, until, at, column="team", by=F("team"))


def by_reason(scope: Scope, since: date, until: date, at: datetime) -> tuple[Row, ...]:
    """One row a reason code, most promises first; sensitive reasons together as ``sensitive``."""
    secret = Case(When(sensitive=True, then=Value(sets.SENSITIVE)), default=F("reason"))
    return _grouped(scope, since, until, at, column="reason", by=secret)


def by_kind(scope: Scope, since: date, until: date, at: datetime) -> tuple[Row, ...]:
    """One row a kind, most promises first."""
    return _grouped(scope, since, until, at, column="kind", by=F("kind"))


def _grouped(
    scope: Scope, since: date, until: date, at: datetime, *, column: str, by: F | Case
) -> tuple[Row, ...]:
    base = _base(scope, since, until)
    counted = _counts(_within(scope, since, until).annotate(group=by), at)
    rows = [
        _row(str(key or "none"), counts, base | {column: str(key or "none")}, scope.small)
        for key, counts in counted.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.sent.count, row.key or "")))


def _base(scope: Scope, since: date, until: date) -> Filter:
    return {**scope.filter, "since": since.isoformat(), "until": until.isoformat()}


def _within(scope: Scope, since: date, until: date) -> QuerySet[Loop]:
    return Loop.objects.filter(scope.q, sets.SENT, sets.promised(since, until)).order_by()


def _counters(at: datetime) -> dict[str, Count]:
    return {f"n_{name}": Count("id", filter=sets.SETS[name](at)) for name in COUNTED}


def _counts(grouped: Any, at: datetime) -> dict[Any, dict[str, int]]:
    rows = grouped.values("group").annotate(**_counters(at))
    return {row["group"]: row for row in rows}


def _row(key: str | None, counts: Mapping[str, int], base: Filter, small: int) -> Row:
    def number(name: str) -> Number:
        return Number(counts[f"n_{name}"], base | {"set": name})

    def measure(top: str, bottom: str) -> Measure:
        below = number(bottom)
        return Measure(number(top), below, below.count < small)

    measures = {name: measure(*pair) for name, pair in FRACTIONS.items()}
    return Row(key, number("sent"), number("taken_out"), measures)


def _days_of(month: date, since: date, until: date) -> Filter:
    """The part of a month inside the asked span, so that the number opens exactly its own list."""
    last = (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return {"since": max(month, since).isoformat(), "until": min(last, until).isoformat()}
