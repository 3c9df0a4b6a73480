"""签约 in four steps, at the desk or at home on a tablet: who, which package, the health review, both signatures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from yishe.care import agreements, conditions, contracts, entries, guarded, medications, signing
from yishe.care.contracts import Team
from yishe.care.models import Contract
from yishe.doors.web import faces, page, resident, spoken
from yishe.doors.web.contract_forms import EndForm, PackageForm, ReviewForm, SignForm, TeamForm, WhoForm
from yishe.doors.web.page import Here, signed_in
from yishe.people import access, empanelments, packs, sight
from yishe.people.placements import Placement
from yishe.policy.refusals import Conflict, Invalid

STEPS = ("核对本人", "选服务包", "健康审核", "双方签字")


@require_http_methods(["GET", "POST"])
@signed_in
def who(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Step one: the right person, and where."""
    stands, permission = resident.allowed(here, resident_id, contracts.SIGN)
    form = WhoForm(contracts.sheet_now(), request.POST or None, initial={"way": "centre"})
    mine = f"/residents/{stands.resident}/contract"
    if request.method == "POST" and form.is_valid():
        return HttpResponseRedirect(f"{mine}/package?way={form.cleaned_data['way']}")
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "facts": resident.about(here, resident.card_of(stands), sight.of(here.actor, stands, here.now)),
        "resident": stands.resident,
    }
    return _step(request, here, stands, form, 1, mine, told)


