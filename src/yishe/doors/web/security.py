"""登录与设备: how I sign in, where I am signed in, what opens in my name. Whatever changes the way in asks for a proof
that is some minutes old at most."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from yishe.doors import admission
from yishe.doors.web import device_desk, factor_desk, page, passkey_desk
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.proving import HOME, account_of, freshly_proved, row_of
from yishe.policy.refusals import Conflict, Refused
from yishe.talk import account_news
from yishe.trust import accounts, clock, factors, passkeys, sessions, sign_in_log, totp
from yishe.trust.models import Account


@signed_in
def security(request: HttpRequest, here: Here) -> HttpResponse:
    account, at = account_of(request), clock.real_now()
    rules, mine = admission.rules(at), row_of(request).id
    told = {
        "place": "me",
        "username": account.username,
        "has": factors.of(account.pk),
        "keys": passkeys.of(account.pk),
        "passkeys": passkey_desk.site(request) is not None,
        "required": admission.asks_second(account.pk, here.now, at),
        "sessions": [{"row": row, "here": row.id == mine} for row in sessions.living(account.pk, at)],
        "tokens": [
            {"row": row, "until": row.created_at + rules.token_life.exact()}
            for row in accounts.tokens(account.pk, here.now - rules.token_life.exact())
        ],
        "events": sign_in_log.recent(account.pk),
        "real": at,
        **device_desk.told(request, here),
    }
    return page.show(request, here, "security.html", told)


@sensitive_post_parameters("password", "again")
@freshly_proved
def change_password(request: HttpRequest, here: Here) -> HttpResponse:
    """A new one; every other session ends with the old."""
    account, at = account_of(request), clock.real_now()
    rule = admission.rules(at).password
    told: dict[str, Any] = {"place": "me", "least": rule.least}
    if request.method != "POST":
        return page.show(request, here, "password.html", told)
    try:
        factor_desk.choose_password(request, account, rule)
    except Refused as refused:
        return page.show(request, here, "password.html", {**told, "error": refused.title}, status=422)
    _end_others(request, account, here, "password_changed")
    account_news.tell(account.pk, "password_changed", here.now)
    return page.done(request, "密码已更换，其他设备上的登录已结束", HOME)


@freshly_proved
def add_totp(request: HttpRequest, here: Here) -> HttpResponse:
    account = account_of(request)
    show = factor_desk.framed(request, here)
    return factor_desk.add_totp(request, account, show, lambda: _added(request, here, account))


@require_POST
@freshly_proved
def remove_totp(request: HttpRequest, here: Here) -> HttpResponse:
    account = account_of(request)
    _refuse_last(request, here, account, passkeys.has(account.pk))
    totp.remove(account.pk, clock.real_now())
    account_news.tell(account.pk, "factor_removed", here.now)
    return page.done(request, "验证器已移除", HOME)


@require_POST
@freshly_proved
def ask_passkey(request: HttpRequest, here: Here) -> JsonResponse:
    return passkey_desk.ask_to_add(request, account_of(request), here.actor.name)


@require_POST
@freshly_proved
def add_passkey(request: HttpRequest, here: Here) -> HttpResponse:
    account = account_of(request)
    passkey_desk.add(request, account)
    return _added(request, here, account)


@require_POST
@freshly_proved
def remove_passkey(request: HttpRequest, here: Here, passkey: UUID) -> HttpResponse:
    account = account_of(request)
    others = [key for key in passkeys.of(account.pk) if key.id != passkey and key.suspect_at is None]
    _refuse_last(request, here, account, totp.has(account.pk) or bool(others))
    passkeys.remove(account.pk, passkey, clock.real_now())
    account_news.tell(account.pk, "factor_removed", here.now)
    return page.done(request, "通行密钥已删除", HOME)


@require_POST
@freshly_proved
def renew_codes(request: HttpRequest, here: Here) -> HttpResponse:
    account = account_of(request)
    if not factors.of(account.pk):
        raise Conflict("no_factor", "还没有第二种登录方式，恢复码没有用处：请先添加验证器或通行密钥。")
    return factor_desk.show_codes(factor_desk.new_codes(account.pk), factor_desk.framed(request, here), HOME)


@require_POST
@signed_in
def end_session(request: HttpRequest, here: Here, session: UUID) -> HttpResponse:
    account = account_of(request)
    row = sessions.end(account.pk, session, "ended_elsewhere", clock.real_now())
    account_news.ended(account.pk, [row.id], here.now)
    return page.done(request, "那次登录已结束", HOME)


@require_POST
@signed_in
def end_others(request: HttpRequest, here: Here) -> HttpResponse:
    ended = _end_others(request, account_of(request), here, "ended_elsewhere")
    return page.done(request, f"已结束其他 {ended} 处登录", HOME)


@require_POST
@signed_in
def revoke_token(request: HttpRequest, here: Here, token: UUID) -> HttpResponse:
    accounts.revoke_token(token, here.now, account_of(request).pk)
    return page.done(request, "令牌已停用", HOME)


def _added(request: HttpRequest, here: Here, account: Account) -> HttpResponse:
    """A first factor brings recovery codes with it; a further one leaves them as they are."""
    account_news.tell(account.pk, "factor_added", here.now)
    sessions.proved(row_of(request).id, clock.real_now(), strong=True)
    if factors.of(account.pk).codes:
        messages.success(request, "已添加，下次登录就会用到")
        return HttpResponseRedirect(HOME)
    return factor_desk.show_codes(factor_desk.new_codes(account.pk), factor_desk.framed(request, here), HOME)


def _refuse_last(request: HttpRequest, here: Here, account: Account, another: bool) -> None:
    if not another and admission.asks_second(account.pk, here.now, clock.real_now()):
        raise Conflict("last_factor", "您的岗位必须有第二种登录方式：请先添加另一种，再移除这一种。")


def _end_others(request: HttpRequest, account: Account, here: Here, why: str) -> int:
    ended = sessions.end_others(account.pk, row_of(request).id, why, clock.real_now())
    account_news.ended(account.pk, ended, here.now)
    return len(ended)
