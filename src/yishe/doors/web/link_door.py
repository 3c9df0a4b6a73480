"""A questionnaire by its link: the code, who answers, then one question a screen. Nothing tells whether a link ever was one."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from yishe.care import answering, questionnaire_links
from yishe.doors import limits
from yishe.doors.web import asking, entering
from yishe.doors.web.asking import Desk
from yishe.people import packs
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound, Refused
from yishe.trust import clock, ids

OPENED = "questionnaire"
View = Callable[..., HttpResponse]


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def door(request: HttpRequest, link: UUID) -> HttpResponse:
    """The code that goes with the link; the same page for every address."""
    if request.method == "GET":
        return render(request, "my/ask_code.html")
    try:
        tried = entering.attempt(request, "")
        questionnaire_links.prove(link, request.POST.get("code", ""), tried, clock.now())
    except Refused as refused:
        return render(request, "my/ask_code.html", {"error": refused.title}, status=refused.status)
    request.session.cycle_key()
    request.session[OPENED] = link.hex
    return HttpResponseRedirect(f"/form/{link}")


def opened(view: View) -> View:
    """Only for a browser in which the code was typed, and while the link opens anything. The view gets `desk`."""

    @never_cache
    @require_http_methods(["GET", "POST"])
    @wraps(view)
    def entered(request: HttpRequest, link: UUID, **path: Any) -> HttpResponse:
        if request.session.get(OPENED) != link.hex:
            return HttpResponseRedirect(f"/q/{link}")
        try:
            limits.take("person", link, clock.now())
            return view(request, _desk(link), **path)
        except (Conflict, Forbidden, NotFound) as refused:
            return render(request, "my/ask_over.html", {"said": refused.title}, status=refused.status)

    return entered


def _desk(link: UUID) -> Desk:
    now = clock.now()
    found = questionnaire_links.answerer(link, now)
    if found.response is None:
        raise NotFound("no_form", questionnaire_links.OVER[questionnaire_links.WITHDRAWN])
    base = f"/form/{link}"
    return Desk(found, found.response, now, base, {}, back=f"{base}?who=1")


@opened
def begin(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Who answers; said once, then one goes on where one stopped."""
    found, refused = desk.look(), None
    if request.method == "POST":
        said = {name: request.POST.get(name, "") for name in ("informant", "name", "kinship")}
        try:
            answering.says(desk.answerer, desk.response, said, at=desk.now, command_id=str(ids.new()))
            return HttpResponseRedirect(desk.at(asking.first_open(desk.stands())))
        except Invalid as wrong:
            refused = wrong
    elif found.begun and "who" not in request.GET:
        return HttpResponseRedirect(desk.at(asking.first_open(found)))
    kinships = [
        (code, str(words)) for code, words in packs.in_force().codes["kinship"].items() if code != "0"
    ]
    told = {
        "refusal": refused, "kinships": kinships, "given": request.POST, "may": found.form.scale.filled_by,
        "of": len(found.form.asked), "informant": found.form.told.by.get("informant", "") if found.form.told else "",
    }  # fmt: skip
    return desk.show(request, "ask_who.html", found, **told)


@opened
def question(request: HttpRequest, desk: Desk, item: str) -> HttpResponse:
    return asking.question(request, desk, item)


@opened
def end(request: HttpRequest, desk: Desk) -> HttpResponse:
    return asking.end(request, desk)
