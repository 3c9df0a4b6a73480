"""Assessments: what can be filled, a form begun, saved, submitted, read."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field, StrictFloat, StrictInt

from yishe.care import assessment_reading, assessments
from yishe.care.assessment_reading import Form, Overview
from yishe.doors.api.bodies import Body, Code
from yishe.doors.api.residents import SOURCE, identified
from yishe.doors.api.wire import Caller, caller, command, known
from yishe.trust import access_log

router = Router(tags=["assessments"])
Words = Annotated[str, Field(max_length=2000)]


class NewAssessment(Body):
    """`scale` is a code of the list; `informant` staff, resident or relative; `again` when the last one was just now."""

    scale: Code
    informant: Code = "staff"
    again: bool = False


class NewAnswers(Body):
    """`answers` by item, beside those saved before; null takes one back. `confirmed` are items whose unusual value was
    checked."""

    answers: dict[Code, Words | StrictInt | StrictFloat | list[Code] | None] = Field(max_length=200)
    confirmed: list[Code] = Field(default_factory=list, max_length=200)


class Amendment(NewAnswers):
    """The answers that were wrong, as they should be, and why."""

    reason: Annotated[str, Field(max_length=500)]


class Submission(Body):
    """Nothing: what was saved is what is submitted."""


@router.get("/residents/{resident_id}/assessments")
def listing(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """What the caller may fill for her, and every form, drafts first."""
    who = caller(request)
    seen = assessment_reading.overview(who.actor, identified(resident_id), who.at)
    leave_line(who, seen)
    return {
        "offers": [
            {"scale": one.scale.code, "title": str(one.scale.title), "version": one.scale.version, "fits": one.fits,
             "licence": str(one.scale.licence.note)}
            for one in seen.offers
        ],
        "items": [_form(one, seen) for one in (*seen.drafts, *seen.done)], "next": None,
    }  # fmt: skip


@router.post("/residents/{resident_id}/assessments", response={201: dict[str, Any]})
def begin(request: HttpRequest, resident_id: str, payload: NewAssessment) -> Any:
    """Begin a form."""
    who, said, resident = caller(request), command(request), identified(resident_id)
    row = assessments.start(
        who.actor, resident, scale=payload.scale, informant=payload.informant, again=payload.again, at=who.at,
        command_id=said.id, digest=said.digest,
    )  # fmt: skip
    return Status(201, _saved(who, resident, row.response))


@router.get("/residents/{resident_id}/assessments/{assessment_id}")
def read(request: HttpRequest, resident_id: str, assessment_id: str) -> dict[str, Any]:
    """One form with its questions, what is answered, and once submitted what came out."""
    who = caller(request)
    form, seen = assessment_reading.form(who.actor, identified(resident_id), _known(assessment_id), who.at)
    leave_line(who, seen)
    return {**_form(form, seen), "items": items_of(form)}


@router.post("/residents/{resident_id}/assessments/{assessment_id}/answers")
def keep(request: HttpRequest, resident_id: str, assessment_id: str, payload: NewAnswers) -> dict[str, Any]:
    """Save answers as they come. A red flag opens its loops with the save that turns it."""
    who, said = caller(request), command(request)
    resident, response = identified(resident_id), _known(assessment_id)
    saved = assessments.answer(
        who.actor, resident, response, payload.answers, confirmed=payload.confirmed, at=who.at, command_id=said.id,
        digest=said.digest,
    )  # fmt: skip
    return _saved(who, resident, response, saved.opened)


@router.post("/residents/{resident_id}/assessments/{assessment_id}/submit")
def submit(request: HttpRequest, resident_id: str, assessment_id: str, payload: Submission) -> dict[str, Any]:
    """Finish a form: it is scored, and what the pack says of the result happens."""
    who, said = caller(request), command(request)
    resident, response = identified(resident_id), _known(assessment_id)
    saved = assessments.submit(
        who.actor, resident, response, at=who.at, command_id=said.id, digest=said.digest
    )
    return _saved(who, resident, response, saved.opened)


@router.post("/residents/{resident_id}/assessments/{assessment_id}/amend")
def amend(request: HttpRequest, resident_id: str, assessment_id: str, payload: Amendment) -> dict[str, Any]:
    """Correct a submitted form with a reason: scored anew, what was before stays readable, what was opened stays open."""
    who, said = caller(request), command(request)
    resident, response = identified(resident_id), _known(assessment_id)
    saved = assessments.amend(
        who.actor, resident, response, payload.answers, reason=payload.reason, confirmed=payload.confirmed, at=who.at,
        command_id=said.id, digest=said.digest,
    )  # fmt: skip
    return _saved(who, resident, response, saved.opened)


def _known(text: str) -> UUID:
    return known(text, "no_form", "找不到这份评估：请从评估列表重新打开。")


def _saved(who: Caller, resident: UUID, response: UUID, opened: tuple[UUID, ...] = ()) -> dict[str, Any]:
    form, seen = assessment_reading.form(who.actor, resident, response, who.at)
    return {**_form(form, seen), "items": items_of(form), **at_once(form, opened)}


def _form(form: Form, seen: Overview) -> dict[str, Any]:
    result = form.told.result if form.told and form.told.result else {}
    return {
        **filled(form, seen), "scale": form.row.scale if form.told else "", "informant": form.row.informant,
        "scores": [_score(form, code, one) for code, one in form.scores.items()],
        "rules": [str(form.scale.rules[code].title) for code in result.get("rules", ())],
        "undecided": [str(form.scale.rules[code].title) for code in result.get("undecided", ())],
    }  # fmt: skip


def _score(form: Form, code: str, found: Any) -> dict[str, Any]:
    score = form.scale.scores[code]
    band = score.bands.get(found["band"])
    return {
        "code": code, "title": str(score.title), "value": found["value"], "band": found["band"] or None,
        "band_title": str(band.title) if band else None,
        "points": {part["item"]: part["points"] for part in found["parts"]}, "missing": list(found["missing"]),
    }  # fmt: skip


def filled(form: Form, seen: Overview) -> dict[str, Any]:
    """What is answered of any form, whatever it is for."""
    row, told = form.row, form.told
    return {
        "id": row.response, "resident": seen.placement.resident, "title": str(form.scale.title) if told else None,
        "version": row.version if told else "", "status": row.status, "author": row.author,
        "occurred_at": row.occurred_at.isoformat(), "recorded_at": row.recorded_at.isoformat(),
        "newer": form.newer or None if told else None, "hidden": None if told else form.instead,
        "answers": dict(told.answers) if told else None, "asked": list(form.asked) if told else [],
        "missing": list(form.open_items) if told else [],
        "flags": {code: str(form.scale.flags[code].title) for code in form.flags},
    }  # fmt: skip


def at_once(form: Form, opened: tuple[UUID, ...]) -> dict[str, Any]:
    """The loops that a save opened, and what to do at once by each flag that stands."""
    steps = {code: str(form.scale.flags[code].steps) for code in form.flags}
    return {"opened": list(opened), "steps": steps}


def items_of(form: Form) -> list[dict[str, Any]]:
    """The questions of a form, in order."""
    return [
        {"code": code, "ask": str(item.ask), "type": item.type, "required": item.required, "unit": item.unit,
         "choices": {name: str(option.say) for name, option in form.scale.options(code).items()}}
        for code, item in form.scale.items.items()
    ]  # fmt: skip


def leave_line(who: Caller, seen: Overview, action: str = "read.assessment") -> None:
    access_log.line(
        None, home=seen.placement.home, actor=who.actor.staff_id, action=action,
        subjects=[seen.placement.subject], **seen.permission.line, source=SOURCE, at=who.at,
    )  # fmt: skip
