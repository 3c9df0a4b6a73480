"""本年履约: one contact that ticks off what it keeps, and a team's rate with its lists."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from yishe.care import contacts, encounters, owing, year
from yishe.doors import limits
from yishe.doors.web import page, pressing, resident, spoken
from yishe.doors.web.contract_forms import KeepForm
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.year_lines import line
from yishe.insight import exports, fulfilment, fulfilment_export, scopes
from yishe.people import access, packs
from yishe.people.cards import cards
from yishe.people.placements import Placement
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import ids


@require_http_methods(["GET", "POST"])
@signed_in
def keep(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """One contact: what was done is ticked off, each promise once."""
    stands, permission = resident.allowed(here, resident_id)
    mine = contacts.share(here.actor, stands, here.now)
    if not mine:
        access.require(here.actor, encounters.ACTION, stands, here.now)
    back = f"/residents/{stands.resident}?tab=contract"
    wanted = {"services": request.GET.getlist("service")}
    form = KeepForm(_owed(here, stands, mine), mine, request.POST or None, initial=wanted)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            kept = year.keep(
                here.actor, stands.resident, services=given["services"], how=given["how"], summary=given["summary"],
                at=here.now, command_id=pressing.command(request),
            )  # fmt: skip
            return page.done(request, f"已记：{len(kept)} 项算作履约", back)
        except Invalid as refused:
            page.refused_in(form, refused)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    told = {
        "form": form, "title": "记一次履约", "press": "记下，算作履约", "action": f"/residents/{stands.resident}/keep",
        "sub": resident.card_of(stands).name, "back": back, "place": "residents", "hidden": {"command_id": str(ids.new())},
    }  # fmt: skip
    return page.ask(request, here, told)


def _owed(here: Here, stands: Placement, mine: frozenset[str]) -> list[tuple[str, str]]:
    """What this person can tick off today, each service once. Conflict without a contract in force, Forbidden, naming who can,
    when what is left is somebody else's."""
    row = year.in_force(stands, spoken.local(here.now).date())
    found = owing.of_contract(row, spoken.local(here.now).date())
    doable = [one for one in found.lines if one.state in ("open", "overdue") and one.service != RENEWAL]
    if not doable:
        raise Conflict("nothing_owed", "现在没有该做的签约项目：没到时候的不能提前算；这次可记为普通接诊。")
    if not mine & {one.service for one in doable}:
        words = f"现在没有该由您做的：{contacts.whose(doable[0].service, stands, here.now)}"
        raise Forbidden("wrong_duty", words).concerning(stands.subject)
    # as the tick itself chooses: the present window, else the earliest that was missed
    first_last = sorted(doable, key=lambda one: (one.state == "open", -one.due.toordinal()))
    said = {
        one.service: f"{one.title}（第 {one.nth}/{one.times} 次，应在 {one.due:%m-%d} 前）"
        for one in first_last
        if one.service in mine
    }
    return sorted(said.items())


@signed_in
def team(request: HttpRequest, here: Here) -> HttpResponse:
    """履约率 of the widest scope, or a narrower one: each number opens its lines."""
    small = packs.in_force().settings(spoken.local(here.now).date()).small_number
    within = {name: ids.parse(request.GET.get(name)) for name in ("team", "centre")}
    duties, wanted = fulfilment.duties(), request.GET.get("set", "overdue")
    duty = request.GET.get("duty", "") if request.GET.get("duty") in duties else ""
    asked: dict[str, Any] = {"small": small, **within, "duty": duty}
    found = fulfilment.rate(here.actor, here.now, **asked)
    lines = fulfilment.lines(here.actor, wanted, here.now, **asked)
    whose = cards([one.subject for one in lines])
    page.seen(here, "read.fulfilment", [one.subject for one in lines])
    told = {
        "place": "board", "found": found, "wanted": wanted, "wanted_title": fulfilment.SETS[wanted],
        "sets": [(code, words, found.counts[code]) for code, words in fulfilment.SETS.items()],
        "lines": [line(here, one, whose.get(one.subject)) for one in lines], "most": fulfilment.MOST,
        "units": [(level, code, name) for level, code, name in scopes.choices(here.actor, here.now)],
        "narrow": urlencode({name: code for name, code in {**within, "duty": duty}.items() if code}),
        "within": urlencode({name: code for name, code in within.items() if code}),
        "duty": duty, "duties": [(code, words, code in here.duties) for code, words in duties.items()],
        "may_export": exports.may(here.actor, fulfilment_export.KIND, here.now),
        "carried": {name: str(code) for name, code in {**within, "duty": duty}.items() if code},
    }  # fmt: skip
    return page.show(request, here, "year.html", told)


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """Each resident's numbers as a workbook; why it is taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    within = {name: ids.parse(request.POST.get(name)) for name in ("team", "centre")}
    duty = request.POST.get("duty", "")
    content = fulfilment_export.fulfilment_xlsx(
        here.actor, here.now, purpose=request.POST.get("purpose", ""), team=within["team"], centre=within["centre"],
        duty=duty if duty in fulfilment.duties() else "",
    )  # fmt: skip
    return page.attached(content, f"lvyue-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")
