"""How long each step of a promise takes: medians in seconds of wall time, by month of promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from yishe.insight.measures import Filter
from yishe.insight.scopes import Scope
from yishe.loops import sets
from yishe.loops.models import Loop

STEPS: dict[str, tuple[str, str]] = {
    "accept": ("promised_at", "accepted_at"),
    "first_contact": ("accepted_at", "started_at"),
    "finish": ("started_at", "completed_at"),
    "confirm": ("completed_at", "closed_at"),
    "whole": ("promised_at", "closed_at"),
}
"""Step → the moments it lies between: 接单, 首次接触, 办理, 确认, 全程."""
SET_OF = {
    "accept": "accepted",
    "first_contact": "started",
    "finish": "served",
    "confirm": "confirmed_by_sender",
    "whole": "closed",
}


@dataclass(frozen=True)
class Step:
    """``median`` in seconds over the ``count`` loops that made the step; None when none did."""

    name: str
    median: float | None
    count: int
    small: bool
    filter: Filter


def medians(scope: Scope, since: date, until: date) -> tuple[Step, ...]:
    """One statement. *confirm* counts what a person confirmed; auto-confirmed loops would only show the pack's limit."""
    columns = sorted({column for pair in STEPS.values() for column in pair})
    found = Loop.objects.filter(scope.q, sets.SENT, sets.promised(since, until)).order_by()
    rows = list(found.values(*columns, "status", "confirmed_by"))
    base = {**scope.filter, "since": since.isoformat(), "until": until.isoformat()}
    return tuple(
        _step(name, _seconds(name, rows), scope.small, base | {"set": SET_OF[name]}) for name in STEPS
    )


def _seconds(name: str, rows: Iterable[dict[str, object]]) -> list[float]:
    first, last = STEPS[name]
    found = []
    for row in rows:
        begun, done = row[first], row[last]
        if name in ("finish", "confirm") and row["status"] != "completed":
            continue
        if name == "confirm" and row["confirmed_by"] != "person":
            continue
        if isinstance(begun, datetime) and isinstance(done, datetime):
            found.append((done - begun).total_seconds())
    return found


def _step(name: str, seconds: list[float], small: int, opens: Filter) -> Step:
    return Step(name, median(seconds) if seconds else None, len(seconds), len(seconds) < small, opens)
