"""Correcting a submitted follow-up: who, why, before and after stay readable, and what rested on it is judged anew.

The follow-ups of the same kind after it are classified again, as their class may rest on this one. Promises that none of them
asks for any more fall while nobody has taken them up; what somebody is doing already stays and is told in words.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, followup_contacts, followups, forms, lives
from yishe.care.followups import NEXT, Draft
from yishe.care.forms import AMENDED, DRAFT, Saved, Told
from yishe.care.models import QuestionnaireResponse
from yishe.loops import fulfilling
from yishe.loops.models import Loop
from yishe.loops.recording import Said
from yishe.people.actors import Actor
from yishe.policy import followup_classes, scale_scoring
from yishe.policy.followup_classes import Concluded
from yishe.policy.followup_rules import HOW, NONE, ON, Followup
from yishe.policy.reactions import Promise
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.scale_rules import Effect
from yishe.trust.commit import Bundle


@dataclass(frozen=True)
class Restated:
    """One follow-up as it `was` and as it is `told` now, with what follows from it, each effect with its words."""

    draft: Draft
    before: QuestionnaireResponse
    form: Followup
    was: Told
    told: Told
    found: Concluded
    effects: tuple[tuple[str, Effect], ...]


def amend(
    actor: Actor, resident: UUID, response: UUID, given: Mapping[str, Any], *, reason: str, at: datetime,
    command_id: str, confirmed: Collection[str] = (), digest: bytes | None = None,
) -> Saved:  # fmt: skip
    """Correct a submitted follow-up, saying why; it is classified anew, and so are those after it.

    Raises as `followups.submit`; Invalid without a reason, without a change, or for another way or day (they decide what the
    year counted); Conflict `not_submitted` for a draft."""
    command = entries.Command(actor, resident, forms.ACTION, at, command_id, digest=digest)
    body = forms.body(response, given, confirmed, reason=forms.why(reason))
    return forms.until_settled(lambda: _amended(command, response, body))


# Deciding


def _amended(command: entries.Command, response: UUID, body: dict[str, Any]) -> Saved:
    draft, before = forms.continued(command, response, body, followup=True)
    if draft.earlier is not None:
        return Saved(draft.earlier)
    if before.status == DRAFT:
        raise Conflict("not_submitted", "这份随访还没有提交：直接改答案就行，不用更正。")
    form, was = followups.form_of(before), forms.filled(draft, before)
    if was.source:
        raise Conflict(
            "taken_in", f"这份随访由{was.source}补录，不在这里更正：请改好那张表，撤销那次导入，再导入一次。"
        )
    told = replace(forms.with_answers(form, was, body), reason=body["reason"])
    _changes(was, told)
    rows = list(entries.latest(QuestionnaireResponse, draft.subjects).order_by("occurred_at", "id"))
    same = [row for row in rows if row.scale == before.scale]
    place = next(n for n, row in enumerate(same) if row.id == before.id)
    last = followups.class_of(draft, same[place - 1]) if place else NONE
    followups.days(form, told, command.at)
    restated = [_restated(draft, before, form, was, told, last)]
    restated += _later(command, restated[0], same[place + 1 :])
    others = [row for row in rows if row.id not in {one.before.id for one in restated}]
    return _kept(restated, _still_wanted(draft, before, others))


def _changes(was: Told, told: Told) -> None:
    if any(was.answers.get(item) != told.answers.get(item) for item in (HOW, ON)):
        raise Invalid(
            "day_and_way_stand",
            "随访方式和日期决定了这一次计入哪一期，不能在更正里改：请在更正原因里写明实际的日期和方式，其余照改。",
            item=HOW,
        )
    if was.answers == told.answers:
        raise Invalid("nothing_changed", "没有改动：请改正填错的那一项，再写明原因。")


def _restated(
    draft: Draft, before: QuestionnaireResponse, form: Followup, was: Told, told: Told, last: str, *, follows: bool = False
) -> Restated:  # fmt: skip
    """The form as it comes out with these answers after a follow-up classified as `last`; `follows` what another correction
    changes, whose own answers stand."""
    whose = forms.about(draft.placement, before.occurred_at)
    forms.complete(form, told, whose)
    told = replace(told, answers=scale_scoring.counted(form, told.answers, whose))
    day = followups.day_of(told)
    found = followup_classes.conclude(form, told.answers, whose, last, day)
    found = followups.scheduled(draft, form, told, found)
    found = _day_kept(told, found) if follows else followups.agreed(form, told, found)
    result = scale_scoring.result(form, told.answers, whose)
    effects = [(one.title.zh, effect) for one in result.findings(form) for effect in one.then]
    effects += followups.following(form, found)
    came = {**forms.plain(result, whose), "concluded": followups.said(found)}
    told = replace(told, raised=result.flags, result=came)
    return Restated(draft, before, form, was, told, found, tuple(effects))


def _day_kept(told: Told, found: Concluded) -> Concluded:
    """The day that was agreed with her then, where the rule does not ask for an earlier one."""
    agreed = date.fromisoformat(told.answers[NEXT]) if told.answers.get(NEXT) else None
    return replace(found, next=min(filter(None, (agreed, found.next)), default=None))


def _later(
    command: entries.Command, first: Restated, rows: Sequence[QuestionnaireResponse]
) -> list[Restated]:
    """Those after it whose class changes with the one before them, until one does not; one from a list stands as the list told."""
    found, last, day = list[Restated](), first.found.code or NONE, first.before.occurred_at
    for row in rows:
        draft = entries.begin(
            QuestionnaireResponse,
            replace(
                command, occurred_at=row.occurred_at, supersedes=row.id, digest=None,
                command_id=followup_contacts.named(command.command_id, str(row.response)),
            ),
            {"follows": str(first.before.response)},
        )  # fmt: skip
        form, was = followups.form_of(row), forms.filled(draft, row)
        if was.source:
            break
        why = f"{lives.day(day):%Y-%m-%d} 那次随访更正后，重新判定"
        one = _restated(draft, row, form, was, replace(was, reason=why), last, follows=True)
        if one.found.code == followups.concluded(was).code:
            break
        found.append(one)
        last, day = one.found.code or NONE, row.occurred_at
    return found


def _still_wanted(
    draft: Draft, before: QuestionnaireResponse, rows: Iterable[QuestionnaireResponse]
) -> set[Promise]:
    """What other follow-ups of that day and after it ask for."""
    begins = lives.begins(lives.day(before.occurred_at))
    wanted = set[Promise]()
    for row in rows:
        if row.occurred_at >= begins and followups.is_one(row):
            wanted |= _promises(followups.form_of(row), forms.filled(draft, row))
    return wanted


def _promises(form: Followup, told: Told) -> set[Promise]:
    """What a form as it was kept asked for; one from a list asked for nothing."""
    if told.source:
        return set()
    result = told.result or {}
    effects = [effect for code in told.raised for effect in form.flags[code].then]
    effects += [effect for code in result.get("rules", ()) for effect in form.rules[code].then]
    effects += [effect for _, effect in followups.following(form, followups.concluded(told))]
    return {effect.promise for effect in effects if effect.promise}


# Writing


def _kept(restated: Sequence[Restated], still: set[Promise]) -> Saved:
    """Every form that changed, what is asked for now and was not, what is not asked for any more: in one commit."""
    bundle, first = Bundle(), restated[0]
    was = {promise for one in restated for promise in _promises(one.form, one.was)}
    now = {effect.promise for one in restated for _, effect in one.effects if effect.promise}
    fell, stayed = _taken_back(bundle, first, was - now - still)
    fresh, opened = now - was, list[UUID]()
    rows = []
    for one in restated:
        words = followups.words(one.form, one.found)
        left = followup_contacts.corrected(one.draft, one.form, one.was, one.told, words, bundle)
        left |= {"fell": fell, "stayed": stayed} if one is first else {}
        told = replace(one.told, result={**(one.told.result or {}), **left})
        asked = [] if first.draft.placement.gone else [two for two in one.effects if two[1].promise in fresh]
        fresh = fresh - {effect.promise for _, effect in asked}
        row, new = forms.put(one.draft, one.before, bundle, told, AMENDED, asked, own=False)
        rows.append(row)
        opened += new
    return Saved(entries.settle(first.draft, bundle, rows[0], own=True), first.told.raised, tuple(opened))


def _taken_back(bundle: Bundle, first: Restated, promises: set[Promise]) -> tuple[list[str], list[str]]:
    """(withdrawn, left to whoever is doing it) of the loops of these promises."""
    command, since = first.draft.command, _begun(first)
    subjects = [one.subject for one in first.draft.subjects]
    fell, stayed = list[str](), list[str]()
    for promise in sorted(promises, key=lambda one: (one.kind, one.reason or "")):
        open_ = Loop.objects.filter(
            subject__in=subjects, kind=promise.kind, reason=promise.reason or "", closed_at=None, promised_at__gte=since
        )  # fmt: skip
        for loop in open_.order_by("promised_at", "id"):
            untouched = loop.accepted_at is None and loop.started_at is None
            said = Said(command.actor.staff_id, command.at)
            closes = first.form.corrected
            gone = bool(closes) and untouched and fulfilling.withdraw(bundle, loop.id, closes, said)
            (fell if gone else stayed).append(str(loop.id))
    return fell, stayed


def _begun(first: Restated) -> datetime:
    """When the form was begun: nothing before it comes from it."""
    rows = QuestionnaireResponse.objects.filter(
        response=first.before.response, **entries.of(first.draft.subjects)
    )
    found = rows.order_by("recorded_at", "id").values_list("recorded_at", flat=True).first()
    return found or first.before.recorded_at
