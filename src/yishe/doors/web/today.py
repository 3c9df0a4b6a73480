"""今日: what I must do now and for whom; overdue, today, within a week, later; then what I wait for."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from yishe.doors.web import loop_rows, page
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Group
from yishe.loops import reading
from yishe.people.cards import Card, cards
from yishe.policy.loop_state import LoopState

MOST = 200
LATER_SHOWN = 40


@signed_in
def today(request: HttpRequest, here: Here) -> HttpResponse:
    mine = reading.worklist(here.actor, here.now, MOST)
    others = reading.waiting(here.actor, MOST)
    shown = cards({one.subject for one in (*mine.items, *others.items)})
    page.seen(here, "read.worklist", shown, relation="participant")
    groups = loop_rows.by_time(mine.items, shown, here)
    if others.items:
        groups.append(_waiting(here, others.items, shown))
    return page.show(
        request,
        here,
        "today.html",
        {
            "place": "today",
            "groups": groups,
            "todo_count": len(mine.items),
            "more": bool(mine.next),
        },
    )


def _waiting(here: Here, found: tuple[LoopState, ...], shown: Mapping[UUID, Card]) -> Group:
    """等别人, by whose move it is; whoever is latest comes first."""
    first = {one.owner: one.due_at or one.promised_by for one in sorted(found, key=_due, reverse=True)}
    ranked = sorted(found, key=lambda one: (first[one.owner], str(one.owner), _due(one)))
    rows = [loop_rows.row(one, shown.get(one.subject), here, named=True) for one in ranked]
    return Group("waiting", "等别人", f"我发出或跟踪的 {len(rows)} 件，按谁该动排", rows)


def _due(loop: LoopState) -> datetime:
    return loop.due_at or loop.promised_by
