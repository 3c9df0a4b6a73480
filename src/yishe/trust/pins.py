"""PINs: a short way back for one person on one device, never a way in.

A PIN stands on a full sign-in on that device and is worth nothing when that is too long ago. It is kept hashed with a key
of ours, since a million guesses are quickly made; a few wrong ones end it.
"""

import hashlib
import hmac
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F

from yishe.policy.refusals import Conflict, Invalid, NotFound, Unauthenticated
from yishe.policy.sign_in_rules import PinRule
from yishe.trust import commit, guessing, keys, sign_in_log
from yishe.trust.guessing import Try
from yishe.trust.models import Pin, Session

USE = "pin"


class PinOver(Unauthenticated):
    """This wrong try was one too many for the PIN of `account`, which is gone now; he should be told."""

    def __init__(self, account: UUID) -> None:
        super().__init__("pin_over", "PIN 连续输错，已停用：请用密码完整登录一次，再重新设置。")
        self.account = account


# Writers


def choose(session: Session, text: str, rule: PinRule, at: datetime) -> None:
    """The PIN of this session's person on its device, in place of a former one. It stands on the proof this session
    stands on. Invalid, saying why, when it is too easy to guess."""
    if session.account_id is None or session.device_id is None:
        raise Conflict("no_device", "浏览器没有留下设备标识：请允许 Cookie，重新登录后再设置 PIN。")
    digits = _digits(text)
    refuse_easy(digits, rule)
    values = {
        "hashed": make_password(_keyed(session.account_id, session.device_id, digits)), "wrong": 0, "set_at": at,
        "proved_at": session.proved_at, "strong_at": session.strong_at,
    }  # fmt: skip
    with commit.atomically():
        Pin.objects.update_or_create(
            account_id=session.account_id, device_id=session.device_id, defaults=values
        )
        sign_in_log.note(None, "pin_set", session.account_id, at, device=session.device_id)


def prove(pin: Pin, text: str, tried: Try, rule: PinRule) -> None:
    """Whether these are its digits; counted from anew when they are. Unauthenticated with words when not: PinOver when the
    PIN is gone with it, LockedOut when the account waits now."""
    guessing.refuse_flood(tried)
    guessing.refuse_locked(pin.account, tried.at)
    mine = Pin.objects.filter(id=pin.id)
    if is_over(pin, rule, tried.at) or not pin.account.is_active:
        raise Unauthenticated("pin_term", "PIN 已过期：请用密码完整登录一次，就能接着用。")
    with commit.atomically():
        counted = mine.filter(wrong__lt=rule.tries).update(wrong=F("wrong") + 1)
    digits = _digits(text)
    if counted and check_password(_keyed(pin.account_id, pin.device_id, digits), pin.hashed):
        with commit.atomically():
            mine.update(wrong=0)
        return
    refused = guessing.wrong(tried, pin.account, "wrong_pin", "PIN 不对，请再输一次；忘了就用密码登录。")
    with commit.atomically():
        over = bool(mine.filter(wrong__gte=rule.tries).delete()[0])
        if over:
            sign_in_log.note(
                None, "pin_over", pin.account_id, tried.at, device=pin.device_id, source=tried.source
            )
    raise PinOver(pin.account_id) if over else refused


def renew(account: UUID, device: UUID, at: datetime, *, strong: bool) -> None:
    """He signed in there in full: his PIN stands on that from now on."""
    with commit.atomically():
        mine = Pin.objects.filter(account=account, device=device)
        mine.update(proved_at=at, wrong=0, **({"strong_at": at} if strong else {}))


def strengthen(account: UUID, device: UUID, at: datetime) -> None:
    """He gave the second factor after his PIN."""
    with commit.atomically():
        Pin.objects.filter(account=account, device=device).update(strong_at=at)


def remove(account: UUID, pin: UUID, at: datetime) -> None:
    """NotFound when it is not his."""
    with commit.atomically():
        row = Pin.objects.filter(id=pin, account=account).first()
        if row is None:
            raise NotFound("no_pin", "没有这个 PIN，或它已删除。")
        row.delete()
        sign_in_log.note(None, "pin_removed", account, at, device=row.device_id)


def drop(*, account: UUID | None = None, device: UUID | None = None) -> None:
    """All of an account, or all on a device."""
    wanted = {"account": account} if account else {"device": device}
    with commit.atomically():
        Pin.objects.filter(**wanted).delete()


def sweep(before: datetime) -> int:
    """Drop those whose proof was given before that."""
    with commit.atomically():
        return Pin.objects.filter(proved_at__lt=before).delete()[0]


# Readers


def is_over(pin: Pin, rule: PinRule, at: datetime) -> bool:
    """Whether the proof it stands on is too long ago."""
    return at - pin.proved_at >= rule.life.exact()


def strong_until(pin: Pin, rule: PinRule, at: datetime) -> datetime | None:
    """Until when it stands for a second factor; None when it does not."""
    until = pin.strong_at + rule.second_factor.exact() if pin.strong_at else at - timedelta(1)
    return until if until > at else None


def on(device: UUID) -> Sequence[Pin]:
    """Whose PINs open this device."""
    return list(Pin.objects.filter(device=device, account__is_active=True).select_related("account"))


def of(account: UUID) -> Sequence[Pin]:
    """Where this account has a PIN, the newest first."""
    return list(Pin.objects.filter(account=account).select_related("device").order_by("-set_at"))


def here(account: UUID, device: UUID | None) -> Pin | None:
    """The account's PIN on this device."""
    return (
        Pin.objects.filter(account=account, device=device).select_related("account").first()
        if device
        else None
    )


def refuse_easy(digits: str, rule: PinRule) -> None:
    """Invalid, saying what a PIN must be, for one that is guessed first."""
    if not rule.least <= len(digits) <= rule.most or not digits.isascii() or not digits.isdigit():
        raise Invalid("pin_length", f"PIN 应为 {rule.least} 到 {rule.most} 位数字，请重新设置。")
    if len(set(digits)) < rule.distinct or _longest_run(digits) > rule.run:
        raise Invalid(
            "pin_easy",
            f"这个 PIN 太好猜：至少用 {rule.distinct} 个不同的数字，相同或连号的不超过 {rule.run} 位。",
        )


def _longest_run(digits: str) -> int:
    """How many in a row are alike, count up, or count down."""
    longest = run = 1
    before: int | None = None
    for one, two in pairwise(digits):
        step = int(two) - int(one)
        run = run + 1 if step == before else 2
        before = step
        longest = max(longest, run if step in (-1, 0, 1) else 1)
    return longest


def _digits(text: str) -> str:
    """As typed on any keyboard: full-width digits made plain, blanks gone."""
    return "".join(unicodedata.normalize("NFKC", text[:64]).split())


def _keyed(account: UUID, device: UUID, digits: str) -> str:
    said = account.bytes + device.bytes + digits.encode(errors="replace")
    return hmac.new(keys.house_key(USE), said, hashlib.sha256).hexdigest()
