"""我的签约: apply for a contract, read and sign it, take the copy along, see what is owed this year and what is done."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from yishe.care import contracts, owing, renewals, signing
from yishe.care.agreements import Signature
from yishe.care.owing import Line, Year
from yishe.doors.web import contracting, faces, my_page, page, spoken, year_lines
from yishe.doors.web.contract_forms import PackageForm
from yishe.doors.web.my_page import HOME, Mine, hers
from yishe.people import packs
from yishe.people.placements import Placement
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.refusals import Conflict, Invalid, NotFound

PAGE = f"{HOME}/contract"
STANDS = {
    "applied": "已经收到您的申请，医生正在看您的健康情况。看好以后，请您回到这里签字。",
    "reviewed": "医生已经看过您的健康情况，请您看协议、签字。",
    "agreed": "您已经签字，等团队签字后生效。",
    "waiting": "已经签好，到开始那天生效。",
    "active": "正在服务。",
    "expired": "这一年已经到期。",
    "ended": "已经结束。",
}
DONE, LEFT = (owing.KEPT, owing.KEPT_LATE), (owing.OPEN, owing.OVERDUE, owing.COMING)


class NameForm(forms.Form):
    """Her name, typed or drawn, under the text she has read."""

    read = forms.BooleanField(label="协议我已经看过，同意签约")
    name = forms.CharField(label="您的姓名", max_length=60)
    path = forms.CharField(required=False, widget=forms.HiddenInput, max_length=20_000)


@hers
def contract(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """Where it stands, what comes next, and the year."""
    years = owing.of_resident(mine.actor, where, mine.now)
    my_page.seen(mine, "contract", where)
    told = {
        "contracts": [_told(mine, one) for one in years],
        "may_apply": not where.gone and year_lines.free(mine.now, years),
    }
    return my_page.show(request, mine, "contract.html", told)


@require_http_methods(["GET", "POST"])
@hers
def apply(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """Which package she wants; the team looks at her health before both sign."""
    form = PackageForm(contracts.sheet_now(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            contracts.apply(
                mine.actor, where.resident, package=form.cleaned_data["package"], way=contracts.ONLINE, at=mine.now
            )  # fmt: skip
            return HttpResponseRedirect(PAGE)
        except Conflict as refused:
            page.refused_in(form, refused)
    told = {
        "form": form, "title": "申请家庭医生签约", "press": "申请", "back": PAGE,
        "sub": "选一种服务包。医生先看您的健康情况，再请您看协议、签字；签字以前随时可以不签。",
    }  # fmt: skip
    my_page.seen(mine, "contract", where)
    return my_page.show(request, mine, "form.html", told, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@hers
def sign(request: HttpRequest, mine: Mine, where: Placement, contract: UUID) -> HttpResponse:
    """The whole agreement, and her name under it."""
    row = _hers(mine, where, contract)
    coming, form = signing.coming(mine.actor, contract, mine.now), NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, version = form.cleaned_data, request.POST.get("version", "")
        try:
            signing.agree(
                mine.actor, contract, Signature(given["name"], given["path"]), mine.now, version=version
            )
            return HttpResponseRedirect(PAGE)
        except (Invalid, Conflict) as refused:
            page.refused_in(form, refused)
    terms = contracting.terms(row.contract, coming, mine.now)
    told = {"form": form, "contract": contract, **terms, "hidden": {"version": terms["version"]}}
    my_page.seen(mine, "contract", where)
    return my_page.show(request, mine, "contract_sign.html", told, status=422 if form.errors else 200)


@hers
def agreement(request: HttpRequest, mine: Mine, where: Placement, contract: UUID) -> HttpResponse:
    """The agreement as both signed it, to keep."""
    _hers(mine, where, contract)
    pdf = signing.copy(mine.actor, contract, mine.now)
    answer = page.attached(pdf, "agreement.pdf", "application/pdf")
    answer["Cache-Control"] = "no-store"
    return answer


def _hers(mine: Mine, where: Placement, contract: UUID) -> Year:
    found = next(
        (one for one in owing.of_resident(mine.actor, where, mine.now) if one.contract.id == contract), None
    )
    if found is None:
        raise NotFound("no_contract", "没有这份签约：请回到“我的签约”再看。")
    return found


def _told(mine: Mine, one: Year) -> dict[str, Any]:
    row, sheet = one.contract, contracts.sheet_now()
    stage = "agreed" if one.stage == "reviewed" and row.agreed_at else one.stage
    package, end, team = sheet.packages.get(row.package), sheet.ends.get(row.end_reason), row.team
    lines = [each for each in one.lines if each.service != RENEWAL]
    unit = mine.staff.organisations.get(team) if team else None
    return {
        "id": row.id, "stage": stage, "words": STANDS[stage], "package": str(package.title) if package else row.package,
        "since": row.since, "until": row.until, "team": unit.name if unit else "", "why": str(end.title) if end else "",
        "doctor": faces.name(mine, row.doctor), "phone": faces.phone(mine, row.doctor),
        "to_sign": stage == "reviewed", "has_copy": bool(row.agreement_sha256),
        "near": one.stage == "active" and renewals.near(row, spoken.local(mine.now).date()),
        "services": len(lines), "left": [_line(mine, each) for each in lines if each.state in LEFT],
        "done": [_line(mine, each) for each in lines if each.state in DONE],
        "missed": [_line(mine, each) for each in lines if each.state not in (*LEFT, *DONE)],
    }  # fmt: skip


def _line(mine: Mine, one: Line) -> dict[str, Any]:
    """A promise in her own words: what, who does it, until when, or when it was done and by whom."""
    nth = f"（第 {one.nth} 次，共 {one.times} 次）" if one.times > 1 else ""
    duty = str(packs.in_force().duties[one.duty].title)
    if one.kept_on is not None:
        when = f"{_day(mine, one.kept_on)}做过" + ("，比说好的晚了" if one.state == owing.KEPT_LATE else "")
        return {
            "title": f"{one.title}{nth}",
            "who": faces.name(mine, one.kept_by),
            "when": when,
            "late": False,
        }
    when = f"{_day(mine, one.starts)}到{_day(mine, one.due)}之间"
    late = one.state == owing.OVERDUE
    return {
        "title": f"{one.title}{nth}",
        "who": duty,
        "when": "已经晚了，团队还会补做" if late else when,
        "late": late,
    }


def _day(mine: Mine, on: date) -> str:
    return spoken.calendar_day(on, spoken.local(mine.now).date())
