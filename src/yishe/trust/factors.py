"""What an account can prove itself with besides its password."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from yishe.policy.sign_in_rules import SignInVersion
from yishe.trust import guessing, passkeys, pins, recovery, totp
from yishe.trust.guessing import Try
from yishe.trust.models import Account


@dataclass(frozen=True)
class Factors:
    """`totp` an authenticator app, `passkey` at least one key, `codes` recovery codes left."""

    totp: bool
    passkey: bool
    codes: int

    def __bool__(self) -> bool:
        return self.totp or self.passkey


def of(account: UUID) -> Factors:
    return Factors(totp.has(account), passkeys.has(account), recovery.left(account))


def of_all(accounts: Iterable[UUID]) -> dict[UUID, Factors]:
    """The same for many, in three statements."""
    wanted = list(accounts)
    apps, keys, codes = totp.holders(wanted), passkeys.holders(wanted), recovery.left_of(wanted)
    return {one: Factors(one in apps, one in keys, codes.get(one, 0)) for one in wanted}


def prove(account: Account, code: str, tried: Try, rules: SignInVersion) -> str:
    """The second step by typing: a code of the app, or a recovery code. Returns which of the two.

    Wrong ones are counted with wrong passwords; a code seen before is wrong.
    """
    guessing.refuse_flood(tried)
    guessing.refuse_locked(account, tried.at)
    if recovery.looks_like_one(code) and recovery.proves(account.pk, code, tried.at):
        return "recovery"
    if totp.proves(account.pk, code, rules.second_factor.clock_steps, tried.at):
        return "totp"
    raise guessing.wrong(
        tried, account, "wrong_code",
        _("验证码不对，或已经用过：请核对手机时间，等下一个码出来再输；也可以用恢复码。"),
    )  # fmt: skip


def reset(account: UUID, at: datetime) -> None:
    """Someone lost his phone: every second factor goes, and the PINs that stood on one, and he sets up new ones at the next sign-in."""
    totp.remove(account, at)
    for key in passkeys.of(account):
        passkeys.remove(account, key.id, at)
    recovery.drop(account)
    pins.drop(account=account)
