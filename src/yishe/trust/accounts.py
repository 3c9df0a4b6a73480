"""Accounts, passwords and bearer tokens.

A sign-in says neither whether the name exists nor which part was wrong; both cost the same time. What wrong tries
cost, and how long a password is, comes from the pack.
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from yishe.policy.refusals import Conflict, Invalid, NotFound, Unauthenticated
from yishe.policy.sign_in_rules import Password
from yishe.trust import commit, guessing, ids, usernames
from yishe.trust.guessing import Try
from yishe.trust.models import Account, Pin, SignInAttempt, Token

_COMMON = CommonPasswordValidator()
NO_PASSWORD = "!"  # noqa: S105 - what Django takes for a password that no text matches
LONGEST_HASHED = 4096
"""Longer texts are refused before they are hashed: hashing a megabyte is work an attacker could order."""


GIVEN_BYTES = 12
"""Of chance in a password that we make: sixteen letters to copy from a slip of paper."""


def create_account(
    username: str, password: str, at: datetime, hashed: str | None = None, *, given: bool = False
) -> Account:
    """A new account. `hashed` takes an already hashed password (demo); `given`: somebody else made the password, so it is
    to be changed at the first sign-in."""
    name = usernames.required(username)
    if Account.objects.filter(username__iexact=name).exists():
        raise Conflict("username_taken", f"账号 {name} 已被使用：请换一个工号或账号名。")
    return Account.objects.create(
        id=ids.new(),
        username=name,
        password=hashed or make_password(password),
        created_at=at,
        given_at=at if given else None,
    )


def set_password(account: Account, password: str, rule: Password) -> None:
    """A new password of his own, and no waiting any more. Invalid, saying why, when it is none worth having."""
    refuse_password(password, account.username, rule)
    if account.given_at is not None and proves(account, password):
        raise Invalid("password_given", "这就是别人给您的那个密码：请换一个只有自己知道的。")
    _keep_password(account, password, None)


def give_password(account: Account, at: datetime) -> str:
    """A password made here, for the account of somebody who has lost his: returned once, changed at the first sign-in."""
    made = secrets.token_urlsafe(GIVEN_BYTES)
    _keep_password(account, made, at)
    return made


def _keep_password(account: Account, password: str, given_at: datetime | None) -> None:
    account.password, account.given_at = make_password(password), given_at
    account.failures, account.locked_until = 0, None
    with commit.atomically():
        account.save(update_fields=["password", "given_at", "failures", "locked_until"])
        Pin.objects.filter(account=account).delete()  # they stood on the old one


def refuse_stale(account: Account, at: datetime, rule: Password) -> None:
    """Unauthenticated when the password is one that was given too long ago and never changed."""
    if account.given_at is not None and at - account.given_at > rule.given_life.exact():
        raise Unauthenticated("given_too_old", _("这个初始密码已过期：请找本中心管理员重设一个。"))


def unlock(account: Account) -> None:
    """No waiting any more after wrong tries, and those are forgotten."""
    with commit.atomically():
        SignInAttempt.objects.filter(username=account.username).delete()
        Account.objects.filter(pk=account.pk).update(failures=0, locked_until=None)


def refuse_password(password: str, username: str, rule: Password) -> None:
    if not rule.least <= len(password) <= rule.most:
        raise Invalid("password_length", f"密码应为 {rule.least} 到 {rule.most} 个字符，请重新设置。")
    if "\0" in password:
        raise Invalid("password_null", "密码里有空字符，请重新输入。")
    if username.casefold() in password.casefold():
        raise Invalid("password_name", "密码里不要带账号名，请重新设置。")
    try:
        _COMMON.validate(password)
    except ValidationError:
        raise Invalid("password_common", "这个密码太常见，很容易被猜中，请换一个。") from None


def sign_in(password: str, tried: Try) -> Account:
    """The account behind `tried.username`, or Unauthenticated with words for the person at the door.

    The password alone: whether a second factor is asked for is decided by who calls (trust.factors).
    """
    guessing.refuse_flood(tried)
    nobody = _nobody()
    name = usernames.folded(tried.username)
    account = Account.objects.filter(username=name).first() if name else None
    if account:
        guessing.refuse_locked(account, tried.at)
    if account is None or not proves(account, password) or not account.is_active:
        if account is None:
            _matches(password, nobody)
        raise guessing.wrong(tried, account, "wrong_credentials", _("账号或密码不对，请核对后再试。"))
    return account


def proves(account: Account, password: str) -> bool:
    """Whether this is the account's password. It takes as long for one that has none."""
    return _matches(password, account.password if account.has_usable_password() else _nobody())


@cache
def _nobody() -> str:
    """A password nobody has, to be compared with where there is none. Made at the first sign-in, whoever that is: making it
    costs as much as a comparison, and most processes never see one."""
    return make_password(secrets.token_hex())


def _matches(password: str, hashed: str) -> bool:
    plain = "" if len(password) > LONGEST_HASHED or "\0" in password else password
    return check_password(plain, hashed) and bool(plain)


def named(username: str) -> Account:
    """The active account of that name, or NotFound."""
    account = Account.objects.filter(username=usernames.folded(username), is_active=True).first()
    if account is None:
        raise NotFound(
            "no_account",
            f"没有名为 {username} 的在用账号：请核对用户名（yishe demo accounts 可列出演示账号）。",
        )
    return account


def by_id(account_id: object) -> Account | None:
    """The active account with that id."""
    found = ids.parse(account_id)
    return Account.objects.filter(pk=found, is_active=True).first() if found else None


def issue_token(account: Account, label: str, at: datetime) -> str:
    """A new bearer token; its plain text is returned once and never stored."""
    plaintext = "ys_" + secrets.token_urlsafe(32)
    digest = token_digest(plaintext)
    Token.objects.create(id=ids.new(), account=account, digest=digest, label=label, created_at=at)
    return plaintext


def revoke_token(token_id: uuid.UUID, at: datetime, account: uuid.UUID | None = None) -> None:
    """Stop a token; with `account` only one of his own. NotFound when there is no such living one."""
    living = Token.objects.filter(id=token_id, revoked_at=None)
    with commit.atomically():
        changed = (living.filter(account=account) if account else living).update(revoked_at=at)
    if not changed:
        raise NotFound("no_token", "没有这个令牌，或它已停用。")


def token_digest(plaintext: str) -> bytes:
    """What a bearer token is looked up by."""
    return hashlib.sha256(plaintext.encode()).digest()


def tokens(account: uuid.UUID, born_after: datetime) -> Sequence[Token]:
    """An account's tokens that open something now, the newest first."""
    rows = Token.objects.filter(account=account, revoked_at=None, created_at__gt=born_after)
    return list(rows.order_by("-created_at"))
