"""Filling a scale: begun, saved as one goes, submitted, corrected. A refusal comes back with everything that was filled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods, require_POST

from yishe.care import assessment_reading, assessments, forms, questionnaire_links, scales
from yishe.care.assessment_reading import Form, Overview
from yishe.doors.web import alongside, handing, page, pressing, resident
from yishe.doors.web.page import Here, signed_in
from yishe.loops import kinds, reading
from yishe.people.placements import Placement, subjects_of
from yishe.policy.refusals import Conflict, Invalid
from yishe.policy.scale_rules import Band, Effect, Flag, Rule, Scale
from yishe.trust import ids

ANSWER, CONFIRM = "a-", "ok-"
INFORMANTS = {"staff": "我来问、我来填", "resident": "居民本人在这台设备上填", "relative": "家属代答"}
OUTSIDE = "在自己的手机上填"
SENT = "sent"
"""Chosen where others say who answers: a link goes out, and who answers says it there."""


@dataclass(frozen=True)
class Question:
    """One item as it is asked: its answers to choose from, what is given, whether it is asked now."""

    code: str
    number: int
    item: Any
    options: Sequence[tuple[str, str, bool]]
    value: str
    asked: bool
    confirmed: bool


@dataclass(frozen=True)
class Called:
    """A loop that an answer opened: what, for whom."""

    href: str
    title: str
    owner: str


@require_http_methods(["GET", "POST"])
@signed_in
def begin(request: HttpRequest, here: Here, resident_id: UUID, scale: str) -> HttpResponse:
    """What the scale is, and who will answer. A form that is open already is gone on with."""
    stands, permission = resident.allowed(here, resident_id, forms.ACTION)
    chosen, refused = scales.in_force(scale, here.now), None
    forms.may_fill(here.actor, chosen, "staff", here.now)
    if request.method == "POST":
        try:
            return _begun(request, here, stands, chosen)
        except (Invalid, Conflict) as said:
            if said.code == "already_started":
                return HttpResponseRedirect(_path(stands, UUID(said.extra["existing"])))
            refused = said
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "person_name": resident.card_of(stands).name, "resident": stands.resident, "scale": chosen, "place": "residents",
        "informants": _informants(chosen), "refusal": refused, "command_id": ids.new(),
    }  # fmt: skip
    return page.show(request, here, "assessment_start.html", told, status=refused.status if refused else 200)


def _begun(request: HttpRequest, here: Here, stands: Placement, scale: Scale) -> HttpResponse:
    """On to the form, or to the link by which the resident fills it."""
    informant = request.POST.get("informant", "staff")
    sending = informant == SENT
    if sending:
        informant = forms.RESIDENT if scale.filled_by.resident else forms.RELATIVE
    row = assessments.start(
        here.actor, stands.resident, scale=scale.code, informant=informant, again=bool(request.POST.get("again")),
        at=here.now, command_id=pressing.command(request),
    )  # fmt: skip
    if not sending:
        return HttpResponseRedirect(_path(stands, row.response))
    handed = questionnaire_links.hand_out(here.actor, stands.resident, row.response, here.now)
    return handing.slip(request, here, stands.resident, row.response, handed)


@signed_in
def assessment(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """The form while it is open, the result once it is submitted."""
    return _shown(request, here, resident_id, response)


@require_POST
@signed_in
def keep(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Save what changed. Inside the page only its state is drawn anew."""
    refused = _saved(request, here, resident_id, response)
    if not getattr(request, "htmx", False):
        if refused is None:
            return HttpResponseRedirect(request.path.removesuffix("/save"))
        return _shown(request, here, resident_id, response, refused=refused)
    form, seen = assessment_reading.form(here.actor, resident_id, response, here.now)
    told = {**state(here, form, seen), "refusal": refused}
    return page.show(
        request, here, "parts/assessment_state.html", told, status=refused.status if refused else 200
    )


