"""Recovery codes: for the day the phone is lost. Ten of them on paper, each opens once; we keep their fingerprints."""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from yishe.trust import commit, keys, sign_in_log
from yishe.trust.models import RecoveryCode

USE = "recovery"
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without what is misread on paper: 0 O, 1 I L."""
GROUP, GROUPS = 5, 2


def renew(account: UUID, count: int, at: datetime) -> tuple[str, ...]:
    """New codes in place of all former ones; shown this once."""
    codes = tuple(_code() for _ in range(count))
    with commit.atomically():
        RecoveryCode.objects.filter(account=account).delete()
        RecoveryCode.objects.bulk_create(
            RecoveryCode(account_id=account, digest=_digest(account, code)) for code in codes
        )
        sign_in_log.note(None, "recovery_renewed", account, at)
    return codes


def proves(account: UUID, code: str, at: datetime) -> bool:
    """Whether this is an unused code of the account; it is used from now on."""
    with commit.atomically():
        mine = RecoveryCode.objects.filter(account=account, digest=_digest(account, code), used_at=None)
        good = bool(mine.update(used_at=at))
        if good:
            sign_in_log.note(None, "recovery_used", account, at)
    return good


def left(account: UUID) -> int:
    """How many still open."""
    return RecoveryCode.objects.filter(account=account, used_at=None).count()


def left_of(accounts: Iterable[UUID]) -> dict[UUID, int]:
    """The same for many."""
    rows = RecoveryCode.objects.filter(account__in=list(accounts), used_at=None)
    return dict(rows.values_list("account").annotate(Count("id")).order_by())


def drop(account: UUID) -> None:
    with commit.atomically():
        RecoveryCode.objects.filter(account=account).delete()


def looks_like_one(text: str) -> bool:
    return len(_plain(text)) == GROUP * GROUPS


def _code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(GROUP * GROUPS))
    return "-".join(letters[i : i + GROUP] for i in range(0, len(letters), GROUP))


def _plain(code: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", code).upper() if c in ALPHABET)


def _digest(account: UUID, code: str) -> bytes:
    """Keyed, so that a copy of the table alone cannot be tried against."""
    return hmac.new(keys.house_key(USE), account.bytes + _plain(code).encode(), hashlib.sha256).digest()
