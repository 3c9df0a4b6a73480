"""既然人在: what else can be done while somebody is seen, each a link to where it is done. Loaded after the page it stands on."""

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from yishe.care import occasions, timeline
from yishe.care.occasions import Chance
from yishe.care.record import Record
from yishe.doors.web import page, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.people import access

SHOWN = 5
PLACES = {
    occasions.FOLLOWUP: ("followups/new/", ""), occasions.CONTACT: ("keep", "service"), occasions.VISIT: ("record/visit", "visit"),
    occasions.DOSE: ("record/immunization", "vaccine"), occasions.GROWTH: ("record/growth", "show"),
    occasions.SCALE: ("assessments/new/", ""), occasions.DRAFT: ("assessments/", ""),
}  # fmt: skip
"""Where a chance is taken, and the name under which its code goes along; without one the code is part of the address."""


@signed_in
def near(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """What can be done now. `but` leaves out what is being done; `apart` opens in a page of its own, so that what is being typed
    stays."""
    record = Record(resident_id)
    stands = record.placement
    permission = access.require(here.actor, timeline.ACTION, stands, here.now)
    found = [one for one in occasions.of(here.actor, record, here.now) if one.code != request.GET.get("but")]
    page.seen(here, "read.near", [stands.subject], **permission.line)
    rows = [_row(here, stands.resident, one) for one in found]
    told = {
        "resident": stands.resident, "place": "residents", "first": rows[:SHOWN], "rest": rows[SHOWN:],
        "count": len(rows), "apart": "apart" in request.GET, "person_name": record.card.name,
    }  # fmt: skip
    template = "parts/near.html" if getattr(request, "htmx", False) else "near.html"
    return page.show(request, here, template, told)


def address(resident: UUID, but: str = "") -> str:
    """Where a form asks for what else can be done beside it."""
    return f"/residents/{resident}/near?{urlencode({'apart': '1', **({'but': but} if but else {})})}"


def _row(here: Here, resident: UUID, one: Chance) -> dict[str, Any]:
    place, name = PLACES[one.kind]
    href = f"/residents/{resident}/{place}" + (f"?{urlencode({name: one.code})}" if name else one.code)
    words, colour = _clock(one.due, spoken.local(here.now).date())
    return {"title": one.title, "href": href, "dialog": bool(name), "words": words, "colour": colour}


def _clock(due: date | None, today: date) -> tuple[str, str]:
    """逾期 12 天, 今天到期, 12 月 3 日前."""
    if due is None:
        return "", ""
    if due > today:
        return f"{spoken.calendar_day(due, today)}前", ""
    return spoken.left(due, today), "red" if due < today else "orange"
