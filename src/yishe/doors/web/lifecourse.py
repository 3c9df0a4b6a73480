"""The tabs of a life: vaccines, growth, risk. What is due stands beside what is shown anyway."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from yishe.care import (
    conditions,
    encounters,
    entries,
    forms,
    growth,
    guarded,
    immunizations,
    lives,
    observations,
    pregnancies,
    risks,
    scales,
    schedules,
    timeline,
)
from yishe.care.record import Record
from yishe.doors.web import growth_chart
from yishe.doors.web.page import Here
from yishe.people import access, packs
from yishe.people.cards import Card
from yishe.people.placements import Placement
from yishe.people.sight import Sight
from yishe.policy.risks import title

VACCINES, GROWTH, RISKS, SCHEDULE = "vaccines", "growth", "risks", "schedule"
TABS = {SCHEDULE: "全程", VACCINES: "接种", GROWTH: "生长曲线", RISKS: "风险"}
ADULT = 18
STATES = {
    "late": "逾期", "due": "可种", "unsettled": "待定", "uncounted": "不计入", "held": "暂缓或不宜", "later": "未到时间",
    "past": "不再补种", "done": "已种",
}  # fmt: skip
MARKS = {"late": "red", "due": "orange", "uncounted": "orange", "unsettled": "yellow", "held": "yellow"}
VISITS = {
    "late": ("逾期", "red"), "due": ("现在该做", "orange"), "later": ("未到时间", ""), "missed": ("没做，已过", "yellow"),
    "done": ("已按时做", ""), "done_late": ("已做，迟了", "yellow"),
}  # fmt: skip
LEVELS = {"alarm": "red", "warn": "orange", "watch": "yellow"}


def tabs(card: Card, here: Here) -> dict[str, str]:
    """Those that say something of a resident of this age."""
    age = card.age(lives.day(here.now))
    shown = {
        SCHEDULE: age is not None,
        VACCINES: immunizations.programmed(card, here.now),
        GROWTH: growth.applies(card, here.now),
        RISKS: age is not None and age >= ADULT,
    }
    return {code: words for code, words in TABS.items() if shown[code]}


def tab(request: HttpRequest, here: Here, record: Record, seen: Sight) -> dict[str, Any]:
    """What a tab shows, for who may read the record. Raises Forbidden."""
    stands, card, subjects = record.placement, record.card, record.subjects
    access.require(here.actor, timeline.ACTION, stands, here.now)
    code = request.GET["tab"]
    if code == SCHEDULE:
        return _schedule(here, record, seen)
    if code == VACCINES:
        return _vaccines(here, stands, card, subjects)
    if code == GROWTH:
        return _growth(request, here, stands, card, subjects)
    return _risks(here, stands, card, subjects, seen)


def _schedule(here: Here, record: Record, seen: Sight) -> dict[str, Any]:
    stands, card = record.placement, record.card
    standing = guarded.standing(record.conditions, seen)
    shown, today = guarded.traits(card.traits, seen), lives.day(here.now)
    every = schedules.with_drafts(card, record.subjects, standing, today, shown)
    found = [one for one in every if not one.draft]
    keepers = scales.keepers(here.duties, forms.about_card(card, here.now), here.now)
    groups = [
        {"title": words, "mark": mark, "lines": lines, "doable": state in schedules.OPEN}
        for state, (words, mark) in VISITS.items()
        if (lines := [(one, schedules.form(one, keepers)) for one in found if one.state == state])
    ]
    drafts = [one for one in every if one.draft and one.state in schedules.OPEN]
    may = {
        name: access.may(here.actor, action, stands, here.now).allowed and not stands.gone
        for name, action in (("may_visit", encounters.ACTION), ("may_pregnancy", conditions.ACTION))
    }
    grown = not immunizations.programmed(card, here.now)  # for a girl it is in 记一笔 only
    may["may_pregnancy"] = may["may_pregnancy"] and grown and lives.sex(card) == pregnancies.FEMALE
    beside = {code: words for code, words in tabs(card, here).items() if code in (VACCINES, GROWTH)}
    return {
        "visits": groups,
        "beside": beside,
        "drafts": drafts,
        **may,
    }


def _vaccines(here: Here, stands: Placement, card: Card, subjects: Sequence[entries.Keyed]) -> dict[str, Any]:
    doses = immunizations.schedule(card, immunizations.standing(subjects), here.now)
    groups = [
        {"state": state, "title": words, "mark": MARKS.get(state, ""), "doses": found}
        for state, words in STATES.items()
        if (found := [dose for dose in doses if dose.state == state])
    ]
    sheet = packs.in_force().life.vaccines
    may = access.may(here.actor, immunizations.ACTION, stands, here.now).allowed and not stands.gone
    return {"doses": groups, "may_give": may, "remark": sheet.words if sheet else ""}


def _growth(
    request: HttpRequest, here: Here, stands: Placement, card: Card, subjects: Sequence[entries.Keyed]
) -> dict[str, Any]:
    standard = packs.in_force().life.growth
    if standard is None or card.birth_date is None:
        return {}
    visits = growth.visits(card, observations.latest(subjects))
    codes = {code: str(one.title) for code, one in standard.sheet.indicators.items()}
    shown = request.GET.get("show", "")
    shown = shown if shown in codes else next(iter(codes))
    days = (lives.day(here.now) - card.birth_date).days
    may = access.may(here.actor, observations.ACTION, stands, here.now).allowed and not stands.gone
    return {
        "indicators": codes,
        "shown": shown,
        "chart": growth_chart.draw(standard, shown, lives.sex(card) or "male", visits, days),
        "visits": [{"on": one.on, "rows": _scores(one, here)} for one in reversed(visits)],
        "may_measure": may,
        "licence": standard.sheet.licence,
        "drafts": list(standard.sheet.drafts.values()),
    }


def _scores(visit: growth.Visit, here: Here) -> list[dict[str, Any]]:
    return [
        {
            "title": one.indicator.title,
            "value": f"{one.value:.{one.indicator.decimals}f} {one.indicator.unit}",
            "z": "" if one.z is None else f"{one.z:+.2f}",
            "grade": one.grade,
            "mark": LEVELS.get(one.grade.level, "") if one.grade else "",
            "doubtful": one.doubtful,
            "why": one.why,
        }
        for one in visit.scores
        if one.value is not None
    ]


def _risks(
    here: Here, stands: Placement, card: Card, subjects: Sequence[entries.Keyed], seen: Sight
) -> dict[str, Any]:
    inputs = packs.in_force().life.inputs
    found = risks.known(card, guarded.traits(card.traits, seen), observations.latest(subjects), here.now)
    shown = [
        {
            "result": one,
            "mark": LEVELS.get(one.grade.level, "") if one.grade else "",
            "read": [
                {"title": title(inputs, name), "value": _said(value), "on": found.days.get(name)}
                for name, value in one.inputs.items()
            ],
        }
        for one in risks.results(found)
    ]
    may = access.may(here.actor, observations.ACTION, stands, here.now).allowed and not stands.gone
    return {"risks": shown, "may_measure": may}


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        return f"{value:g}"
    return {"male": "男", "female": "女"}.get(str(value), str(value))
