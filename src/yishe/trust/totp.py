"""Authenticator apps (RFC 6238: SHA-1, six digits, thirty seconds, as every app takes it).

The secret lies sealed under the installation's own key. A code is taken once: its step is kept, and neither it nor an
earlier one counts again, by whatever clock.
"""

import base64
import hmac
import os
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.db import IntegrityError

from yishe.policy.refusals import Conflict, Invalid, Unavailable
from yishe.trust import ciphers, commit, ids, keys, sign_in_log
from yishe.trust.models import Totp

USE = "sign_in"
SECRET_BYTES, DIGITS, STEP_SECONDS = 20, 6, 30


def begin(account: UUID, at: datetime) -> str:
    """A new secret, in the letters a person may type into the app. It counts once a code of it was shown."""
    secret, row = os.urandom(SECRET_BYTES), ids.new()
    sealed = ciphers.lock(keys.house_key(USE), secret, _place(row))
    with commit.atomically():
        Totp.objects.filter(account=account, confirmed_at=None).delete()
        Totp.objects.create(id=row, account_id=account, secret_sealed=sealed, created_at=at)
    return lettered(secret)


def pending(account: UUID) -> str | None:
    """The secret that waits for its first code, to be shown again on the same page."""
    row = Totp.objects.filter(account=account, confirmed_at=None).first()
    return lettered(_secret(row)) if row else None


def confirm(account: UUID, code: str, steps: int, at: datetime) -> None:
    """The app shows right codes: from now on it is asked for, and one it replaces is not. Invalid when not."""
    row = Totp.objects.filter(account=account, confirmed_at=None).first()
    if row is None:
        raise Conflict("no_pending_totp", "这一步已经过期：请从“添加验证器”重新开始。")
    step = matching_step(_secret(row), code, steps, at)
    if step is None:
        raise Invalid("wrong_code", "验证码不对：请核对手机时间，等下一个码出来再输。")
    try:
        with commit.atomically():
            Totp.objects.filter(account=account, confirmed_at__isnull=False).delete()
            Totp.objects.filter(id=row.id, confirmed_at=None).update(confirmed_at=at, last_step=step)
            sign_in_log.note(None, "totp_added", account, at)
    except IntegrityError:
        raise Conflict("totp_raced", "刚才已在另一处添加了验证器：请刷新看最新情况。") from None


def remove(account: UUID, at: datetime) -> bool:
    """Take the app away. Returns whether there was one."""
    with commit.atomically():
        gone = Totp.objects.filter(account=account).delete()[0]
        if gone:
            sign_in_log.note(None, "totp_removed", account, at)
    return bool(gone)


def proves(account: UUID, code: str, steps: int, at: datetime) -> bool:
    """Whether this is a code of the account's app that was never taken before; taking it is part of the answer."""
    row = Totp.objects.filter(account=account, confirmed_at__isnull=False).first()
    step = matching_step(_secret(row), code, steps, at) if row else None
    if row is None or step is None:
        return False
    with commit.atomically():
        return bool(Totp.objects.filter(id=row.id, last_step__lt=step).update(last_step=step))


def has(account: UUID) -> bool:
    return Totp.objects.filter(account=account, confirmed_at__isnull=False).exists()


def holders(accounts: Iterable[UUID]) -> set[UUID]:
    """Who of these has one."""
    rows = Totp.objects.filter(account__in=list(accounts), confirmed_at__isnull=False)
    return set(rows.values_list("account", flat=True))


def matching_step(secret: bytes, code: str, steps: int, at: datetime) -> int | None:
    """The step this code belongs to, up to `steps` before or after now; None when it belongs to none."""
    plain = unicodedata.normalize("NFKC", code).replace(" ", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) == DIGITS):
        return None
    hotp, now = HOTP(secret, DIGITS, SHA1()), int(at.timestamp()) // STEP_SECONDS  # noqa: S303 - RFC 6238
    found = None
    for step in range(now - steps, now + steps + 1):
        if hmac.compare_digest(hotp.generate(step), plain.encode()):
            found = step
    return found


def uri(secret: str, name: str, issuer: str) -> str:
    """What the app reads from the QR code."""
    label = quote(f"{issuer}:{name}")
    return (
        f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_SECONDS}"
    )


def lettered(secret: bytes) -> str:
    return base64.b32encode(secret).decode()


def _secret(row: Totp) -> bytes:
    try:
        return ciphers.unlock(keys.house_key(USE), bytes(row.secret_sealed), _place(row.id))
    except (InvalidTag, ValueError):
        raise Unavailable(
            "cannot_unseal", "验证器的密钥打不开：请用恢复码登录后重新添加，并请管理员核对密钥备份。"
        ) from None


def _place(row: UUID) -> bytes:
    return b"trust.totp.secret" + row.bytes
