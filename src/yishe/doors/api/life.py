"""A life: vaccines, growth and risk as the packs reckon them, each with why; recording a vaccination."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from yishe.care import (
    conditions,
    entries,
    growth,
    guarded,
    immunizations,
    lives,
    observations,
    risks,
    schedules,
    timeline,
)
from yishe.doors.api.bodies import NewImmunization
from yishe.doors.api.residents import SOURCE, identified, recorded
from yishe.doors.api.wire import Caller, caller, command
from yishe.people import access, packs, sight
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement
from yishe.policy.growth import Score
from yishe.policy.refusals import NotFound
from yishe.policy.risks import Result
from yishe.policy.schedules import Line
from yishe.policy.vaccines import Dose
from yishe.trust import access_log

router = Router(tags=["residents"])


@router.get("/residents/{resident_id}/vaccines")
def vaccines(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """Every dose of the programme: done, late, due, later, held, past or unsettled, with why."""
    who, placement, card = seen(request, resident_id, "read.vaccines")
    rows = immunizations.standing(entries.keyed(placement))
    sheet = packs.in_force().life.vaccines
    doses = immunizations.schedule(card, rows, who.at)
    return {"doses": [_dose(one) for one in doses], "remark": str(sheet.words or "") if sheet else ""}


@router.get("/residents/{resident_id}/schedules")
def schedules_of(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """What her age and the events of her life owe her: done, due, late, to come or missed, with why. Nothing follows from a
    condition that the caller is only told of."""
    who, placement, card = seen(request, resident_id, "read.schedules")
    found = conditions.standing(entries.keyed(placement), ("disease",))
    sees = sight.of(who.actor, placement, who.at)
    shown, traits = guarded.standing(found, sees), guarded.traits(card.traits, sees)
    lines = schedules.lines(card, entries.keyed(placement), shown, lives.day(who.at), traits)
    return {"items": [_visit(one) for one in lines], "next": None}


@router.get("/residents/{resident_id}/growth")
def growth_of(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """Each day of measuring a child, oldest first, with z-scores."""
    who, placement, card = seen(request, resident_id, "read.growth")
    visits = (
        growth.visits(card, observations.latest(entries.keyed(placement)))
        if growth.applies(card, who.at)
        else []
    )
    standard = packs.in_force().life.growth
    return {
        "visits": [
            {"on": one.on, "days": one.child.days, "scores": [_score(score) for score in one.scores]}
            for one in visits
        ],
        "licence": standard.sheet.licence if standard else "",
    }


@router.get("/residents/{resident_id}/risks")
def risks_of(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """Every approved model: its value and grade, what it read, or what is missing."""
    who, placement, card = seen(request, resident_id, "read.risks")
    traits = guarded.traits(card.traits, sight.of(who.actor, placement, who.at))
    found = risks.known(card, traits, observations.latest(entries.keyed(placement)), who.at)
    return {"risks": [_risk(one) for one in risks.results(found)]}


@router.post("/residents/{resident_id}/immunizations", response={201: dict[str, Any]})
def record_immunization(request: HttpRequest, resident_id: str, payload: NewImmunization) -> Any:
    """A dose that was given, or the reason why it is not."""
    who, said = caller(request), command(request)
    row = immunizations.record(
        who.actor,
        identified(resident_id),
        vaccine=payload.vaccine,
        reason=payload.reason or "",
        until=payload.until,
        batch=payload.batch or "",
        remark=payload.remark or "",
        occurred_at=payload.occurred_at,
        supersedes=payload.supersedes,
        at=who.at,
        command_id=said.id,
        digest=said.digest,
    )
    return Status(201, {**recorded(row, resident_id), "vaccine": row.vaccine, "state": row.state})


def seen(request: HttpRequest, resident_id: str, action: str) -> tuple[Caller, Placement, Card]:
    """May the caller read this record; leaves the access line under the action."""
    who, placement = caller(request), entries.whose(identified(resident_id))
    permission = access.require(who.actor, timeline.ACTION, placement, who.at)
    card = cards([placement.subject]).get(placement.subject)
    if card is None:
        raise NotFound("no_such_resident", "这位居民的资料已按其要求删除。")
    access_log.line(
        None,
        home=placement.home,
        actor=who.actor.staff_id,
        action=action,
        subjects=[placement.subject],
        **permission.line,
        source=SOURCE,
        at=who.at,
    )
    return who, placement, card


def _visit(one: Line) -> dict[str, Any]:
    late = max(0, one.days_late)
    return {
        "visit": one.code, "title": one.title, "state": one.state, "why": one.why, "starts": one.starts, "due": one.due,
        "ends": one.ends, "on": one.on, "days_late": late,
    }  # fmt: skip


def _dose(one: Dose) -> dict[str, Any]:
    return {
        "series": one.series,
        "number": one.number,
        "vaccine": one.vaccine,
        "title": one.title,
        "state": one.state,
        "why": one.why,
        "on": one.on,
        "earliest": one.earliest,
        "late_from": one.late_from,
        "days_late": one.days_late,
    }


def _score(one: Score) -> dict[str, Any]:
    return {
        "indicator": one.code,
        "title": str(one.indicator.title),
        "value": one.value,
        "unit": one.indicator.unit,
        "z": one.z,
        "grade": str(one.grade.title) if one.grade else None,
        "doubtful": one.doubtful,
        "why": one.why,
    }


def _risk(one: Result) -> dict[str, Any]:
    return {
        "model": one.code,
        "title": str(one.model.title),
        "version": one.model.version,
        "source": one.source.section or one.source.id,
        "state": one.state,
        "value": one.value,
        "unit": one.model.unit,
        "grade": str(one.grade.title) if one.grade else None,
        "advice": str(one.grade.advice) if one.grade and one.grade.advice else None,
        "inputs": dict(one.inputs),
        "missing": list(one.missing),
        "why": one.why,
    }
