"""Assessments (评估): a scale of the pack filled for a resident, saved as one goes, submitted, amended.

Every save is a row that supersedes the one before, so nothing that was answered is lost and two who fill at once are put
together. A red flag acts with the save that turns it, whether or not the form is ever submitted.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, forms, scales
from yishe.care.models import QuestionnaireResponse
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import scale_scoring
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.scale_rules import Effect, Scale
from yishe.policy.scale_scoring import Result
from yishe.trust.commit import Bundle


def start(
    actor: Actor, resident: UUID, *, scale: str, at: datetime, command_id: str, informant: str = forms.STAFF,
    again: bool = False, digest: bytes | None = None,
) -> QuestionnaireResponse:  # fmt: skip
    """Begin a form. `informant` is who answers: staff, resident or relative.

    Refused as `entries.begin`; Invalid for an unknown scale, one not made for her, an informant the pack does not let
    answer; Forbidden for a duty that does not fill it; Conflict `already_started` (with the open form) and, unless
    `again`, `done_recently`."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    return begun(command, scale, informant, again=again)


def answer(
    actor: Actor, resident: UUID, response: UUID, given: Mapping[str, Any], *, at: datetime, command_id: str,
    confirmed: Collection[str] = (), digest: bytes | None = None,
) -> forms.Saved:  # fmt: skip
    """Save answers to some questions, beside those saved before; an empty one takes the answer back. `confirmed` are
    items whose unusual value was checked. A flag that these answers turn opens its loops in the same commit.

    Raises as `entries.begin`; NotFound, Conflict `submitted` for a form that is not open, Invalid for impossible answers
    (nothing of this save is kept then)."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    body = forms.body(response, given, confirmed)
    return forms.until_settled(lambda: forms.answered(command, response, body))


def submit(
    actor: Actor,
    resident: UUID,
    response: UUID,
    *,
    at: datetime,
    command_id: str,
    digest: bytes | None = None,
) -> forms.Saved:
    """Finish a form: it is scored by the version it was begun under, and what the pack says of the result happens.

    Raises as `answer`; Invalid `answers_missing` naming the questions still open."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    return forms.until_settled(lambda: submitted(command, response))


def amend(
    actor: Actor, resident: UUID, response: UUID, given: Mapping[str, Any], *, reason: str, at: datetime,
    command_id: str, confirmed: Collection[str] = (), digest: bytes | None = None,
) -> forms.Saved:  # fmt: skip
    """Correct a submitted form, saying why; the earlier one stays readable as its predecessor. Loops that were opened
    stay; what the new result asks for beside them is opened.

    Raises as `submit`; Invalid without a reason, Conflict `not_submitted` for a draft."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    body = forms.body(response, given, confirmed, reason=forms.why(reason))
    return forms.until_settled(lambda: _amended(command, response, body))


def discard(
    actor: Actor,
    resident: UUID,
    response: UUID,
    *,
    at: datetime,
    command_id: str,
    digest: bytes | None = None,
) -> QuestionnaireResponse:
    """Throw an open form away; what a flag opened stays open. Conflict once it is submitted."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    return forms.until_settled(lambda: forms.discarded(command, response)).row


# Deciding


def begun(
    command: entries.Command,
    scale: str,
    informant: str,
    *,
    again: bool = False,
    by: Mapping[str, str] = forms.NOBODY,
) -> QuestionnaireResponse:
    """A form begun by whoever may, as `start` says; `by` is who answers from outside (`care.answering`)."""
    draft = entries.begin(QuestionnaireResponse, command, {"scale": scale, "informant": informant})
    if draft.earlier is not None:
        return draft.earlier
    chosen = scales.in_force(scale, command.at)
    if command.action == forms.ANSWER:
        forms.may_answer(chosen, informant)
    else:
        forms.may_fill(command.actor, chosen, informant, command.at)
    _fits(chosen, draft.placement, command.at)
    _not_twice(chosen, draft, again=again)
    return forms.begun(draft, chosen, informant, by=by)


def submitted(command: entries.Command, response: UUID) -> forms.Saved:
    """One attempt to finish a form, as `submit` says."""
    draft, before = forms.continued(command, response, {"response": str(response), "verb": "submit"})
    if draft.earlier is not None:
        return forms.Saved(draft.earlier)
    forms.still_open(before)
    forms.still_here(draft.placement, command.at)
    return _finished(draft, before, forms.filled(draft, before), forms.COMPLETED, frozenset())


def _amended(command: entries.Command, response: UUID, body: dict[str, Any]) -> forms.Saved:
    draft, before = forms.continued(command, response, body)
    if draft.earlier is not None:
        return forms.Saved(draft.earlier)
    if before.status == forms.DRAFT:
        raise Conflict("not_submitted", "这份评估还没有提交：直接改答案就行，不用更正。")
    forms.still_here(draft.placement, command.at)
    scale, told = scales.begun_under(before.scale, before.definition), forms.filled(draft, before)
    was = scale_scoring.result(scale, told.answers, forms.about(draft.placement, before.occurred_at))
    told = replace(forms.with_answers(scale, told, body), reason=body["reason"])
    return _finished(draft, before, told, forms.AMENDED, frozenset(was.effects(scale)))


def _finished(
    draft: entries.Draft[QuestionnaireResponse], before: QuestionnaireResponse, told: forms.Told, status: str,
    done: frozenset[Effect],
) -> forms.Saved:  # fmt: skip
    """Scored and followed to what the pack says, but for the effects that were `done` before."""
    scale = scales.begun_under(before.scale, before.definition)
    whose = forms.about(draft.placement, before.occurred_at)
    forms.complete(scale, told, whose)
    told = replace(told, answers=scale_scoring.counted(scale, told.answers, whose))
    result = scale_scoring.result(scale, told.answers, whose)
    done |= {one for code in told.raised for one in scale.flags[code].then}
    effects = [
        (found.title.zh, one) for found in result.findings(scale) for one in found.then if one not in done
    ]
    bundle = Bundle()
    told = replace(told, raised=result.flags, result=forms.plain(result, whose))
    row, opened = forms.put(draft, before, bundle, told, status, effects, facts=_facts(scale, result))
    return forms.Saved(row, result.flags, opened)


def _fits(scale: Scale, where: Placement, at: datetime) -> None:
    if scale_scoring.fits(scale, forms.about(where, at)) is False and scale.fits:
        raise Invalid("scale_unfit", str(scale.fits.says), scale=scale.code)


def _not_twice(scale: Scale, draft: entries.Draft[QuestionnaireResponse], *, again: bool) -> None:
    forms.only_one(scale, draft)
    rows = entries.standing(QuestionnaireResponse, draft.subjects).filter(scale=scale.code)
    at = draft.command.at
    last = rows.exclude(status=forms.DRAFT).order_by("-occurred_at").first()
    if last is None or again or scale.again_within is None:
        return
    if at - last.occurred_at < scale.again_within.exact():
        said = f"{last.occurred_at.astimezone(ZONE):%m-%d %H:%M}"
        raise Conflict(
            "done_recently", f"《{scale.title}》{said} 刚做过：填错了请更正那一份；确要再做一次，请勾选“再做一次”。",
            existing=str(last.response), confirm="again",
        )  # fmt: skip


def _facts(scale: Scale, result: Result) -> list[dict[str, Any]]:
    """For rules to come: each score that could be counted."""
    return [
        {"scale": scale.code, "score": code, "value": float(one.value), "band": one.band}
        for code, one in result.scores.items()
        if one.value is not None
    ]
