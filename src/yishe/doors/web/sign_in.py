"""In and out: the first step (password or passkey), the second (a code or a passkey), and setting one up when a duty
asks for it. What a wrong try costs comes from the pack; how it is counted from trust.guessing."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yishe.doors import admission
from yishe.doors.web import entering, factor_desk, passkey_desk
from yishe.doors.web.entering import Half
from yishe.people import directory, own_accounts
from yishe.policy.refusals import Invalid, Refused, Unauthenticated
from yishe.talk import account_news
from yishe.trust import accounts, clock, factors, sessions
from yishe.trust.models import Account

PASSKEY = "passkey"


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _door(request, request.GET.get("next", ""))
    given = request.POST
    wanted, username = given.get("next", ""), given.get("username", "")
    try:
        account = accounts.sign_in(given.get("password", ""), entering.attempt(request, username))
        return entering.first_step_done(request, account, "password", wanted)
    except Unauthenticated as refused:
        entering.told_when_locked(refused)
        return _door(request, wanted, error=refused.title, username=username)


def _door(request: HttpRequest, wanted: str, *, error: str = "", username: str = "") -> HttpResponse:
    told = {
        "error": error, "username": username, "next": wanted, "passkeys": passkey_desk.site(request) is not None,
    }  # fmt: skip
    return render(request, "sign_in.html", told, status=401 if error else 200)


@require_POST
def ask_passkey(request: HttpRequest) -> JsonResponse:
    """Whichever key the device holds for us."""
    return passkey_desk.ask_to_prove(request, None)


@require_POST
def with_passkey(request: HttpRequest) -> HttpResponse:
    """A passkey alone: what one has, and a finger, face or PIN."""
    wanted = request.POST.get("next", "")
    try:
        account = passkey_desk.prove(request)
        _refuse_own(account)
    except (Unauthenticated, Invalid) as refused:
        return _door(request, wanted, error=refused.title)
    return entering.enter(request, account, PASSKEY, wanted, strong=True)


def _refuse_own(account: Account) -> None:
    """This door is the staff's."""
    if own_accounts.is_own(account.pk):
        raise Unauthenticated("own_account", "这把通行密钥是居民或家属的：请从居民入口登录。")


def half_way(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Only for someone whose first step is done; others begin anew."""

    @never_cache
    @wraps(view)
    def opened(request: HttpRequest, **path: Any) -> HttpResponse:
        try:
            return view(request, entering.half(request), **path)
        except Unauthenticated as refused:
            return _door(request, "", error=refused.title)

    return opened


@sensitive_post_parameters("code")
@half_way
def second(request: HttpRequest, half: Half) -> HttpResponse:
    """A code of the app, or one of the paper."""
    has = factors.of(half.account.pk)
    told = {"has": has, "passkeys": has.passkey and passkey_desk.site(request) is not None}
    if request.method != "POST":
        return render(request, "second.html", told)
    tried = entering.attempt(request, half.account.username)
    try:
        way = factors.prove(half.account, request.POST.get("code", ""), tried, admission.rules(tried.at))
    except Unauthenticated as refused:
        entering.told_when_locked(refused)
        return render(request, "second.html", {**told, "error": refused.title}, status=401)
    if way == "recovery":
        account_news.tell(half.account.pk, "recovery_used", clock.now())
    return entering.enter(request, half.account, f"{half.way}+{way}", half.next, strong=True)


@require_POST
@half_way
def ask_second_passkey(request: HttpRequest, half: Half) -> HttpResponse:
    return passkey_desk.ask_to_prove(request, half.account.pk)


@require_POST
@half_way
def second_passkey(request: HttpRequest, half: Half) -> HttpResponse:
    account = passkey_desk.prove(request)
    if account.pk != half.account.pk:
        raise Unauthenticated("other_passkey", "这把通行密钥是另一个账号的：请重新登录。")
    return entering.enter(request, account, f"{half.way}+{PASSKEY}", half.next, strong=True)


@half_way
def enrol(request: HttpRequest, half: Half) -> HttpResponse:
    """Someone whose duty asks for a second factor has none yet: which one?"""
    if factors.of(half.account.pk):
        return HttpResponseRedirect("/sign-in/second")
    return render(request, "enrol.html", {"passkeys": passkey_desk.site(request) is not None})


@half_way
def enrol_totp(request: HttpRequest, half: Half) -> HttpResponse:
    _refuse_if_any(half)
    return factor_desk.add_totp(
        request, half.account, factor_desk.bare(request), lambda: _enrolled(request, half, "totp")
    )


@require_POST
@half_way
def ask_enrol_passkey(request: HttpRequest, half: Half) -> HttpResponse:
    _refuse_if_any(half)
    return passkey_desk.ask_to_add(request, half.account, name_of(half))


@require_POST
@half_way
def enrol_passkey(request: HttpRequest, half: Half) -> HttpResponse:
    _refuse_if_any(half)
    try:
        passkey_desk.add(request, half.account)
    except Refused as refused:
        return render(
            request, "enrol.html", {"passkeys": True, "error": refused.title}, status=refused.status
        )
    return _enrolled(request, half, PASSKEY)


def _refuse_if_any(half: Half) -> None:
    """A password alone may set up the first second factor, never a further one: that takes the first."""
    if factors.of(half.account.pk):
        raise Unauthenticated("has_factor", "您已有第二种登录方式：请用它完成登录，再到“登录与设备”里添加。")


def _enrolled(request: HttpRequest, half: Half, way: str) -> HttpResponse:
    """In, by way of the page that shows the recovery codes."""
    account_news.tell(half.account.pk, "factor_added", clock.now())
    codes = factor_desk.new_codes(half.account.pk)
    entered = entering.enter(request, half.account, f"{half.way}+{way}", half.next, strong=True)
    shown = factor_desk.show_codes(codes, factor_desk.bare(request), entered["Location"])
    for cookie in entered.cookies.values():
        shown.cookies[cookie.key] = cookie
    return shown


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def own_password(request: HttpRequest) -> HttpResponse:
    """Someone is in by a password that somebody else gave him: nothing opens until he has chosen his own."""
    account, row = accounts.by_id(request.user.pk), admission.session_of(request)
    if account is None or row is None or account.given_at is None:
        return HttpResponseRedirect("/" if account else "/sign-in")
    at = clock.real_now()
    rule, wanted = admission.rules(at).password, request.POST.get("next") or request.GET.get("next", "")
    told = {"least": rule.least, "next": wanted}
    if request.method != "POST":
        return render(request, "own_password.html", told)
    try:
        factor_desk.choose_password(request, account, rule)
    except Refused as refused:
        return render(request, "own_password.html", {**told, "error": refused.title}, status=422)
    sessions.end_others(account.pk, row.id, "password_changed", at)
    return HttpResponseRedirect(entering.safe_next(request, wanted))


def name_of(half: Half) -> str:
    member = directory.current().by_account(half.account.pk)
    return member.name if member else half.account.username


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    row = admission.session_of(request)
    auth.logout(request)
    if row is not None and row.account_id is not None:
        account_news.ended(row.account_id, [row.id], clock.now())
    return HttpResponseRedirect("/sign-in", headers={"Clear-Site-Data": '"cache", "storage"'})
