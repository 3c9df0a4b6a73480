"""指标: the indicators of a quarter, each with what is counted of what, its change, and the residents behind its number."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors import limits
from yishe.doors.web import page, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Bar, share_bar
from yishe.insight import exports, indicator_reading, indicators_export, scopes
from yishe.insight.indicator_reading import Counted, Standing
from yishe.people import directory, packs
from yishe.trust import ids

STATUS = {"draft": "草案", "approved": ""}


@signed_in
def show(request: HttpRequest, here: Here) -> HttpResponse:
    """Of the newest quarter that was counted, or the one that is asked for."""
    within = {name: ids.parse(request.GET.get(name)) for name in ("team", "centre")}
    asked = request.GET.get("quarter", "")
    found = indicator_reading.standing(here.actor, here.now, quarter=asked, **within)
    narrow = {name: str(code) for name, code in within.items() if code}
    told = {
        "place": "board", "found": found, "parts": list(_parts(found, narrow)), "narrow": urlencode(narrow),
        "units": scopes.choices(here.actor, here.now),
        "may_export": exports.may(here.actor, indicators_export.KIND, here.now) and found.snapshot,
        "carried": {**narrow, "quarter": str(found.quarter)},
    }  # fmt: skip
    return page.show(request, here, "indicators.html", told)


@signed_in
def behind(request: HttpRequest, here: Here, code: str) -> HttpResponse:
    """The residents behind one number whom this person may read."""
    within = {name: ids.parse(request.GET.get(name)) for name in ("team", "centre")}
    side = request.GET.get("side", "rest")
    found, shown, people = indicator_reading.behind(
        here.actor, here.now, code, quarter=request.GET.get("quarter", ""), side=side, **within
    )
    page.seen(here, "read.indicator", [one.subject for one in shown])
    declared, today = packs.in_force().indicator(code), spoken.local(here.now).date()
    carried = {"quarter": str(found.quarter), **{name: str(one) for name, one in within.items() if one}}
    told = {
        "place": "board", "found": found, "declared": declared, "side": side, "people": people, "back": urlencode(carried),
        "sides": [
            (name, words, urlencode({**carried, "side": name})) for name, words in indicator_reading.SIDES.items()
        ],
        "lines": [
            {"name": one.name, "age": one.age(today), "team": _team(one.team), "resident": one.resident} for one in shown
        ],
        "most": indicator_reading.MOST,
    }  # fmt: skip
    return page.show(request, here, "indicator.html", told)


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """The numbers as a workbook; why they are taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    within = {name: ids.parse(request.POST.get(name)) for name in ("team", "centre")}
    content = indicators_export.indicators_xlsx(
        here.actor,
        here.now,
        purpose=request.POST.get("purpose", ""),
        quarter=request.POST.get("quarter", ""),
        **within,
    )
    return page.attached(content, f"zhibiao-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


def _parts(found: Counted, narrow: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The indicators of each family, in the order of the pack."""
    sheet = packs.in_force().indicators
    for code, title in sheet.families.items() if sheet else ():
        rows = [_row(found, one, narrow) for one in found.rows if one.declared.family == code]
        if rows:
            yield {"title": title, "rows": rows}


def _row(found: Counted, one: Standing, narrow: dict[str, str]) -> dict[str, Any]:
    carried = {"quarter": str(found.quarter), **narrow}

    def href(**more: str) -> str:
        return f"/indicators/{one.code}?{urlencode({**carried, **more})}"

    whole = share_bar("", one.now[0], one.now[1], href(side="numerator"), small=one.small)
    teams = sorted(one.teams.items(), key=lambda pair: -(pair[1][0] / pair[1][1] if pair[1][1] else 0))
    return {
        "title": one.declared.title, "status": STATUS[one.declared.status], "bar": whole, "small": one.small,
        "numerator": one.declared.numerator, "denominator": one.declared.denominator, "source": one.declared.source.said,
        "version": one.declared.version, "empty": not one.now[1], "change": _change(one), "rest": href(side="rest"),
        "missing": one.now[1] - one.now[0], "unit": _unit(one), "teams": [_of_team(team, pair, href) for team, pair in teams],
    }  # fmt: skip


def _of_team(team: Any, pair: tuple[int, int], href: Any) -> Bar:
    more = {"team": str(team)} if team else {}
    return share_bar(_team(team) or "没有团队", *pair, href(side="rest", **more))


def _unit(one: Standing) -> str:
    sheet = packs.in_force().indicators
    return str(sheet.units[one.declared.unit]) if sheet else ""


def _change(one: Standing) -> str:
    """In words, and whether that is better, which differs by indicator. No colour: colour means a clock."""
    if one.before is None:
        return "没有上季度的同一口径"
    if one.change is None:
        return "数少，不比较"
    points = round(one.change, 1)
    if not points:
        return "与上季度持平"
    better = (points > 0) == (one.declared.good == "more")
    return f"比上季度{'高' if points > 0 else '低'} {abs(points)} 个百分点（{'变好' if better else '变差'}）"


def _team(team: Any) -> str:
    unit = directory.current().organisations.get(team) if team else None
    return unit.name if unit else ""
