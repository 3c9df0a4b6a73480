"""What the browser is told when something cannot be done.

A refusal says what is so and what to do; a failure of ours says so, with a number to ring with, never a trace.
"""

import logging
import secrets
import sys
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render

from yishe.doors import away
from yishe.doors.web import breaking
from yishe.doors.web.page import arrived, show
from yishe.policy.refusals import Refused, TooMany, Unauthenticated
from yishe.trust import logs

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
"""What pages are asked by; each says itself when it takes fewer."""
NEXT_STEPS = {
    400: (
        "请求读不懂",
        "地址或内容不完整，或不是从本系统的网址打开的。请用收藏的网址重新打开；仍不行请联系管理员。",
    ),
    403: (
        "不能看或不能做",
        "您与这位居民或这件事没有签约、参与、值班或负责的关系。需要时请联系负责的团队长。",
    ),
    404: ("没有找到", "可能已合并、移走，或链接不完整。请回到今日，或按 / 查找居民。"),
    405: ("不能这样打开", "这个地址要在页面上按按钮才会办。请回到上一页再按一次。"),
    409: ("刚才有人先办了", "事情已经有了新进展。请看最新情况再决定。"),
    413: ("内容太大", "一次最多传 32 MB 的名册、2 MB 的表单：请分成几份再传。"),
    422: ("还差一点", "请按提示补正后再提交，已填的内容不会丢。"),
    429: (
        "太频繁了",
        "为了保护居民资料，短时间内的次数有上限。已填的内容还在，稍等再按一次；若不是您操作的，请告诉管理员。",
    ),
    500: ("系统出错了", "这不是您的操作造成的，已记下。请稍后再试；仍不行，请把编号告诉管理员。"),
    503: (away.GONE.heading, away.GONE.says),
}
INSTEAD = {
    "wrong_duty": "请让承担这个岗位的同事来办；谁在哪个岗位，看“团队”。",
    "not_yours": "打开这件事看现在轮到谁；着急可以催一下或打电话。",
    "outside_scope": "名单和您参与的事仍可在台账里看；需要数字请找团队长或中心主任。",
}
"""What to do where the reason of a refusal is another than a missing relation."""
FRAMED = (403, 404, 409, 422, 429)
"""Answers that stand inside the frame for who is signed in: the way on is one press away. The rest may be unable to."""
log = logging.getLogger("yishe.doors.web")


class Answers:
    """Turns refusals into pages (or into a banner inside the open form)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            return self.get_response(request)
        answer = self.get_response(request) if request.method in METHODS else HttpResponseNotAllowed(METHODS)
        if answer.status_code != 405:
            return answer
        said = page(request, 405)
        said["Allow"] = answer["Allow"]
        return said

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        """A null character is refused here for every page: no database takes one, and nobody types one."""
        if request.path.startswith("/api/"):
            return None
        typed = (
            (value for values in request.POST.lists() for value in values[1])
            if request.method == "POST"
            else ()
        )
        if "%00" in request.META.get("QUERY_STRING", "") or any("\0" in value for value in typed):
            return page(request, 400, title="内容里有空字符，没有收下：请去掉后重发。")
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if request.path.startswith(("/api/", "/live/")):
            return None
        return answer(request, exception)


def answer(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for an exception. Anything unknown is logged under a number and shown as 500."""
    if isinstance(exception, Refused):
        return _refusal(request, exception)
    if isinstance(exception, Http404):
        return page(request, 404)
    if isinstance(exception, PermissionDenied):
        return page(request, 403)
    if isinstance(exception, SuspiciousOperation):
        return page(request, 400)
    if isinstance(exception, OperationalError | InterfaceError):
        return unable(request, exception)
    number = secrets.token_hex(4)
    log.error("unexpected %s on %s", number, request.path, exc_info=exception)
    return page(request, 500, number=number)


def unable(request: HttpRequest, fault: Exception) -> HttpResponse:
    """The page for a database that is gone, full or too long in coming, with when to ask again."""
    log.warning("database away: %s", logs.said(fault))
    said = away.trouble(fault)
    response = page(
        request, 503, heading=said.heading, advice=said.says, title=said.says if _is_my(request) else ""
    )
    response["Retry-After"] = str(away.RETRY_SECONDS)
    return response


def _refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    if isinstance(refused, Unauthenticated) and _is_my(request):
        return HttpResponseRedirect("/my/sign-in")
    if isinstance(refused, Unauthenticated):
        return render(request, "sign_in.html", {"error": refused.title}, status=401)
    instead = {"advice": INSTEAD[refused.code]} if refused.code in INSTEAD else {}
    about = refused.about if refused.extra.get("action") in breaking.READ else ()
    response = page(request, refused.status, title=refused.title, extra=refused.extra, about=about, **instead)
    if isinstance(refused, TooMany):
        response["Retry-After"] = str(refused.extra["retry_after"])
    return response


def page(request: HttpRequest, status: int, **told: Any) -> HttpResponse:
    """The error page, or for a request made by htmx the same words as a banner in the open form."""
    heading, advice = NEXT_STEPS.get(status, NEXT_STEPS[500])
    context = {"status": status, "heading": heading, "advice": advice, **told}
    if getattr(request, "htmx", False):
        response = render(request, "parts/refused.html", context, status=status)
        inside = request.headers.get("HX-Target") == "dialog-body"
        response["HX-Retarget"], response["HX-Reswap"] = (
            "#refused-here" if inside else "#refused",
            "innerHTML",
        )
        return response
    if _is_my(request):
        return render(request, "my/error.html", context, status=status)
    return _framed(request, context) or render(request, "error.html", context, status=status)


def _is_my(request: HttpRequest) -> bool:
    """Whether the residents' own pages were asked, which have a frame and a door of their own."""
    return request.path == "/my" or request.path.startswith("/my/")


def _framed(request: HttpRequest, context: dict[str, Any]) -> HttpResponse | None:
    """The same inside the frame; None for who is not signed in, and when the frame itself cannot be drawn."""
    user = getattr(request, "user", None)
    if context["status"] not in FRAMED or user is None or not user.is_authenticated:
        return None
    try:
        here = arrived(request, user.pk)
        told = {**context, "glass": breaking.way_in(here, context.get("about", ()))}
        return show(request, here, "error_framed.html", told, status=context["status"])
    except (Refused, OperationalError, InterfaceError):
        return None


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose secret is gone (signed out meanwhile, or cookies off)."""
    return page(request, 403, title="这一页已过期：请返回上一页刷新后再提交，或重新登录。")


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 400)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return page(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """What went wrong before any view was asked: a database that is away shows itself in the session first."""
    fault = sys.exc_info()[1]
    if isinstance(fault, OperationalError | InterfaceError):
        return unable(request, fault)
    return page(request, 500, number=secrets.token_hex(4))
