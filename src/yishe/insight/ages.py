"""How old the open promises are, counted from the day they were made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from yishe.insight.measures import Number
from yishe.insight.scopes import Scope
from yishe.loops import sets
from yishe.loops.models import Loop


@dataclass(frozen=True)
class Band:
    """Open loops of at least ``least`` and less than ``most`` days (24 h); ``most`` None is the oldest band."""

    least: int
    most: int | None
    open: Number
    overdue: Number


def bands(scope: Scope, at: datetime, edges: Sequence[int]) -> tuple[Band, ...]:
    """One statement. ``edges`` are days from the pack, rising, e.g. 1, 3, 7, 14, 30 makes six bands."""
    spans = list(zip((0, *edges), (*edges, None), strict=True))
    counters = {}
    for least, most in spans:
        aged = sets.aged(at, least or None, most)
        counters[f"open_{least}"] = Count("id", filter=sets.OPEN & aged)
        counters[f"overdue_{least}"] = Count("id", filter=sets.SETS["overdue"](at) & aged)
    counts = Loop.objects.filter(scope.q, closed_at=None).aggregate(**counters)
    return tuple(_band(scope, counts, least, most) for least, most in spans)


def _band(scope: Scope, counts: dict[str, int], least: int, most: int | None) -> Band:
    base = {**scope.filter, "age_from": str(least)} | ({} if most is None else {"age_to": str(most)})

    def number(name: str) -> Number:
        return Number(counts[f"{name}_{least}"], base | {"set": name})

    return Band(least, most, number("open"), number("overdue"))
