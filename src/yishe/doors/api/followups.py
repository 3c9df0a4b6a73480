"""Follow-ups: what can be filled, a form begun, saved, submitted, corrected, read."""

from typing import Any
from uuid import UUID, uuid5

from django.http import HttpRequest
from ninja import Router, Status

from yishe.care import assessment_reading, followup_corrections, followup_reading, followups, forms
from yishe.care.assessment_reading import Form, Overview
from yishe.doors.api.assessments import (
    Amendment,
    NewAnswers,
    Submission,
    at_once,
    filled,
    items_of,
    leave_line,
)
from yishe.doors.api.bodies import Body, Code
from yishe.doors.api.residents import identified
from yishe.doors.api.wire import Caller, caller, command, known
from yishe.policy import followup_classes
from yishe.policy.followup_rules import Class, Target
from yishe.policy.followup_rules import Followup as Declared

router = Router(tags=["follow-ups"])


class NewFollowup(Body):
    """`followup` is a code of the list."""

    followup: Code


@router.get("/residents/{resident_id}/followups")
def listing(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """What the caller may fill for her, and every follow-up, drafts first."""
    who = caller(request)
    seen = assessment_reading.overview(who.actor, identified(resident_id), who.at, followups=True)
    leave_line(who, seen, "read.followup")
    about = forms.about(seen.placement, who.at)
    return {
        "offers": [
            {"followup": one.scale.code, "title": str(one.scale.title), "version": one.scale.version, "fits": one.fits,
             "meant": isinstance(one.scale, Declared) and followup_classes.meant(one.scale, about)}
            for one in seen.offers
        ],
        "items": [_followup(one, seen) for one in (*seen.drafts, *seen.done)], "next": None,
    }  # fmt: skip


@router.post("/residents/{resident_id}/followups", response={201: dict[str, Any]})
def begin(request: HttpRequest, resident_id: str, payload: NewFollowup) -> Any:
    """Begin a follow-up; the same key again answers with the same form."""
    who, said, resident = caller(request), command(request), identified(resident_id)
    row = followups.begin(
        who.actor, resident, kind=payload.followup, response=uuid5(who.actor.staff_id, said.id), at=who.at,
        command_id=said.id, digest=said.digest,
    )  # fmt: skip
    return Status(201, _saved(who, resident, row.response))


@router.get("/residents/{resident_id}/followups/{followup_id}")
def read(request: HttpRequest, resident_id: str, followup_id: str) -> dict[str, Any]:
    """One follow-up with its questions, what is answered, what it came to and how it was corrected."""
    who, resident, response = caller(request), identified(resident_id), _known(followup_id)
    form, seen = assessment_reading.form(who.actor, resident, response, who.at, followups=True)
    leave_line(who, seen, "read.followup")
    return _whole(who, form, seen)


@router.post("/residents/{resident_id}/followups/{followup_id}/answers")
def keep(request: HttpRequest, resident_id: str, followup_id: str, payload: NewAnswers) -> dict[str, Any]:
    """Save answers as they come. An emergency value opens its loops with the save that shows it."""
    who, said = caller(request), command(request)
    resident, response = identified(resident_id), _known(followup_id)
    saved = followups.answer(
        who.actor, resident, response, payload.answers, confirmed=payload.confirmed, at=who.at, command_id=said.id,
        digest=said.digest,
    )  # fmt: skip
    return _saved(who, resident, response, saved.opened)


@router.post("/residents/{resident_id}/followups/{followup_id}/submit")
def submit(request: HttpRequest, resident_id: str, followup_id: str, payload: Submission) -> dict[str, Any]:
    """Finish a follow-up: classified, written down as a contact, the next one promised, the year's promises kept."""
    who, said = caller(request), command(request)
    resident, response = identified(resident_id), _known(followup_id)
    saved = followups.submit(who.actor, resident, response, at=who.at, command_id=said.id, digest=said.digest)
    return _saved(who, resident, response, saved.opened)


@router.post("/residents/{resident_id}/followups/{followup_id}/amend")
def amend(request: HttpRequest, resident_id: str, followup_id: str, payload: Amendment) -> dict[str, Any]:
    """Correct a submitted follow-up with a reason, but for its way and day: it and those after it are classified anew, what was
    before stays readable."""
    who, said = caller(request), command(request)
    resident, response = identified(resident_id), _known(followup_id)
    saved = followup_corrections.amend(
        who.actor, resident, response, payload.answers, reason=payload.reason, confirmed=payload.confirmed, at=who.at,
        command_id=said.id, digest=said.digest,
    )  # fmt: skip
    return _saved(who, resident, response, saved.opened)


def _known(text: str) -> UUID:
    return known(text, "no_form", "找不到这份随访：请从随访列表重新打开。")


def _saved(who: Caller, resident: UUID, response: UUID, opened: tuple[UUID, ...] = ()) -> dict[str, Any]:
    form, seen = assessment_reading.form(who.actor, resident, response, who.at, followups=True)
    return {**_whole(who, form, seen), **at_once(form, opened)}


def _whole(who: Caller, form: Form, seen: Overview) -> dict[str, Any]:
    states = (
        assessment_reading.states(who.actor, seen.placement.resident, form.row.response, who.at)
        if form.row.status == forms.AMENDED
        else []
    )
    corrections = [
        {"by": one.author, "at": one.at.isoformat(), "reason": one.reason,
         "changes": [{"what": what, "before": before, "after": after} for what, before, after in one.rows]}
        for one in followup_reading.changes(states)
    ]  # fmt: skip
    return {**_followup(form, seen), "items": items_of(form), "corrections": corrections}


def _followup(form: Form, seen: Overview) -> dict[str, Any]:
    return {**filled(form, seen), "followup": form.row.scale if form.told else "", **_came_to(form)}


def _came_to(form: Form) -> dict[str, Any]:
    """What a submitted follow-up was found to be; empty while it is open or hidden."""
    declared, told = form.scale, form.told
    if told is None or told.result is None or not isinstance(declared, Declared):
        return {"result": None, "next": None, "targets": [], "proposes": None, "reminders": []}
    found = followups.concluded(told)
    one = found.of(declared)
    refer = one.refer if one else None
    return {
        "result": _result(found.code, one) if one else None,
        "next": found.next.isoformat() if found.next else None,
        "targets": [_target(code, aim, met) for code, aim, met in found.aims(declared)],
        "proposes": {"kind": refer.kind, "reason": refer.reason, "says": str(refer.says)} if refer else None,
        "reminders": [str(declared.rules[code].title) for code in told.result.get("rules", ())],
    }


def _result(code: str, one: Class) -> dict[str, Any]:
    says = str(one.says) if one.says else None
    return {"code": code, "national": one.code, "title": str(one.title), "says": says, "well": one.well}


def _target(code: str, one: Target, met: bool) -> dict[str, Any]:
    return {"code": code, "title": str(one.title), "source": one.source.section or one.source.id, "met": met}
