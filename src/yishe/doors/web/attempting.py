"""记一次联系: an attempt to reach a resident, told in four fields."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from yishe.care import attempts
from yishe.care.attempts import Told
from yishe.care.contract_stream import Once
from yishe.doors.web import page, pressing, resident
from yishe.doors.web.contract_forms import AttemptForm
from yishe.doors.web.page import Here, signed_in
from yishe.policy.refusals import Invalid
from yishe.trust import ids


@require_http_methods(["GET", "POST"])
@signed_in
def attempt(request: HttpRequest, here: Here, resident_id: UUID) -> HttpResponse:
    """How, with what outcome, and when if not now."""
    stands, permission = resident.allowed(here, resident_id, attempts.ACTION)
    back, form = (
        f"/residents/{stands.resident}?tab=contract",
        AttemptForm(attempts.required(), request.POST or None),
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        told = Told(given["way"], given["outcome"], given["note"], given["tried_at"], given["again_at"])
        try:
            made = attempts.record(
                here.actor, stands.resident, told, here.now, Once(pressing.command(request))
            )
            words = "已记下；电话都打过了，已派出一次上门" if made.visit else "已记下这次联系"
            return page.done(request, words, back)
        except Invalid as refused:
            page.refused_in(form, refused)
    page.seen(here, "read.form", [stands.subject], **permission.line)
    shown = {
        "form": form, "title": "记一次联系", "press": "记下", "action": f"/residents/{stands.resident}/attempts",
        "sub": resident.card_of(stands).name, "back": back, "place": "residents", "hidden": {"command_id": str(ids.new())},
    }  # fmt: skip
    return page.ask(request, here, shown)
