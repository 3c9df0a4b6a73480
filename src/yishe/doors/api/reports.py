"""GET /reports/closing."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema

from yishe.doors.api.bodies import Day
from yishe.doors.api.wire import caller
from yishe.insight import report

router = Router(tags=["reports"])


class Span(Schema):
    """Local days, both included; left out, the last three months."""

    since: Day | None = None
    until: Day | None = None
    centre: UUID | None = None
    team: UUID | None = None


@router.get("/reports/closing")
def closing(request: HttpRequest, span: Query[Span]) -> dict[str, Any]:
    """The measures of closing, each with numerator and denominator."""
    who = caller(request)
    return report.closing(
        who.actor, at=who.at, since=span.since, until=span.until, centre=span.centre, team=span.team
    )
