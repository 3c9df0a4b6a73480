"""随访: one form on one screen, saved as one goes; what it came to, and what is proposed. A refusal keeps what was typed."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from yishe.care import assessment_reading, followup_corrections, followup_reading, followups, forms, scales
from yishe.care.assessment_reading import Form, Overview
from yishe.doors.web import alongside, assessing, followup_items, page, pressing, resident, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.people import packs
from yishe.people.placements import Placement
from yishe.policy.followup_rules import HOW, ON, Followup, Referral
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import ids

STAYING = ("already_started", "followed_up_today")
"""Conflicts after which the page stays as it is, with everything that was typed."""


@signed_in
def new(request: HttpRequest, here: Here, resident_id: UUID, kind: str) -> HttpResponse:
    """A form of this kind, empty or as it was left. `how` sets the way, `back` where to go on afterwards."""
    stands, _ = resident.allowed(here, resident_id, forms.ACTION)
    forms.may_fill(here.actor, scales.followup(kind, here.now), forms.STAFF, here.now)
    form, seen = assessment_reading.blank(here.actor, stands.resident, kind, ids.new(), here.now, {})
    if form.row.pk not in {one.row.pk for one in seen.drafts}:
        followups.fits(_declared(form), form.about)
    return filling(request, here, form, seen)


@signed_in
def followup(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """The form while it is open, what it came to once it is submitted."""
    form, seen = assessment_reading.form(here.actor, resident_id, response, here.now, followups=True)
    if form.row.status == forms.DRAFT and form.may_go_on(here.actor, seen.placement, here.now):
        return filling(request, here, form, seen)
    return _result(request, here, form, seen)


@require_POST
@signed_in
def keep(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Save what changed. Inside the page only its state is drawn anew."""
    refused = _saved(request, here, resident_id, response)
    form, seen = _standing(request, here, resident_id, response)
    if getattr(request, "htmx", False):
        told = {**assessing.state(here, form, seen), "refusal": refused}
        status = refused.status if refused else 200
        return page.show(request, here, "parts/assessment_state.html", told, status=status)
    if refused is None:
        return HttpResponseRedirect(request.path.removesuffix("/save"))
    return filling(request, here, form, seen, refused)


