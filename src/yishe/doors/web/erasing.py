"""删除申请: what approving would do, shown before it is done; then the answer, to print and hand over."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from yishe.care import erasures
from yishe.doors.web import faces, import_desk, loop_rows, page, pressing, resident
from yishe.doors.web.page import Here, signed_in
from yishe.loops.reading import Detail
from yishe.trust import ids


def offered(here: Here, found: Detail) -> bool:
    """Whether this person decides here about an erasure."""
    state = found.state
    return (
        state.kind == erasures.KIND
        and state.state == "in-progress"
        and state.performer == here.actor.staff_id
    )


@require_http_methods(["GET", "POST"])
@signed_in
def erase(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    """The review, and with a second press the erasure itself. The answer is shown once; its dates stay on record."""
    if request.method == "POST":
        seq = pressing.seq(request, 0)
        command = pressing.command(request)
        kept = erasures.erase(here.actor, loop_id, seq=seq, at=here.now, command_id=command)
        transaction.on_commit(import_desk.forget)
        told = {"place": "ledger", "answer": erasures.answer(kept), "number": loop_id}
        return page.show(request, here, "erased.html", told)
    around = erasures.review(here.actor, loop_id, here.now)
    page.seen(here, "rights.review", [around.where.subject])
    told = {
        "place": "ledger", "person": faces.person(here, resident.card_of(around.where)), "loop": around.state,
        "answer": erasures.answer(around.kept), "in_the_way": [way(one) for one in around.in_the_way],
        "may": around.state.performer == here.actor.staff_id != around.state.sender, "command_id": str(ids.new()),
    }  # fmt: skip
    return page.show(request, here, "erase.html", told)


def way(state: Any) -> dict[str, str]:
    """A promise that must come to its end first."""
    return {"href": f"/loops/{state.id}", "title": str(loop_rows.kind_of(state).title)}
