"""What wrong tries cost. Counted per account name and per address, whatever was guessed: password, code or PIN."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from yishe.policy.refusals import Unauthenticated
from yishe.policy.sign_in_rules import Guessing
from yishe.trust import commit, sign_in_log, usernames
from yishe.trust.models import Account, SignInAttempt


class LockedOut(Unauthenticated):
    """This wrong try was one too many: `account` is locked now, and should be told."""

    def __init__(self, title: str, account: UUID) -> None:
        super().__init__("locked", title)
        self.account = account


@dataclass(frozen=True)
class Try:
    """One attempt to come in: under which name, from which address, when, and what guessing costs."""

    username: str
    source: str
    at: datetime
    rule: Guessing

    @property
    def counted(self) -> str:
        """The name tries are counted under; what can be no name is all one."""
        return usernames.folded(self.username) or "?"


def refuse_flood(tried: Try) -> None:
    """Unauthenticated when the address has tried too often."""
    since = tried.at - tried.rule.window.exact()
    seen = SignInAttempt.objects.filter(source=tried.source[:64], at__gt=since).count()
    if seen >= tried.rule.source_failures:
        raise Unauthenticated("too_many", _("这台设备的登录尝试过多，请稍后再试。"))


def refuse_locked(account: Account, at: datetime) -> None:
    """Unauthenticated, with the minutes to wait, while the account is locked."""
    if account.locked_until and account.locked_until > at:
        minutes = int((account.locked_until - at).total_seconds() // 60) + 1
        raise Unauthenticated("locked", _locked(minutes))


def wrong(tried: Try, account: Account | None, code: str, title: str) -> Unauthenticated:
    """Count a wrong try; returns the refusal to raise: LockedOut when it was one too many for an account."""
    with commit.atomically():
        SignInAttempt.objects.create(username=tried.counted, source=tried.source[:64], at=tried.at)
        locked = account is not None and _count(tried, account)
        kind, whose = "locked" if locked else code, account.pk if account else None
        sign_in_log.note(None, kind, whose, tried.at, source=tried.source)
    if locked and account is not None:
        minutes = int(tried.rule.locked.exact().total_seconds() // 60)
        return LockedOut(_locked(minutes), account.pk)
    return Unauthenticated(code, title)


def _count(tried: Try, account: Account) -> bool:
    Account.objects.filter(pk=account.pk).update(failures=F("failures") + 1)
    since = tried.at - tried.rule.window.exact()
    since = max(since, account.last_login) if account.last_login else since
    recent = SignInAttempt.objects.filter(username=tried.counted, at__gt=since).count()
    if recent < tried.rule.failures:
        return False
    until = tried.at + tried.rule.locked.exact()
    Account.objects.filter(pk=account.pk).update(locked_until=until)
    return True


def right(account: Account, at: datetime) -> None:
    """Someone came in, with every factor asked for: the account forgets the wrong tries before, the address does not."""
    with commit.atomically():
        Account.objects.filter(pk=account.pk).update(failures=0, locked_until=None, last_login=at)


def sweep(before: datetime) -> int:
    """Forget tries older than any lock reaches back; returns how many. What happened stays in the sign-in log."""
    with commit.atomically():
        return SignInAttempt.objects.filter(at__lt=before).delete()[0]


def _locked(minutes: int) -> str:
    return _("账号已暂时锁定，请 %(n)d 分钟后再试，或联系管理员。") % {"n": minutes}
