"""The closing report as one JSON-safe object: for ``yishe report closing --json`` and ``GET /api/v1/reports/closing``."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.insight import ages, measures, scopes, steps
from yishe.insight.measures import Measure, Number, Row
from yishe.loops import sets
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid

DEFAULT_MONTHS = 3
MEASURES = {
    "accepted": "已接单",
    "accepted_in_time": "按时接单",
    "served": "已服务",
    "confirmed": "本人确认",
    "heard": "问过居民",
    "helped": "居民说有用",
    "closed_in_time": "按时闭环",
}
"""The measures in words, in the order in which they follow each other."""


def closing(
    actor: Actor,
    *,
    at: datetime,
    since: date | None = None,
    until: date | None = None,
    centre: UUID | None = None,
    team: UUID | None = None,
) -> dict[str, Any]:
    """Measures, months, steps, ages, teams and reasons of what this person may count; seven statements.

    ``since`` and ``until`` are local days, both included; left out, the last three months up to today. A share is a number
    from 0 to 1 or null. Every count carries the filter that opens its list. Raises Forbidden, Invalid (since after until)."""
    today = at.astimezone(sets.ZONE).date()
    last = until or today
    sets.day(last)
    first = since or _months_before(last, DEFAULT_MONTHS)
    if first > last:
        raise Invalid("span_backwards", f"起始日 {first} 在截止日 {last} 之后：请对调。")
    values = packs.in_force().settings(today)
    scope = scopes.scope_of(actor, at, small=values.small_number, centre=centre, team=team)
    found = measures.closing(scope, first, last, at)
    return {
        "scope": scope.title,
        "since": first.isoformat(),
        "until": last.isoformat(),
        "at": at.isoformat(),
        "headline": _measure(found.total.headline),
        "total": _row(found.total),
        "months": [_row(row) for row in found.months],
        "steps": [_step(step) for step in steps.medians(scope, first, last)],
        "ages": [_band(band) for band in ages.bands(scope, at, values.age_bands)],
        "teams": [_row(row) for row in measures.by_team(scope, first, last, at)],
        "reasons": [_row(row) for row in measures.by_reason(scope, first, last, at)],
    }


def _months_before(day: date, months: int) -> date:
    """The first day of the month so many months before the one of ``day``, that month counted."""
    year, month = divmod(day.year * 12 + day.month - months, 12)
    return date(year, month + 1, 1)


def _number(number: Number) -> dict[str, Any]:
    return {"count": number.count, "filter": dict(number.filter)}


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "numerator": _number(measure.numerator),
        "denominator": _number(measure.denominator),
        "share": measure.share,
        "small": measure.small,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "key": row.key,
        "sent": _number(row.sent),
        "taken_out": _number(row.taken_out),
        "measures": {name: _measure(measure) for name, measure in row.measures.items()},
    }


def _step(step: steps.Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "median_seconds": step.median,
        "count": step.count,
        "small": step.small,
        "filter": dict(step.filter),
    }


def _band(band: ages.Band) -> dict[str, Any]:
    return {
        "from_days": band.least,
        "to_days": band.most,
        "open": _number(band.open),
        "overdue": _number(band.overdue),
    }
