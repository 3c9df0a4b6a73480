"""转介台账: every promise with its age and clock; filters, paging, and the workbook to take to a meeting."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors import limits
from yishe.doors.web import faces, loop_rows, page, spoken, wording
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Link
from yishe.insight import exports, ledger_export, scopes
from yishe.loops import orders, reach, reading, sets
from yishe.people import packs
from yishe.people.cards import Card, cards
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Forbidden, Refused
from yishe.trust import ids

PAGE = 50
SETS = {
    "open": "在办",
    "overdue": "逾期",
    "sent": "全部",
    "accepted": "已接单",
    "started": "已联系",
    "served": "办了",
    "confirmed": "发出方确认",
    "heard": "已问居民",
    "helped": "居民说有用",
    "closed_in_time": "按时闭环",
    "due": "承诺日期已过",
    "missed": "没有按时",
    "taken_out": "去世或迁出",
    "auto_confirmed": "自动确认",
    "closed": "已结束",
}
KEYS = (
    "set",
    "since",
    "until",
    "age_from",
    "age_to",
    "centre",
    "team",
    "owner",
    "kind",
    "reason",
    "urgency",
    "status",
    "sort",
)
STATUSES = {
    "requested": "待接单",
    "accepted": "已接单",
    "in-progress": "办理中",
    "on-hold": "暂停",
    "completed": "已回写结果",
    "rejected": "被退回",
    "failed": "没办成",
    "cancelled": "已取消",
}
SORTS = {
    "-age": "新发出的在前",
    "age": "开得最久的在前",
    "due": "时限最近的在前",
    "team": "按团队",
    "state": "按状态",
}


@signed_in
def ledger(request: HttpRequest, here: Here) -> HttpResponse:
    filters = chosen(request.GET)
    found = reading.behind(here.actor, filters, here.now, PAGE, request.GET.get("cursor"))
    shown = cards(one.subject for one in found.items)
    page.seen(here, "read.ledger", shown, purpose=urlencode(filters)[:200])
    count = reading.how_many(here.actor, filters, here.now)
    return page.show(
        request,
        here,
        "ledger.html",
        {
            "place": "ledger",
            "rows": [row(here, one, shown.get(one.subject)) for one in found.items],
            "next": found.next,
            "filters": filters,
            "sets": [Link(words, code) for code, words in SETS.items() if code in sets.SETS],
            "kinds": _kinds(here),
            "urgencies": wording.URGENCIES,
            "statuses": STATUSES,
            "ages": [
                str(edge) for edge in packs.in_force().settings(spoken.local(here.now).date()).age_bands
            ],
            "units": _units(here),
            "count": count,
            "in_all": spoken.counted(count, reach.COUNTED),
            "may_export": may_export(here),
            "narrowed": sorted(set(filters) - {"set", "sort"}),
            "sorts": SORTS,
            "sort": filters.get("sort", orders.NEWEST),
            "reason_title": _reason(here, filters),
            "set_words": SETS.get(filters["set"], ""),
            "team_name": _name(here, filters.get("team", "")),
        },
    )


def chosen(query: Mapping[str, str]) -> dict[str, str]:
    found = {key: query[key] for key in KEYS if query.get(key)}
    return {"set": "open", **found}


def row(here: Here, loop: LoopState, card: Card | None) -> dict[str, Any]:
    age = here.now - loop.promised_at if not loop.closed_at else loop.closed_at - loop.promised_at
    return {
        "id": loop.id,
        "href": f"/loops/{loop.id}",
        "at": loop.promised_at,
        "name": loop_rows.whom(loop, card),
        "age": faces.age(card, here) if card else "",
        "title": loop_rows.title(loop),
        "code": "" if loop.sensitive else loop.reason,
        "urgency": loop.urgency,
        "urgency_words": wording.URGENCIES.get(loop.urgency, ""),
        "sender": faces.name(here, loop.sender),
        "performer": faces.name(here, loop.performer),
        "team": _team(here, loop),
        "state": loop_rows.state_words(loop),
        "chip": loop_rows.chip(loop, here),
        "days": spoken.span(age),
        "colour": loop_rows.colour(loop, here),
    }


def _name(here: Here, team: str) -> str:
    """The one team the list is narrowed to."""
    known = ids.parse(team)
    unit = here.staff.organisations.get(known) if known else None
    return unit.name if unit else ""


def _team(here: Here, loop: LoopState) -> str:
    unit = here.staff.organisations.get(loop.team) if loop.team else None
    return unit.name if unit else ""


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """The workbook; why it is taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    filters = chosen(request.POST)
    content = ledger_export.ledger_xlsx(
        here.actor, filters, here.now, purpose=request.POST.get("purpose", "")
    )
    return page.attached(content, f"zhuanjie-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


def may_export(here: Here) -> bool:
    try:
        scopes.scope_of(here.actor, here.now, small=0, action=ledger_export.ACTION)
    except Forbidden:
        return False
    return exports.may(here.actor, ledger_export.KIND, here.now)


def _kinds(here: Here) -> list[Link]:
    kinds = packs.in_force().loop_kinds(spoken.local(here.now).date())
    return [Link(str(kind.title), kind.code) for kind in kinds]


def _units(here: Here) -> list[Link]:
    try:
        return [
            Link(name, str(unit))
            for level, unit, name in scopes.choices(here.actor, here.now)
            if level == "team"
        ]
    except Refused:
        return []


def _reason(here: Here, filters: Mapping[str, str]) -> str:
    code = filters.get("reason", "")
    kinds = packs.in_force().loop_kinds(spoken.local(here.now).date())
    titles = (str(kind.reasons[code].title) for kind in kinds if code in kind.reasons)
    return next(titles, code)
