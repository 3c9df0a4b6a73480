"""待补同意: what a kind needs the resident's consent for, and the noting of it when it was given."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors.web import page, wording
from yishe.doors.web.page import Here, signed_in
from yishe.loops import reading
from yishe.loops.reading import Detail
from yishe.people import access, consents
from yishe.people.placements import placement_of_subject
from yishe.policy.refusals import NotFound


def asked(here: Here, found: Detail) -> dict[str, Any]:
    """The missing consent in words, and whether this person may note it. Nothing for a closed loop."""
    need, state = found.kind.consent, found.state
    if need is None or not state.is_open or not consents.missing([state.subject], need.basis):
        return {"consent": ""}
    stands = placement_of_subject(state.subject)
    may = stands is not None and access.may(here.actor, consents.AMEND, stands, here.now).allowed
    return {"consent": wording.coded("consent_bases", need.basis), "may_consent": may}


@require_POST
@signed_in
def give(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    """The resident, or the family for her, has said yes."""
    found = reading.detail(here.actor, loop_id, here.now)
    stands = placement_of_subject(found.state.subject)
    if stands is None or found.kind.consent is None:
        raise NotFound("nothing_to_consent", "这件事不需要另外的同意，或居民的档案已不在册。")
    basis = found.kind.consent.basis
    consents.give(here.actor, stands.resident, basis, here.now, given_by=request.POST.get("given_by", ""))
    return page.done(request, "已登记居民同意", f"/loops/{loop_id}")
