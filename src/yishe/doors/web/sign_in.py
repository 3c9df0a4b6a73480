"""In and out. What a wrong password costs comes from the pack; how it is counted from trust.accounts."""

from datetime import datetime

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors.web import spoken
from yishe.doors.web.preferences import safe_next
from yishe.people import packs
from yishe.policy.refusals import Unauthenticated
from yishe.trust import accounts, clock


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return render(request, "sign_in.html", {"next": request.GET.get("next", "")})
    given = request.POST
    source, now = request.META.get("REMOTE_ADDR", ""), clock.now()
    try:
        account = accounts.sign_in(
            given.get("username", "").strip(), given.get("password", ""), source, now, throttle(now)
        )
    except Unauthenticated as refused:
        told = {"error": refused.title, "username": given.get("username", ""), "next": given.get("next", "")}
        return render(request, "sign_in.html", told, status=401)
    auth.login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponseRedirect(safe_next(request, given.get("next", "")))


def throttle(now: datetime) -> accounts.Throttle:
    """What wrong passwords cost, as the pack in force says."""
    rule = packs.in_force().settings(spoken.local(now).date()).sign_in
    return accounts.Throttle(rule.failures, rule.window.exact(), rule.locked.exact())


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return HttpResponseRedirect("/sign-in")
