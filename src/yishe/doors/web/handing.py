"""Sending a questionnaire to the resident: the link and its code, shown once; sent anew or taken back."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.care import assessment_reading, entries, forms, questionnaire_links
from yishe.care.assessment_reading import Form
from yishe.care.questionnaire_links import Handed, Sent
from yishe.doors.web import faces, page, resident
from yishe.doors.web.page import Here, signed_in
from yishe.people.placements import Placement

GROUP = 4
"""Digits in a row that an eye takes in at once."""
STATES = {
    "sent": "已发出，还没有打开",
    "opened": "已打开，正在填",
    "submitted": "已交",
    "withdrawn": "已收回",
    "expired": "已过期，填过的都在",
    "locked": "问卷码输错太多次，已停用",
}


@require_POST
@signed_in
def hand_out(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Link and code for the resident: on this page once, and nowhere afterwards. The link before it is void."""
    handed = questionnaire_links.hand_out(here.actor, resident_id, response, here.now)
    return slip(request, here, resident_id, response, handed)


def slip(request: HttpRequest, here: Here, resident_id: UUID, response: UUID, handed: Handed) -> HttpResponse:
    form, seen = assessment_reading.form(here.actor, resident_id, response, here.now)
    told = {
        "place": "residents", "resident": seen.placement.resident, "name": resident.card_of(seen.placement).masked_name,
        "code": " ".join(handed.code[at : at + GROUP] for at in range(0, len(handed.code), GROUP)),
        "link": request.build_absolute_uri(f"/q/{handed.link}"), "ends_at": handed.ends_at, "title": form.scale.title,
        "response": response,
    }  # fmt: skip
    return page.show(request, here, "question_slip.html", told)


@require_POST
@signed_in
def withdraw(request: HttpRequest, here: Here, resident_id: UUID, response: UUID) -> HttpResponse:
    """Take the link back; what was filled stays for the team to go on with."""
    questionnaire_links.withdraw(here.actor, resident_id, response, here.now)
    stands = entries.whose(resident_id)
    return page.done(request, "链接已收回", f"/residents/{stands.resident}/assessments/{response}")


def card(here: Here, stands: Placement, form: Form) -> dict[str, Any]:
    """What an open form says of its link; nothing for one that is not sent out."""
    by = form.scale.filled_by
    if form.row.status != forms.DRAFT or not (by.resident or by.relative):
        return {}
    sent = questionnaire_links.of_form(stands, form.row.response, here.now)
    return {"may_send": True, "sent": told(here, sent) if sent else None}


def told(here: Here, sent: Sent) -> dict[str, Any]:
    return {
        "words": STATES[sent.state], "by": faces.name(here, sent.sent_by), "at": sent.sent_at, "ends_at": sent.ends_at,
        "open": sent.open, "state": sent.state,
    }  # fmt: skip
