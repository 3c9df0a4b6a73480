"""Theme, row height and 长辈模式, remembered per person on this machine."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from yishe.doors.web import helping, page
from yishe.doors.web.entering import safe_next
from yishe.doors.web.page import Here, signed_in
from yishe.insight import research


@signed_in
def settings(request: HttpRequest, here: Here) -> HttpResponse:
    """The same choices as in the rail, as a page for phones."""
    return page.show(
        request,
        here,
        "settings.html",
        {"place": "me", "may_ask_data": research.may_ask(here.actor, here.now), "helps": helping.helps(here)},
    )


@require_POST
def prefer(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(safe_next(request, request.POST.get("next", "")))
    for name in page.PREFERENCES:
        if name in request.POST:
            page.remember(request, response, name, request.POST[name])
    return response