@require_http_methods(["GET", "POST"])
@signed_in
def package(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Step two: what is wanted; from here on the application stands."""
    stands, permission = resident.allowed(here, resident_id, contracts.SIGN)
    form = PackageForm(contracts.sheet_now(), request.POST or None, initial={"package": "basic"})
    way = request.POST.get("way") or request.GET.get("way", "centre")
    if request.method == "POST" and form.is_valid():
        made = contracts.apply(
            here.actor, stands.resident, package=form.cleaned_data["package"], way=way, at=here.now
        )
        return HttpResponseRedirect(f"/contracts/{made}/review")
    page.seen(here, "read.form", [stands.subject], **permission.line)
    return _step(
        request, here, stands, form, 2, f"/residents/{stands.resident}/contract/package", {"hidden": {"way": way}}
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@signed_in
def review(request: HttpRequest, here: Here, contract_id: UUID) -> HttpResponse:
    """Step three: what the team finds, with what is known beside it."""
    _, stands, permission = contracts.found(here.actor, contract_id, here.now)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        contracts.review(here.actor, contract_id, findings=form.cleaned_data["findings"], at=here.now)
        return HttpResponseRedirect(f"/contracts/{contract_id}/sign")
    page.seen(here, "read.form", [stands.subject], **permission.line)
    return _step(
        request, here, stands, form, 3, f"/contracts/{contract_id}/review", {"known": _known(here, stands)}
    )  # fmt: skip


def _known(here: Here, stands: Placement) -> list[str]:
    """What the record says that a review looks at, to those who may read it."""
    if not access.may(here.actor, resident.SEE, stands, here.now).allowed:
        return []
    subjects, seen = entries.keyed(stands), sight.of(here.actor, stands, here.now)
    found = [one.title for one in guarded.standing(conditions.standing(subjects), seen)]
    taken = guarded.medicines(medications.current(subjects), seen)
    return [*found, *(f"{one.drug} {one.dose}" for one in taken)]


@require_http_methods(["GET", "POST"])
@signed_in
def sign(request: HttpRequest, here: Here, contract_id: UUID) -> HttpResponse:
    """Step four: the text, the year it promises, and both names."""
    row, stands, permission = contracts.found(here.actor, contract_id, here.now)
    coming = signing.coming(here.actor, contract_id, here.now)
    card = resident.card_of(stands)
    teams = [] if signing.answering(stands) else contracts.teams_for(stands)
    young = packs.in_force().consents.needs_guardian(card.birth_date, coming.since)
    initial = {
        "signer": "guardian" if young else "resident", "staff_name": here.actor.name,
        "resident_name": "" if young else card.name,
    }  # fmt: skip
    form = SignForm(teams, request.POST or None, initial=initial, agreed=row.agreed_at is not None)
    if request.method == "POST" and form.is_valid():
        try:
            signing.sign(here.actor, contract_id, form.sides(), here.now, team=form.team())
            return page.done(
                request, "已签约：本年应有的项目已列出", f"/residents/{stands.resident}?tab=contract"
            )
        except Invalid as refused:
            page.refused_in(form, refused)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    return _step(
        request, here, stands, form, 4, f"/contracts/{contract_id}/sign", terms(row, coming, here.now)
    )


def terms(row: Contract, coming: signing.Coming, at: datetime) -> dict[str, Any]:
    """What both sides sign: the text in force today, the package, the term and the year it promises."""
    sheet = contracts.sheet_now()
    version, text = sheet.agreement(spoken.local(at).date())
    chosen = sheet.package(row.package)
    return {
        "agreed_at": row.agreed_at, "agreement": text.text, "agreement_title": str(text.title), "version": version,
        "since": coming.since, "until": coming.until,
        "package": f"{chosen.title}（{'费用由当地规定' if chosen.fee is None else f'{chosen.fee} 元/年'}）",
        "owed": [{"title": agreements.title(one.service), "nth": one.nth, "times": one.times, "starts": one.starts,
                  "due": one.due} for one in coming.owed],
    }  # fmt: skip


@signed_in
def agreement(request: HttpRequest, here: Here, contract_id: UUID) -> HttpResponse:
    """The signed agreement as it was signed."""
    pdf = signing.copy(here.actor, contract_id, here.now)
    answer = page.attached(pdf, f"agreement-{str(contract_id)[-8:]}.pdf", "application/pdf")
    answer["Cache-Control"] = "no-store"
    return answer


@require_http_methods(["GET", "POST"])
@signed_in
def end(request: HttpRequest, here: Here, contract_id: UUID) -> HttpResponse:
    """The contract ends, with its reason."""
    _, stands, permission = contracts.found(here.actor, contract_id, here.now)
    back, form = f"/residents/{stands.resident}?tab=contract", EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            contracts.end(here.actor, contract_id, reason=given["reason"], words=given["words"], at=here.now)
            return page.done(request, "已解约，还没做的项目随之结束", back)
        except Conflict as refused:
            if refused.code != "not_tried_enough":
                raise
            form.add_error("reason", refused.title)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "form": form, "title": "结束这份签约", "press": "解约", "back": back, "place": "residents",
        "sub": "签过的协议和做过的记录都保留；还没做的项目随之结束。", "action": f"/contracts/{contract_id}/end",
    }  # fmt: skip
    return page.ask(request, here, told)


@require_http_methods(["GET", "POST"])
@signed_in
def team(request: HttpRequest, here: Here, contract_id: UUID) -> HttpResponse:
    """Another team of the centre answers from now on; what is open goes over to it."""
    row, stands, _ = contracts.found(here.actor, contract_id, here.now)
    permission = access.require(here.actor, empanelments.EMPANEL, stands, here.now)
    others = [one for one in contracts.teams_for(stands) if one[0] != row.team]
    back, form = f"/residents/{stands.resident}?tab=contract", TeamForm(others, request.POST or None)
    if request.method == "POST" and form.is_valid():
        contracts.change_team(here.actor, contract_id, Team(UUID(form.cleaned_data["team"])), here.now)
        return page.done(request, "已更换团队：还没做的项目随之移交", back)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "form": form, "title": "更换签约团队", "press": "更换", "back": back, "place": "residents",
        "sub": "还没做的项目和在办的事按规则移交给新团队。", "action": f"/contracts/{contract_id}/team",
    }  # fmt: skip
    return page.ask(request, here, told)


def _step(
    request: HttpRequest, here: Here, stands: Placement, form: forms.Form, number: int, action: str, more: dict[str, Any]
) -> HttpResponse:  # fmt: skip
    told = {
        "place": "residents", "person": faces.person(here, resident.card_of(stands)), "form": form, "number": number,
        "steps": STEPS, "step": STEPS[number - 1], "action": action, "last": number == len(STEPS),
        "back": f"/residents/{stands.resident}?tab=contract", **more,
    }  # fmt: skip
    return page.show(request, here, "contract_step.html", told, status=422 if form.errors else 200)
