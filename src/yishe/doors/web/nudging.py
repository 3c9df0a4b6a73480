"""催一下: one press asks whoever's move it is; how often is the pack's to say."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors.web import faces, page, pressing
from yishe.doors.web.page import Here, signed_in
from yishe.loops import acts, reading
from yishe.policy.loop_words import NUDGE


@require_POST
@signed_in
def nudge(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    """Asking decides nothing, so it is said to the loop as it stands now, not as the page showed it."""
    found = reading.detail(here.actor, loop_id, here.now)
    command = pressing.command(request)
    acts.act(
        here.actor, "note", loop_id, seq=found.state.seq, at=here.now, command_id=command, reason=NUDGE, source="web",
    )  # fmt: skip
    back = "/" if request.POST.get("next") == "/" else f"/loops/{loop_id}"
    return page.done(request, f"已催{faces.name(here, found.state.owner)}，对方会收到通知", back)
