"""复印件: asked for, then given out once in each form. Nothing is kept on the server."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from yishe.doors import limits
from yishe.doors.web import page
from yishe.doors.web.page import Here, signed_in
from yishe.insight import copies, copy_print, record_export
from yishe.people.actors import Actor
from yishe.trust import paper

MEDIA = {"json": "application/json; charset=utf-8", "pdf": "application/pdf"}


@require_POST
@signed_in
def ask(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """The resident wants a copy."""
    copies.ask(here.actor, resident_id, here.now)
    return page.done(request, "已登记：复印件可以取了，每种格式取一次", f"/residents/{resident_id}/rights")


@require_POST
@signed_in
def take(request: HttpRequest, here: Here, resident_id: UUID, ticket: UUID, form: str) -> HttpResponse:
    """The copy itself, as a file."""
    return file_of(here.actor, resident_id, ticket, form, here.now)


@require_POST
@signed_in
def take_record(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """The record as this person sees it, as a PDF; why it is taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    purpose = request.POST.get("purpose", "")
    content = record_export.record_pdf(here.actor, resident_id, here.now, purpose=purpose)
    return page.attached(content, f"dangan-{here.now:%Y%m%d}.pdf", MEDIA["pdf"])


def file_of(actor: Actor, resident_id: UUID, ticket: UUID, form: str, at: datetime) -> HttpResponse:
    """The copy as it is handed out: written at this moment, kept nowhere."""
    if form == "pdf":
        paper.fonts()  # without one the ticket is not spent
    make = copy_print.pdf if form == "pdf" else _plain
    content = copies.take(actor, resident_id, ticket, form, at, make)
    answer = HttpResponse(content, content_type=MEDIA[form])
    answer["Content-Disposition"] = f'attachment; filename="yishe-copy-{at:%Y%m%d}.{form}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _plain(copy: dict[str, Any]) -> bytes:
    return json.dumps(copy, ensure_ascii=False, indent=1).encode()
