"""Follow-ups (随访): a form of the pack filled for a resident, saved as one goes, classified when it is submitted.

Submitting is one commit: the form with its class and the next day, the contact, the measurements, the year's promises that
it keeps, the promise to come again. An emergency acts with the save that shows it. A referral is proposed, never sent.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, followup_contacts, forms, lives, scales, schedules
from yishe.care.forms import COMPLETED, Saved, Told
from yishe.care.models import QuestionnaireResponse
from yishe.people.actors import Actor
from yishe.policy import followup_classes, scale_scoring
from yishe.policy.followup_classes import Concluded
from yishe.policy.followup_rules import HOW, NONE, ON, Followup
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.scale_rules import Effect
from yishe.policy.scale_scoring import About
from yishe.trust.commit import Bundle

Draft = entries.Draft[QuestionnaireResponse]
NEXT = "next"
"""The item that names the agreed day, where a form has it; every other date tells of what was."""


def begin(
    actor: Actor, resident: UUID, *, kind: str, response: UUID, at: datetime, command_id: str,
    informant: str = forms.STAFF, digest: bytes | None = None,
) -> QuestionnaireResponse:  # fmt: skip
    """Begin a form under the id its page was given.

    Refused as `entries.begin`; Invalid for an unknown or unapproved form or one not made for her; Forbidden for a duty that
    does not fill it; Conflict `already_started`, naming the open one."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    body = {"followup": kind, "response": str(response), "informant": informant}
    draft = entries.begin(QuestionnaireResponse, command, body)
    if draft.earlier is not None:
        return draft.earlier
    form = scales.followup(kind, at)
    forms.may_fill(actor, form, informant, at)
    fits(form, forms.about(draft.placement, at))
    forms.only_one(form, draft)
    return forms.begun(draft, form, informant, response)


def answer(
    actor: Actor, resident: UUID, response: UUID, given: Mapping[str, Any], *, at: datetime, command_id: str,
    confirmed: Collection[str] = (), digest: bytes | None = None,
) -> Saved:  # fmt: skip
    """Save answers beside those saved before. Raises as `assessments.answer`; Invalid, as a question, for answers that cannot
    be true together."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    body = forms.body(response, given, confirmed)
    return forms.until_settled(lambda: forms.answered(command, response, body, followup=True))


def submit(
    actor: Actor,
    resident: UUID,
    response: UUID,
    *,
    at: datetime,
    command_id: str,
    digest: bytes | None = None,
) -> Saved:
    """Finish a form. Everything that follows from it happens in the same commit; the draft stays when it is refused.

    Raises as `assessments.submit`; Invalid for days that cannot be; Conflict `followed_up_today` when she was followed up so
    on that day already."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    return forms.until_settled(lambda: _submitted(command, response))


