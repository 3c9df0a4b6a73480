"""登录和设备, for residents and relatives: where I am signed in, and a passkey instead of codes."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from yishe.doors import admission
from yishe.doors.web import my_page, passkey_desk, proving
from yishe.doors.web.my_page import HOME, Mine, at_home
from yishe.doors.web.page import View
from yishe.policy.refusals import Conflict
from yishe.talk import account_news
from yishe.trust import clock, passkeys, sessions, sign_in_log

PAGE = f"{HOME}/security"


@at_home
def overview(request: HttpRequest, mine: Mine) -> HttpResponse:
    account, at = proving.account_of(request), clock.real_now()
    here = proving.row_of(request).id
    told = {
        "keys": passkeys.of(account.pk), "passkeys": passkey_desk.site(request) is not None, "real": at,
        "sessions": [{"row": row, "here": row.id == here} for row in sessions.living(account.pk, at)],
        "events": sign_in_log.recent(account.pk, 10),
    }  # fmt: skip
    return my_page.show(request, mine, "security.html", told)


def freshly_in(view: Callable[..., HttpResponseBase]) -> View:
    """Only soon after coming in: what changes the way in is not done on a screen that was left open."""

    @require_POST
    @at_home
    @wraps(view)
    def opened(request: HttpRequest, mine: Mine, **path: Any) -> HttpResponseBase:
        at = clock.real_now()
        if at - proving.row_of(request).proved_at > admission.rules(at).screen.recent.exact():
            raise Conflict("not_fresh", "登录已有一会儿了：请退出，重新登录后马上再办这一项。")
        return view(request, mine, **path)

    return opened


@freshly_in
def ask_passkey(request: HttpRequest, mine: Mine) -> JsonResponse:
    return passkey_desk.ask_to_add(request, proving.account_of(request), mine.actor.name)


@freshly_in
def add_passkey(request: HttpRequest, mine: Mine) -> HttpResponse:
    passkey_desk.add(request, proving.account_of(request))
    return HttpResponseRedirect(PAGE)


@freshly_in
def remove_passkey(request: HttpRequest, mine: Mine, passkey: UUID) -> HttpResponse:
    passkeys.remove(proving.account_of(request).pk, passkey, clock.real_now())
    return HttpResponseRedirect(PAGE)


@require_POST
@at_home
def end_others(request: HttpRequest, mine: Mine) -> HttpResponse:
    account, row = proving.account_of(request), proving.row_of(request)
    ended = sessions.end_others(account.pk, row.id, "ended_elsewhere", clock.real_now())
    account_news.ended(account.pk, ended, mine.now)
    return HttpResponseRedirect(PAGE)
