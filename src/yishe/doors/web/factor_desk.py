"""Choosing a password, setting up an app and recovery codes: the same pages on the way in and from the settings."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import segno
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe

from yishe.doors import admission
from yishe.doors.web import page
from yishe.doors.web.page import Here
from yishe.policy.refusals import Conflict, Refused
from yishe.policy.sign_in_rules import Password
from yishe.trust import accounts, clock, recovery, sign_in_log, totp
from yishe.trust.models import Account

ISSUER = "医社联动"


Show = Callable[[str, dict[str, Any], int], HttpResponse]
"""Renders a template with its context and status: bare on the way in, inside the frame from the settings."""


def bare(request: HttpRequest) -> Show:
    def show(template: str, told: dict[str, Any], status: int) -> HttpResponse:
        return render(request, template, {"frame": "bare.html", **told}, status=status)

    return show


def framed(request: HttpRequest, here: Here) -> Show:
    def show(template: str, told: dict[str, Any], status: int) -> HttpResponse:
        return page.show(
            request, here, template, {"frame": "base.html", "place": "me", **told}, status=status
        )

    return show


def add_totp(
    request: HttpRequest, account: Account, show: Show, done: Callable[[], HttpResponse]
) -> HttpResponse:
    """Shows the secret until a right code of it comes back."""
    at = clock.real_now()
    if request.method != "POST":
        return _secret(account, totp.begin(account.pk, at), show)
    try:
        totp.confirm(
            account.pk, request.POST.get("code", ""), admission.rules(at).second_factor.clock_steps, at
        )
    except Refused as refused:
        return _secret(account, totp.pending(account.pk) or totp.begin(account.pk, at), show, refused.title)
    return done()


def _secret(account: Account, secret: str, show: Show, error: str = "") -> HttpResponse:
    spaced = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    picture = _picture(totp.uri(secret, account.username, ISSUER))
    return show("totp.html", {"secret": spaced, "picture": picture, "error": error}, 422 if error else 200)


def _picture(text: str) -> SafeString:
    """A QR code as part of the page: no request, no file, no script."""
    drawn = segno.make(text, error="m").svg_inline(scale=5, dark="#000", light="#fff", border=3)
    return mark_safe(drawn)  # noqa: S308 - drawn from bits, no text of anybody in it


def choose_password(request: HttpRequest, account: Account, rule: Password) -> None:
    """The password typed twice becomes his own. Refused, saying why, when the two differ or it is none worth having."""
    wanted = request.POST.get("password", "")
    if wanted != request.POST.get("again", ""):
        raise Conflict("passwords_differ", "两次输入的密码不一样，请重新输入。")
    accounts.set_password(account, wanted, rule)
    update_session_auth_hash(request, account)
    sign_in_log.note(None, "password_changed", account.pk, clock.real_now())


def new_codes(account: UUID) -> tuple[str, ...]:
    """Fresh recovery codes, as many as the pack says."""
    at = clock.real_now()
    return recovery.renew(account, admission.rules(at).second_factor.recovery_codes, at)


def show_codes(codes: tuple[str, ...], show: Show, onward: str) -> HttpResponse:
    """The only time these are seen."""
    return show("recovery.html", {"codes": codes, "onward": onward}, 200)
