"""预计工作量: what packs ask of the contracts there are, month by month, before anything is switched on."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from yishe.doors.web import page, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.insight import workload
from yishe.insight.workload import Forecast
from yishe.people import packs
from yishe.policy.class_rules import CLASS


@signed_in
def forecast(request: HttpRequest, here: Here) -> HttpResponse:
    """`drafts=on` counts as if every draft were approved; `month` and `duty` open what is behind one number."""
    small = packs.in_force().settings(spoken.local(here.now).date()).small_number
    drafts = request.GET.get("drafts") == "on"
    found = workload.of_scope(here.actor, here.now, small=small, drafts=drafts)
    month, duty = request.GET.get("month", ""), request.GET.get("duty", "")
    chosen = month in found.months and duty in found.duties
    told = {
        "place": "board", "found": found, "drafts": drafts, "rows": [_row(found, one) for one in found.months],
        "duties": [(one, _duty(one)) for one in found.duties], "total": _cell(found.present.total, found.wanted.total),
        "schedules": [str(found.pack.life.schedules[one].title) for one in found.schedules],
        "visits": [
            (one, [found.visits[one, code] for code in found.schedules]) for one in found.months
        ],
        "classes": _classes(found),
        "chosen": f"{month} {_duty(duty)}" if chosen else "", "behind": found.behind(month, duty) if chosen else [],
    }  # fmt: skip
    return page.show(request, here, "workload.html", told)


def _classes(found: Forecast) -> list[tuple[str, int]]:
    sheet = found.pack.classes.sheet if found.pack.classes else None
    return (
        [(sheet.title(CLASS, code), found.classes[code]) for code in sheet.classes if found.classes[code]]
        if sheet
        else []
    )


def _duty(code: str) -> str:
    return str(packs.in_force().duties[code].title)


def _row(found: Forecast, month: str) -> dict[str, Any]:
    cells = [
        {
            "duty": duty,
            "title": _duty(duty),
            **_cell(found.present.contacts[month, duty], found.wanted.contacts[month, duty]),
        }
        for duty in found.duties
    ]
    whole = _cell(sum(one["now"] for one in cells), sum(one["then"] for one in cells))
    return {"month": month, "cells": cells, **whole}


def _cell(now: int, then: int) -> dict[str, Any]:
    return {"now": now, "then": then, "more": f"{then - now:+d}" if then != now else ""}
