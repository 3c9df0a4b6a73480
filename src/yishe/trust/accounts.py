"""Accounts, passwords and bearer tokens.

A sign-in says neither whether the name exists nor which part was wrong; both cost the same time. Failures are
counted per name and per address; how many and for how long comes from the pack.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F
from django.utils.translation import gettext as _

from yishe.policy.refusals import Conflict, Invalid, NotFound, Unauthenticated
from yishe.trust import ids
from yishe.trust.models import Account, SignInAttempt, Token

_NOBODY = make_password(secrets.token_hex())


@dataclass(frozen=True)
class Throttle:
    """At most `failures` wrong attempts per name (and ten times that per address) within `window`."""

    failures: int
    window: timedelta
    lock: timedelta


def create_account(username: str, password: str, at: datetime, hashed: str | None = None) -> Account:
    """A new account. `hashed` takes an already hashed password (imports, demo)."""
    if Account.objects.filter(username=username).exists():
        raise Conflict("username_taken", f"账号 {username} 已被使用：请换一个工号或账号名。")
    return Account.objects.create(
        id=ids.new(), username=username, password=hashed or make_password(password), created_at=at
    )


def set_password(account: Account, password: str) -> None:
    if len(password) < 8:
        raise Invalid("password_short", "密码至少 8 位。")
    account.password = make_password(password)
    account.failures, account.locked_until = 0, None
    account.save(update_fields=["password", "failures", "locked_until"])


def sign_in(username: str, password: str, source: str, at: datetime, throttle: Throttle) -> Account:
    """The account, or Unauthenticated with words for the person at the door."""
    _refuse_flood(username, source, at, throttle)
    account = Account.objects.filter(username=username).first()
    if account and account.locked_until and account.locked_until > at:
        minutes = int((account.locked_until - at).total_seconds() // 60) + 1
        raise Unauthenticated(
            "locked", _("账号已暂时锁定，请 %(n)d 分钟后再试，或联系管理员。") % {"n": minutes}
        )
    good = check_password(password, account.password if account else _NOBODY)
    if account is None or not good or not account.is_active:
        _note_failure(account, username, source, at, throttle)
        raise Unauthenticated("wrong_credentials", _("账号或密码不对，请核对后再试。"))
    if account.failures or account.locked_until:
        Account.objects.filter(pk=account.pk).update(failures=0, locked_until=None)
    Account.objects.filter(pk=account.pk).update(last_login=at)
    return account


def _refuse_flood(username: str, source: str, at: datetime, throttle: Throttle) -> None:
    since = at - throttle.window
    if SignInAttempt.objects.filter(source=source, at__gt=since).count() >= throttle.failures * 10:
        raise Unauthenticated("too_many", _("这台设备的登录尝试过多，请稍后再试。"))


def _note_failure(
    account: Account | None, username: str, source: str, at: datetime, throttle: Throttle
) -> None:
    SignInAttempt.objects.create(username=username[:64], source=source[:64], at=at)
    if account is None:
        return
    Account.objects.filter(pk=account.pk).update(failures=F("failures") + 1)
    recent = SignInAttempt.objects.filter(username=username[:64], at__gt=at - throttle.window).count()
    if recent >= throttle.failures:
        Account.objects.filter(pk=account.pk).update(locked_until=at + throttle.lock)


def _digest(plaintext: str) -> bytes:
    return hashlib.sha256(plaintext.encode()).digest()


def issue_token(account: Account, label: str, at: datetime) -> str:
    """A new bearer token; its plain text is returned once and never stored."""
    plaintext = "ys_" + secrets.token_urlsafe(32)
    Token.objects.create(id=ids.new(), account=account, digest=_digest(plaintext), label=label, created_at=at)
    return plaintext


def revoke_token(token_id: uuid.UUID, at: datetime) -> None:
    if not Token.objects.filter(id=token_id, revoked_at=None).update(revoked_at=at):
        raise NotFound("no_token", "没有这个令牌，或它已停用。")


def token_digest(plaintext: str) -> bytes:
    """What a bearer token is looked up by."""
    return _digest(plaintext)


def named(username: str) -> Account:
    """The active account of that name, or NotFound."""
    account = Account.objects.filter(username=username, is_active=True).first()
    if account is None:
        raise NotFound(
            "no_account",
            f"没有名为 {username} 的在用账号：请核对用户名（yishe demo accounts 可列出演示账号）。",
        )
    return account
