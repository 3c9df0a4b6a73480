"""今日: what I must do now and for whom; overdue, today, within a week, later; then what I wait for.

Who leads sees, after what presses on himself, what is overdue where he answers for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from yishe.doors.web import loop_rows, page, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Group
from yishe.loops import nudges, reach, reading
from yishe.people import access
from yishe.people.cards import Card, cards
from yishe.policy.loop_state import LoopState

MOST = 200
LED_SHOWN = 8
PRESSING = ("late", "today")


@dataclass(frozen=True)
class Led:
    """What is overdue where someone leads: the filter that lists it, how many it lists, and the longest overdue of
    those that are not his own move."""

    filter: Mapping[str, str]
    count: int
    first: tuple[LoopState, ...]


@signed_in
def today(request: HttpRequest, here: Here) -> HttpResponse:
    mine = reading.worklist(here.actor, here.now, MOST)
    others = reading.waiting(here.actor, MOST)
    led = _led(here)
    watched = (*others.items, *(led.first if led else ()))
    shown = cards({one.subject for one in (*mine.items, *watched)})
    asked = nudges.resting(watched, here.actor.staff_id, here.now)
    page.seen(here, "read.worklist", shown, relation="participant")
    groups = loop_rows.by_time(mine.items, shown, here)
    if led and led.first:
        place = sum(group.id in PRESSING for group in groups)
        groups.insert(place, _overdue(here, led, shown, asked))
    if others.items:
        groups.append(_waiting(here, others.items, shown, asked))
    return page.show(
        request,
        here,
        "today.html",
        {
            "place": "today",
            "groups": groups,
            "todo_count": len(mine.items),
            "more": bool(mine.next),
            "leads": led is not None,
            "keeps_house": "administrator" in here.duties,
        },
    )


def _led(here: Here) -> Led | None:
    """In the centres or else the teams this person leads; None for who leads nobody."""
    where = _under(here)
    if not where:
        return None
    late = {"set": "overdue", "sort": "due", **where}
    rows = reading.soonest(here.actor, late, here.now, 2 * LED_SHOWN)
    others = tuple(one for one in rows if one.owner != here.actor.staff_id)
    return Led(late, reading.how_many(here.actor, late, here.now) if rows else 0, others[:LED_SHOWN])


def _under(here: Here) -> dict[str, str]:
    centres = access.scope(here.actor, reading.READ, here.now).centres & access.leading(
        here.actor.member, here.now
    )
    if centres:
        return {"centre": ",".join(sorted(map(str, centres)))}
    held = here.actor.member.held(here.now)
    teams = [str(post.organisation) for post in held if post.lead and post.level == "team"]
    return {"team": ",".join(sorted(teams))} if teams else {}


def _overdue(here: Here, led: Led, shown: Mapping[UUID, Card], asked: Mapping[UUID, datetime]) -> Group:
    rows = loop_rows.waited(led.first, shown, here, asked)
    counted = spoken.counted(led.count, reach.COUNTED)
    more = f"共 {counted} 件逾期，到台账看全部" if led.count > len(rows) else ""
    note = "该别人动的，逾期最久的在前；可以催一下，或打开看怎么帮"
    return Group("led", "我负责的范围里已逾期", note, rows, f"/loops?{urlencode(led.filter)}", more)


def _waiting(
    here: Here, found: tuple[LoopState, ...], shown: Mapping[UUID, Card], asked: Mapping[UUID, datetime]
) -> Group:
    """等别人, by whose move it is; whoever is latest comes first."""
    first = {one.owner: _due(one) for one in sorted(found, key=_due, reverse=True)}
    ranked = sorted(found, key=lambda one: (first[one.owner], str(one.owner), _due(one)))
    rows = loop_rows.waited(ranked, shown, here, asked)
    return Group("waiting", "等别人", f"我发出或跟踪的 {len(rows)} 件，按谁该动排", rows)


def _due(loop: LoopState) -> datetime:
    return loop.due_at or loop.promised_by