def discard(
    actor: Actor,
    resident: UUID,
    response: UUID,
    *,
    at: datetime,
    command_id: str,
    digest: bytes | None = None,
) -> QuestionnaireResponse:
    """Throw an open form away; what an emergency opened stays open."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    return forms.until_settled(lambda: forms.discarded(command, response, followup=True)).row


def concluded(told: Told) -> Concluded:
    """What a submitted form came to, as it was kept."""
    kept = (told.result or {}).get("concluded", {})
    due = date.fromisoformat(kept["next"]) if kept.get("next") else None
    return Concluded(kept.get("code", ""), due, kept.get("targets"))


def is_one(row: QuestionnaireResponse) -> bool:
    """Whether the form is a follow-up."""
    return scales.is_followup(row.scale)


# Deciding


def _submitted(command: entries.Command, response: UUID) -> Saved:
    asked = {"response": str(response), "verb": "submit"}
    draft, before = forms.continued(
        command, response, asked, followup=True, happened=lambda told: _moment(told, command.at)
    )
    if draft.earlier is not None:
        return Saved(draft.earlier)
    forms.still_open(before)
    happened = draft.command.happened
    forms.still_here(draft.placement, happened)
    form, told = form_of(before), forms.filled(draft, before)
    whose = forms.about(draft.placement, happened)
    forms.complete(form, told, whose)
    told = replace(told, answers=scale_scoring.counted(form, told.answers, whose))
    last = _last(draft, form, happened)
    days(form, told, command.at)
    fits(form, whose)
    found = followup_classes.conclude(form, told.answers, whose, last, day_of(told))
    found = scheduled(draft, form, told, found)
    found = agreed(form, told, found)
    return _kept(draft, before, form, told, found, whose)


def _kept(
    draft: Draft, before: QuestionnaireResponse, form: Followup, told: Told, found: Concluded, whose: About
) -> Saved:
    """Everything of one follow-up in one bundle."""
    bundle = Bundle()
    left = followup_contacts.left(draft, form, told, words(form, found), bundle)
    result = scale_scoring.result(form, told.answers, whose)
    done = {effect for code in told.raised for effect in form.flags[code].then}
    effects = [
        (one.title.zh, effect) for one in result.findings(form) for effect in one.then if effect not in done
    ]
    effects += following(form, found)
    came = {**forms.plain(result, whose), "concluded": said(found), **left}
    told = replace(told, raised=result.flags, result=came)
    row, opened = forms.put(draft, before, bundle, told, COMPLETED, effects)
    return Saved(row, result.flags, opened)


def following(form: Followup, found: Concluded) -> list[tuple[str, Effect]]:
    one = found.of(form)
    return [(one.title.zh, effect) for effect in one.then] if one else []


def words(form: Followup, found: Concluded) -> str:
    """What the entry of the meeting says."""
    one = found.of(form)
    words = f"{form.title}：{one.title if one else '未能分类'}"
    return words + (f"；下次随访不晚于 {found.next:%Y-%m-%d}" if found.next else "")


def form_of(row: QuestionnaireResponse) -> Followup:
    form = scales.begun_under(row.scale, row.definition)
    if not isinstance(form, Followup):
        raise TypeError(f"{row.scale} is no follow-up form")
    return form


def said(found: Concluded) -> dict[str, Any]:
    return {**asdict(found), "next": found.next.isoformat() if found.next else None}


def day_of(told: Told) -> date:
    return date.fromisoformat(str(told.answers[ON]))


def _moment(told: Told, at: datetime) -> datetime | None:
    """When the follow-up was; None for now."""
    return lives.earlier(day_of(told), at) if ON in told.answers else None


def _last(draft: Draft, form: Followup, happened: datetime) -> str:
    """The class of the follow-up before this one. Conflict when one of this kind was done on this very day."""
    rows = entries.latest(QuestionnaireResponse, draft.subjects).filter(scale=form.code)
    day = lives.day(happened)
    same = rows.filter(**entries.on(day)).first()
    if same is not None:
        raise Conflict(
            "followed_up_today",
            f"{day:%Y-%m-%d} 已有一份《{form.title}》：同一天只记一份。如是另一天做的，请改随访日期；重复的请作废这份草稿（内容都在）。",
            existing=str(same.response),
        )  # fmt: skip
    row = rows.filter(occurred_at__lt=happened).order_by("-occurred_at", "-id").first()
    return class_of(draft, row) if row else NONE


def class_of(draft: Draft, row: QuestionnaireResponse) -> str:
    """What one of her follow-ups was classified as; `NONE` when it could not be."""
    return concluded(forms.filled(draft, row)).code or NONE


def days(form: Followup, told: Told, at: datetime) -> None:
    today = lives.day(at)
    for code, item in form.items.items():
        given = told.answers.get(code) if item.type == "date" else None
        if given and code != NEXT and date.fromisoformat(given) > today:
            raise Invalid("in_the_future", f"“{item.ask}”填的是将来的日期：请改成实际的日期。", item=code)


def fits(form: Followup, whose: About) -> None:
    """Invalid `followup_unfit`, in the words of the pack, for a form that is not made for her."""
    if form.fits and scale_scoring.fits(form, whose) is False:
        raise Invalid("followup_unfit", str(form.fits.says), followup=form.code)


def scheduled(draft: Draft, form: Followup, told: Told, found: Concluded) -> Concluded:
    """By the next visit of the form's schedules, where the class itself says no length of time."""
    if found.next or not found.code or not form.visits:
        return found
    day = day_of(told)
    lines = schedules.of(draft.placement, day)
    made = followup_contacts.visit(form, lines, day, str(told.answers[HOW]))
    mine = [one for one in lines if one.code.partition(".")[0] in form.visits and one.code != made]
    return replace(
        found, next=min((one.due for one in mine if one.on is None and one.due > day), default=None)
    )


def agreed(form: Followup, told: Told, found: Concluded) -> Concluded:
    """The day agreed with her in place of the rule's, which it may not pass."""
    given = told.answers.get(NEXT)
    if not given:
        return found
    agreed = date.fromisoformat(given)
    if agreed <= day_of(told) or (found.next and agreed > found.next):
        until = f"，不晚于 {found.next:%Y-%m-%d}（按{form.classes[found.code].title}）" if found.next else ""
        raise Invalid("next_day", f"约定的下次随访要在这次之后{until}：请改日期，或留空按规则定。", item=NEXT)
    return replace(found, next=agreed)
