"""权利: what the resident agreed to, who looked, a copy, a correction, an erasure; at the desk, on her behalf."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.care import entries
from yishe.doors.web import consenting, faces, page, resident, spoken
from yishe.doors.web.page import Here, signed_in
from yishe.insight import copies
from yishe.people import access, consents, looks, packs, slips
from yishe.people.consents import Given
from yishe.people.placements import Placement
from yishe.people.protections import PROTECT
from yishe.policy.consent_rules import ConsentKind
from yishe.policy.refusals import Invalid
from yishe.trust import clock

RIGHTS = "resident.rights"
PREFIX = "rights."
GROUP = 4
"""Digits in a row that an eye takes in at once."""


@signed_in
def rights(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Consents as they stand, and the ways to everything else a resident may ask for."""
    stands, permission = allowed(here, resident_id)
    found = consents.given(stands.resident)
    page.seen(here, "read.rights", [stands.subject], **permission.line)
    told = {
        "place": "residents", "person": faces.person(here, resident.card_of(stands)), "resident": stands.resident,
        "standing": [line(here, one) for one in found if one.state.holds(here.now)],
        "ended": [line(here, one) for one in found if not one.state.holds(here.now)],
        "may_record": access.may(here.actor, consents.RECORD, stands, here.now).allowed,
        "may_rights": access.may(here.actor, RIGHTS, stands, here.now).allowed,
        "may_slip": access.may(here.actor, slips.ACTION, stands, here.now).allowed,
        "matters": matters(here, stands),
        "requests": requests(here, stands),
        "copies": copies.waiting(stands.resident, here.now),
        "may_protect": access.may(here.actor, PROTECT, stands, here.now).allowed,
        "protected": stands.protected,
    }  # fmt: skip
    return page.show(request, here, "rights.html", told)


def allowed(here: Here, resident_id: UUID) -> tuple[Placement, access.Permission]:
    """Whoever may act on consents or rights, or read the resident."""
    stands = entries.whose(resident_id)
    for action in (RIGHTS, consents.RECORD):
        permission = access.may(here.actor, action, stands, here.now)
        if permission.allowed:
            return stands, permission
    return stands, access.require(here.actor, resident.SEE, stands, here.now)


def matters(here: Here, stands: Placement) -> list[dict[str, str]]:
    """What may be agreed to today, in words; nothing for someone who is gone."""
    if stands.gone:
        return []
    sheet = packs.in_force().consents
    return [
        {"basis": code, "title": str(kind.title), "why": str(kind.why)}
        for code, kind in sheet.consents.items()
        if usable(kind, here.now)
    ]


def usable(kind: ConsentKind, now: datetime) -> bool:
    """Whether an approved text is in force today."""
    try:
        return bool(kind.text_on(spoken.local(now).date()))
    except Invalid:
        return False


def requests(here: Here, stands: Placement) -> list[dict[str, str]]:
    """Requests this person may take down for her, each a promise with its clock."""
    kinds = packs.in_force().loop_kinds(spoken.local(here.now).date())
    asking = [kind for kind in kinds if kind.code.startswith(PREFIX) and set(kind.asked_by) & here.duties]
    mine = f"/residents/{stands.resident}/refer"
    return [
        {"href": f"{mine}/{kind.code}/{code or '-'}", "title": str(kind.title), "reason": words}
        for kind in (asking if not stands.gone else [])
        for code, words in ([(one.code, str(one.title)) for one in kind.reasons.values()] or [("", "")])
    ]


def line(here: Here, one: Given) -> dict[str, Any]:
    """A consent as a row: to what, to whom, what it opens, until when, how and by whom it was recorded."""
    state, sheet = one.state, packs.in_force().consents
    kind = sheet.consents.get(state.basis)
    scope = "、".join(str(kind.scopes.get(code, code)) if kind else code for code in state.scope)
    purpose = str(kind.purposes.get(state.purpose, "")) if kind else ""
    way = sheet.ways.get(state.how)
    return {
        "id": one.id, "title": consenting.title(state.basis), "whom": whom(here, one),
        "what": "；".join(filter(None, (purpose, scope))), "given_at": state.given_at, "until": state.until,
        "by": giver(one), "how": str(way.title) if way else "", "recorded": faces.name(here, state.recorded_by),
        "version": state.text_version, "ended": "" if state.holds(here.now) else consents.ended_words(state, here.now),
        "ended_at": state.withdrawn_at or state.replaced_at or state.until,
        "why_ended": str(sheet.withdrawals.get(state.withdrawn_reason, "")),
    }  # fmt: skip


def whom(here: Here, one: Given) -> str:
    """The one it names: a relative by the name that was said, a colleague, an organisation."""
    state, kinships = one.state, packs.in_force().codes["kinship"]
    if state.grantee is None:
        return ""
    unit = here.staff.organisations.get(state.grantee)
    member = here.staff.people.get(state.grantee)
    name = one.words.get("relative_name") or (unit.name if unit else member.name if member else "")
    return f"{name}（{kinships.get(state.kinship, '')}）" if state.kinship else name


def giver(one: Given) -> str:
    """本人, or 监护人 王某."""
    words = packs.in_force().consents.givers.get(one.state.given_by, one.state.given_by)
    return f"{words} {one.words.get('giver_name', '')}".strip()


@require_POST
@signed_in
def print_slip(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """登录码纸条, for the resident who stands at the desk: on this page once, and nowhere afterwards."""
    stands = entries.whose(resident_id)
    code = slips.hand_out(here.actor, stands.resident, here.now, clock.real_now())
    told = {
        "place": "residents", "resident": stands.resident, "name": resident.card_of(stands).masked_name,
        "code": " ".join(code[at : at + GROUP] for at in range(0, len(code), GROUP)),
        "life": slips.rule(here.now).life.zh,
    }  # fmt: skip
    return page.show(request, here, "slip.html", told)


@signed_in
def looked(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """Who looked and why, in plain words."""
    stands, permission = resident.allowed(here, resident_id, RIGHTS)
    found, more = looks.at_resident(stands.resident, moment(request.GET.get("until")))
    page.seen(here, "rights.looked", [stands.subject], **permission.line)
    told = {
        "place": "residents", "person": faces.person(here, resident.card_of(stands)), "resident": stands.resident,
        "looks": found, "more": more.isoformat() if more else "",
    }  # fmt: skip
    return page.show(request, here, "looked.html", told)


def moment(text: str | None) -> datetime | None:
    """From where an earlier page begins. Invalid when it can't be read."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or found.tzinfo is None):
        raise Invalid("until", "翻页标记无效：请从第一页重新开始。")
    return found