@require_POST
@signed_in
def submit(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Save what is on the page and finish the form."""
    refused = _saved(request, here, resident_id, response)
    if refused is None:
        command = f"{pressing.command(request)}:submit"
        try:
            followups.submit(here.actor, resident_id, response, at=here.now, command_id=command)
            back = back_of(request)
            to = request.path.removesuffix("/submit")
            return HttpResponseRedirect(f"{to}?back={back}" if back else to)
        except Invalid as said:
            refused = said
        except Conflict as said:
            if said.code not in STAYING:
                raise
            refused = said
    form, seen = _standing(request, here, resident_id, response)
    return filling(request, here, form, seen, refused)


@require_POST
@signed_in
def discard(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Throw an open form away."""
    followups.discard(here.actor, resident_id, response, at=here.now, command_id=pressing.command(request))
    return page.done(request, "草稿已作废", f"/residents/{resident_id}?tab=followups")


@require_http_methods(["GET", "POST"])
@signed_in
def amend(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Correct what was submitted, saying why."""
    resident.allowed(here, resident_id, forms.ACTION)
    refused = None
    if request.method == "POST":
        try:
            followup_corrections.amend(
                here.actor, resident_id, response, assessing.given(request), reason=request.POST.get("reason", ""),
                at=here.now, confirmed=assessing.confirmed(request), command_id=pressing.command(request),
            )  # fmt: skip
            return page.done(request, "已更正", request.path.removesuffix("/amend"))
        except Invalid as said:
            refused = said
    form, seen = assessment_reading.form(here.actor, resident_id, response, here.now, followups=True)
    forms.may_fill(here.actor, form.scale, form.row.informant, here.now)
    if form.row.status == forms.DRAFT:
        return HttpResponseRedirect(request.path.removesuffix("/amend"))
    return filling(request, here, form, seen, refused, amending=True)


def proposed(here: Here, resident_id: UUID, response: UUID | None) -> dict[str, Any]:
    """What a referral that a follow-up proposes begins with: its words, and the form to go along."""
    if response is None:
        return {}
    form, _ = assessment_reading.form(here.actor, resident_id, response, here.now, followups=True)
    declared = _declared(form)
    found = followups.concluded(form.told) if form.told else None
    one = found.of(declared) if found else None
    if one is None or one.refer is None:
        return {}
    measured = [
        f"{declared.items[item].ask} {said}"
        for item, said in followup_reading.said(form)
        if declared.items[item].quantity
    ]
    day = f"{form.row.occurred_at.astimezone(spoken.SHANGHAI):%Y-%m-%d}"
    words = f"{declared.title} {day}：{one.title}。{one.refer.says}。{'，'.join(measured)}。"
    return {"note": words, "evidence": [f"assessment:{form.row.id}"]}


def _saved(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> Invalid | Conflict | None:
    given, kind = assessing.given(request), request.GET.get("kind", "")
    try:
        if kind:
            followups.begin(
                here.actor, resident_id, kind=kind, response=response, at=here.now, command_id=f"begin:{response}"
            )  # fmt: skip
        if given:
            followups.answer(
                here.actor, resident_id, response, given, confirmed=assessing.confirmed(request), at=here.now,
                command_id=pressing.command(request),
            )  # fmt: skip
    except Invalid as refused:
        return refused
    except Conflict as refused:
        if refused.code not in STAYING:
            raise
        return refused
    return None


def _standing(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> tuple[Form, Overview]:
    """The form as it stands, or still unsaved."""
    kind = request.GET.get("kind", "")
    try:
        return assessment_reading.form(here.actor, resident_id, response, here.now, followups=True)
    except NotFound:
        if not kind:
            raise
    return assessment_reading.blank(here.actor, resident_id, kind, response, here.now, {})


def filling(
    request: HttpRequest, here: Here, form: Form, seen: Overview, refused: Invalid | Conflict | None = None, *,
    amending: bool = False,
) -> HttpResponse:  # fmt: skip
    """The form to be filled, or to be corrected."""
    typed = assessing.given(request) if refused else {}
    usual = {ON: f"{spoken.local(here.now):%Y-%m-%d}", HOW: request.GET.get(HOW, "")}
    answered = form.told.answers if form.told else {}
    typed = {**{code: value for code, value in usual.items() if code not in answered}, **typed}
    page.seen(here, "read.followup", [seen.placement.subject], **seen.permission.line)
    begun = form.row.pk in {one.row.pk for one in seen.drafts}
    lines = followup_items.lines(here, form, seen, typed, refused)
    if amending:
        lines = [one for one in lines if one.question.code not in (HOW, ON)]
    told = assessing.state(here, form, seen) | {
        "person_name": resident.card_of(seen.placement).name, "resident": seen.placement.resident, "place": "residents",
        "form": form, "scale": form.scale, "lines": lines, "refusal": refused, "command_id": ids.new(),
        "begun": begun, "asking": "" if begun or amending else f"?kind={form.row.scale}", "back": back_of(request),
        "saved_at": form.row.recorded_at if begun or amending else None, "amending": amending,
        "reason": request.POST.get("reason", ""), "fixed": followup_items.fixed(form) if amending else (),
        "near": "" if amending else alongside.address(seen.placement.resident, form.row.scale),
        "existing": refused.extra.get("existing") if refused else None,
    }  # fmt: skip
    return page.show(request, here, "followup.html", told, status=refused.status if refused else 200)


def _result(request: HttpRequest, here: Here, form: Form, seen: Overview) -> HttpResponse:
    page.seen(here, "read.followup", [seen.placement.subject], **seen.permission.line)
    declared, told_of = _declared(form), form.told
    found = followups.concluded(told_of) if told_of else None
    one = found.of(declared) if found else None
    flags = [declared.flags[code] for code in (told_of.raised if told_of else ())]
    effects = [effect for flag in flags for effect in flag.then] + list(one.then if one else ())
    told = {
        "person_name": resident.card_of(seen.placement).name, "resident": seen.placement.resident, "place": "residents",
        "form": form, "scale": declared, "class": one, "found": found, "flags": flags,
        "targets": [(aim, met) for _, aim, met in found.aims(declared)] if found else [],
        "answers": [(declared.items[code].ask, said) for code, said in followup_reading.said(form)], "back": back_of(request),
        "may": _correctable(here, form, seen),
        "corrections": _corrections(here, seen.placement, form), "after": _after(form),
        "findings": assessing.findings(form) if told_of else {},
        "more": followup_items.more(here, form, seen, back_of(request)),
        "refer": _referral(here, seen.placement, one.refer if one else None),
        "called": assessing.called(here, seen.placement, effects),
    }  # fmt: skip
    return page.show(request, here, "followup_result.html", told)


def _correctable(here: Here, form: Form, seen: Overview) -> bool:
    """Whether this person may correct it here; what came from a list is corrected in the list."""
    listed = form.told is not None and bool(form.told.source)
    return (
        form.row.status != forms.DRAFT and not listed and form.may_go_on(here.actor, seen.placement, here.now)
    )


def _corrections(here: Here, stands: Placement, form: Form) -> list[followup_reading.Change]:
    if form.row.status != forms.AMENDED:
        return []
    states = assessment_reading.states(here.actor, stands.resident, form.row.response, here.now)
    return followup_reading.changes(states)


def _after(form: Form) -> dict[str, int]:
    """How many promises the last correction took back, and how many it left to whoever is doing them."""
    result = (form.told.result if form.told else None) or {}
    return {name: len(result.get(name, ())) for name in ("fell", "stayed")}


def _referral(here: Here, stands: Placement, refer: Referral | None) -> dict[str, Any] | None:
    """The proposal, with whether this person may send it."""
    if refer is None or stands.gone:
        return None
    kinds = {one.code: one for one in packs.in_force().loop_kinds(spoken.local(here.now).date())}
    kind = kinds.get(refer.kind)
    may = kind is not None and bool(here.duties & set(kind.asked_by))
    return {
        "says": refer.says,
        "may": may,
        "href": f"/residents/{stands.resident}/refer/{refer.kind}/{refer.reason}",
    }


def _declared(form: Form) -> Followup:
    if not isinstance(form.scale, Followup):
        raise NotFound("no_form", "找不到这份随访：请从居民页重新打开。")
    return form.scale


def back_of(request: HttpRequest) -> str:
    """Where to go on afterwards: a place of this site, or nowhere."""
    to = request.POST.get("back") or request.GET.get("back", "")
    return to if url_has_allowed_host_and_scheme(to, allowed_hosts=None) and to.startswith("/") else ""