@require_POST
@signed_in
def submit(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Save what is on the page and finish the form."""
    refused = _saved(request, here, resident_id, response)
    if refused is None:
        try:
            assessments.submit(
                here.actor,
                resident_id,
                response,
                at=here.now,
                command_id=f"{pressing.command(request)}:submit",
            )
            return HttpResponseRedirect(request.path.removesuffix("/submit"))
        except Invalid as said:
            refused = said
    return _shown(request, here, resident_id, response, refused=refused)


@require_http_methods(["GET", "POST"])
@signed_in
def amend(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Correct what was submitted, saying why."""
    resident.allowed(here, resident_id, forms.ACTION)
    refused = None
    if request.method == "POST":
        try:
            assessments.amend(
                here.actor, resident_id, response, given(request), reason=request.POST.get("reason", ""), at=here.now,
                confirmed=confirmed(request), command_id=pressing.command(request),
            )  # fmt: skip
            return page.done(request, "已更正", request.path.removesuffix("/amend"))
        except Invalid as said:
            refused = said
    return _shown(request, here, resident_id, response, refused=refused, amending=True)


@require_POST
@signed_in
def discard(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Throw an open form away."""
    assessments.discard(here.actor, resident_id, response, at=here.now, command_id=pressing.command(request))
    return page.done(request, "草稿已作废", f"/residents/{resident_id}?tab=assessments")


def _path(stands: Placement, response: UUID) -> str:
    return f"/residents/{stands.resident}/assessments/{response}"


def _informants(scale: Scale) -> list[tuple[str, str]]:
    by = scale.filled_by
    allowed = {"staff": True, "resident": by.resident, "relative": by.relative}
    found = [(code, words) for code, words in INFORMANTS.items() if allowed[code]]
    return [*found, (SENT, "发链接，居民或家属在自己手机上填")] if by.resident or by.relative else found


def given(request: HttpRequest) -> dict[str, Any]:
    """The answers on the page, by item; several for one are a list."""
    found: dict[str, Any] = {}
    for name in request.POST:
        if name.startswith(ANSWER):
            many = [one for one in request.POST.getlist(name) if one]
            found[name.removeprefix(ANSWER)] = many if len(many) != 1 else many[0]
    return found


def confirmed(request: HttpRequest) -> set[str]:
    return {name.removeprefix(CONFIRM) for name in request.POST if name.startswith(CONFIRM)}


def _saved(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> Invalid | None:
    answers = given(request)
    try:
        if answers:
            assessments.answer(
                here.actor, resident_id, response, answers, confirmed=confirmed(request), at=here.now,
                command_id=pressing.command(request),
            )  # fmt: skip
    except Invalid as refused:
        return refused
    return None


def _shown(
    request: HttpRequest, here: Here, resident_id: UUID, response: UUID, *, refused: Invalid | None = None,
    amending: bool = False,
) -> HttpResponse:  # fmt: skip
    form, seen = assessment_reading.form(here.actor, resident_id, response, here.now)
    amending = amending and form.row.status != forms.DRAFT
    page.seen(here, "read.assessment", [seen.placement.subject], **seen.permission.line)
    typed = given(request) if refused else {}
    may = form.may_go_on(here.actor, seen.placement, here.now)
    filling = may and (form.row.status == forms.DRAFT or amending)
    about = resident.card_of(seen.placement)
    told = state(here, form, seen) | {
        "person_name": about.name, "resident": seen.placement.resident, "place": "residents",
        "form": form, "scale": form.scale, "questions": questions(form, typed), "refusal": refused, "amending": amending, "may": may,
        "reason": request.POST.get("reason", ""), "command_id": ids.new(), "results": [] if filling else _results(form),
        "near": "" if amending else alongside.address(seen.placement.resident, form.row.scale),
        "found": {} if filling else findings(form), "informant": INFORMANTS[form.row.informant],
        **(handing.card(here, seen.placement, form) if filling else {}),
    }  # fmt: skip
    if told.get("sent") or (form.told and form.told.by):
        told["informant"] = OUTSIDE
    if not filling:
        told["called"] = called(here, seen.placement, told["found"].get("effects", ()))
    template = "assessment.html" if filling else "assessment_result.html"
    return page.show(request, here, template, told, status=refused.status if refused else 200)


def state(here: Here, form: Form, seen: Overview) -> dict[str, Any]:
    """What changes with each save: how far it is, what stands in red, whom that called."""
    answered = sum(code in (form.told.answers if form.told else {}) for code in form.asked)
    flags = [form.scale.flags[code] for code in form.flags]
    effects = [effect for flag in flags for effect in flag.then]
    return {
        "form": form, "answered": answered, "asked": form.asked, "flags": flags, "saved_at": form.row.recorded_at,
        "called": called(here, seen.placement, effects),
    }  # fmt: skip


def called(here: Here, stands: Placement, effects: Sequence[Effect]) -> list[Called]:
    """The open loops that answer for these effects."""
    wanted = {(one.promise.kind, one.promise.reason or "") for one in effects if one.promise}
    if not wanted:
        return []
    open_ = reading.for_subjects(subjects_of(stands.resident), only_open=True)
    mine = [one for one in open_ if (one.kind, one.reason) in wanted]
    return [Called(f"/loops/{one.id}", _title(one.kind, one.pack), _name(here, one.owner)) for one in mine]


def _title(kind: str, pack: str) -> str:
    return str(kinds.opened_under(kind, pack).title)


def _name(here: Here, staff: UUID | None) -> str:
    member = here.staff.people.get(staff) if staff else None
    return member.name if member else ""


def questions(form: Form, typed: dict[str, Any]) -> list[Question]:
    answers = {**(form.told.answers if form.told else {}), **typed}
    asked, found = form.asked, []
    for code, item in form.scale.items.items():
        value = answers.get(code, "")
        chosen = value if isinstance(value, list) else [value]
        options = [
            (name, str(option.say), name in chosen) for name, option in form.scale.options(code).items()
        ]
        number = asked.index(code) + 1 if code in asked else 0
        confirmed = code in (form.told.confirmed if form.told else ())
        found.append(Question(code, number, item, options, str(value), code in asked, confirmed))
    return found


def _results(form: Form) -> list[dict[str, Any]]:
    """Each score with what it is made of: which answer gave how much."""
    answers = form.told.answers if form.told else {}
    found = []
    for code, one in form.scores.items():
        score = form.scale.scores[code]
        parts = [
            (str(form.scale.items[part["item"]].ask), _said(form, part["item"], answers), part["points"])
            for part in one["parts"]
        ]
        band = score.bands.get(one["band"])
        low, high = form.scale.range(score)
        found.append(
            {"score": score, "value": one["value"], "band": band, "parts": parts, "low": low, "high": high,
             "missing": [str(form.scale.items[item].ask) for item in one["missing"]]}
        )  # fmt: skip
    return found


def _said(form: Form, code: str, answers: Any) -> str:
    value = answers.get(code, "")
    option = form.scale.options(code).get(str(value))
    return str(option.say) if option else f"{value} {form.scale.items[code].shown}"


def findings(form: Form) -> dict[str, Any]:
    """What follows: words of what was found, suggestions, what could not be decided."""
    result = form.told.result if form.told else None
    if result is None:
        return {}
    scores = result["scores"].items()
    bands = [form.scale.scores[code].bands[one["band"]] for code, one in scores if one["band"]]
    rules = [form.scale.rules[code] for code in result["rules"]]
    flags = [form.scale.flags[code] for code in result["flags"]]
    found: list[Band | Rule | Flag] = [*flags, *bands, *rules]
    effects = [effect for one in found for effect in one.then]
    return {
        "flags": flags, "rules": rules, "effects": effects, "suggested": [one for one in effects if one.suggest],
        "undecided": [form.scale.rules[code] for code in result["undecided"]],
    }  # fmt: skip
