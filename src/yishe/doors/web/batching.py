"""一起签约: a household, or the staff of an enterprise, on one page: who has applied, who is reviewed, who has signed, who was
refused and why. The health review and the signatures are each person's own."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from yishe.care import batches, contracts
from yishe.care.batches import Member
from yishe.doors.web import page, pressing, resident, spoken
from yishe.doors.web.contract_forms import BatchForm
from yishe.doors.web.page import Here, signed_in
from yishe.people import households
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust import ids

STAGES = {
    "applied": "已申请，等健康审核", "reviewed": "已审核，等签字", "agreed": "本人已签，等团队签字", "waiting": "已签，尚未开始",
    "active": "已签，正在履约", "expired": "已到期", "ended": "已结束", "": "没有签约",
}  # fmt: skip


@require_http_methods(["GET", "POST"])
@signed_in
def household(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """The household of a resident."""
    stands, _ = resident.allowed(here, resident_id, contracts.SIGN)
    members = households.of_household(here.actor, stands, contracts.SIGN, here.now)
    told = {"heading": "全家一起签约", "back": f"/residents/{stands.resident}?tab=contract"}
    return _batch(request, here, members, told)


@require_http_methods(["GET", "POST"])
@signed_in
def enterprise(request: HttpRequest, here: Here, organisation: UUID) -> HttpResponse:
    """The staff of an enterprise, as far as they are this person's to sign with."""
    members = households.at_work(here.actor, organisation, contracts.SIGN, here.now)
    if not members:
        raise Forbidden(
            "nobody_there", "这个单位没有归您办理签约的人：请由本中心的医生、公卫医师或主任办理。"
        )
    told = {"heading": f"{here.staff.organisation(organisation).name}：一起签约", "back": "/enterprises"}
    return _batch(request, here, members, told)


@signed_in
def enterprises(request: HttpRequest, here: Here) -> HttpResponse:
    """The enterprises whose people may be signed with."""
    found = households.enterprises(here.actor, contracts.SIGN, here.now)
    return page.show(request, here, "enterprises.html", {"place": "board", "enterprises": found})


def _batch(
    request: HttpRequest, here: Here, members: Sequence[Placement], told: dict[str, Any]
) -> HttpResponse:
    form, refusals = BatchForm(contracts.sheet_now(), request.POST or None, initial={"way": "centre"}), {}
    ticked = {one for text in request.POST.getlist("residents") if (one := ids.parse(text))}
    if request.method == "POST" and form.is_valid():
        chosen = [one.resident for one in members if one.resident in ticked]
        try:
            done = batches.apply_all(
                here.actor, chosen, package=form.cleaned_data["package"], way=form.cleaned_data["way"], at=here.now,
                command_id=pressing.command(request),
            )  # fmt: skip
            refusals = {one.resident: one.refusal for one in done if one.refusal}
            told |= {"applied": sum(not one.refusal for one in done), "refused": len(refusals)}
        except Invalid as refused:
            page.refused_in(form, refused)
    shown = cards([one.subject for one in members])
    rows = [_row(here, one, shown, refusals) for one in batches.standing(members, here.now)]
    for row in rows:
        row["ticked"] = not form.errors or row["resident"] in ticked
    page.seen(here, "read.batch", list(shown))
    told |= {"form": form, "rows": rows, "place": "residents", "hidden": {"command_id": str(ids.new())},
             "any": any(one["free"] for one in rows)}  # fmt: skip
    return page.show(request, here, "batch.html", told, status=422 if form.errors else 200)


def _row(here: Here, one: Member, shown: dict[UUID, Card], refusals: dict[UUID, str]) -> dict[str, Any]:
    card, row = shown[one.where.subject], one.contract
    stage = "agreed" if row and one.stage == "reviewed" and row.agreed_at else one.stage
    end = contracts.sheet_now().ends.get(row.end_reason) if row else None
    step = {"applied": "review", "reviewed": "sign"}.get(one.stage, "")
    return {
        "resident": one.where.resident, "name": card.name, "age": spoken.age(card.birth_date, here.now), "words": STAGES[stage],
        "why": refusals.get(one.where.resident) or (str(end.title) if end else ""), "free": one.free,
        "next": f"/contracts/{row.id}/{step}" if row and step else "", "step": step, "until": row.until if row else None,
    }  # fmt: skip
