"""GET /indicators, GET /indicators/{code}/residents."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from yishe.doors.api.wire import caller
from yishe.insight import indicator_reading
from yishe.insight.indicator_reading import Counted, Pair
from yishe.trust import access_log

router = Router(tags=["indicators"])


class Within(Schema):
    """`quarter` such as 2026Q1; left out, the newest that was counted. Without centre and team the widest scope."""

    quarter: str = ""
    centre: UUID | None = None
    team: UUID | None = None


class Behind(Within):
    """`side`: numerator, rest (in the denominator alone) or denominator (all)."""

    side: str = "rest"


@router.get("/indicators")
def indicators(request: HttpRequest, within: Query[Within]) -> dict[str, Any]:
    """Every indicator of a quarter with numerator and denominator, in numbers and in words."""
    who = caller(request)
    found = indicator_reading.standing(who.actor, who.at, **within.dict())
    rows = [
        {
            "code": one.code, "version": one.declared.version, "title": one.declared.title.zh, "family": one.declared.family,
            "status": one.declared.status, "unit": one.declared.unit, "numerator_is": one.declared.numerator.zh,
            "denominator_is": one.declared.denominator.zh, "source": one.declared.source.said, "small": one.small,
            **_pair(one.now), "before": _pair(one.before) if one.before else None,
            "teams": [{"team": str(team) if team else None, **_pair(pair)} for team, pair in one.teams.items()],
        }
        for one in found.rows
    ]  # fmt: skip
    return {**_head(found), "indicators": rows}


@router.get("/indicators/{code}/residents")
def residents(request: HttpRequest, code: str, asked: Query[Behind]) -> dict[str, Any]:
    """Who is behind one number, as far as the caller may read them; at most 200, `people` is how many there are."""
    who = caller(request)
    found, shown, people = indicator_reading.behind(who.actor, who.at, code, **asked.dict())
    access_log.line(
        None, home=who.actor.member.home(who.at), actor=who.actor.staff_id, action="read.indicator", at=who.at,
        subjects=[one.subject for one in shown],
    )  # fmt: skip
    rows = [
        {"resident": str(one.resident), "name": one.name, "team": str(one.team) if one.team else None}
        for one in shown
    ]
    return {**_head(found), "people": people, "residents": rows}


def _head(found: Counted) -> dict[str, Any]:
    snapshot = found.snapshot
    return {
        "scope": found.scope.title, "quarter": str(found.quarter), "quarters": [str(one) for one in found.quarters],
        "pack": snapshot.pack if snapshot else None, "exported_at": snapshot.exported_at.isoformat() if snapshot else None,
    }  # fmt: skip


def _pair(pair: Pair) -> dict[str, Any]:
    return {"numerator": pair[0], "denominator": pair[1], "share": pair[0] / pair[1] if pair[1] else None}
