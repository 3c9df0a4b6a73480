"""通知: what has been told to me, grouped, newest first; opening one leads to the thing itself."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors.web import notice_words, page
from yishe.doors.web.page import Here, signed_in
from yishe.talk import notices as told

PAGE = 40


@signed_in
def notices(request: HttpRequest, here: Here) -> HttpResponse:
    rows, following = told.for_person(here.actor.staff_id, PAGE, request.GET.get("cursor"))
    lines = notice_words.lines(here, rows)
    page.seen(here, "read.notices", [row.subject for row in rows if row.subject])
    return page.show(request, here, "notices.html", {"place": "notices", "lines": lines, "next": following})


@require_POST
@signed_in
def mark_read(request: HttpRequest, here: Here, notice: UUID | None = None) -> HttpResponse:
    """One notice, or all of them."""
    changed = told.mark_read(here.actor.staff_id, notice, here.now)
    return page.done(request, f"{changed} 条已读", "/notices")
