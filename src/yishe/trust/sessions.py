"""Sessions: one sign-in on one device, from its beginning to its end.

The database knows a session by the SHA-256 of its cookie. Whether one is welcome is decided anew at each request:
not ended, not past its life, on the device it began on, and not left alone for too long.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from yishe.policy.refusals import NotFound
from yishe.policy.sign_in_rules import SignInVersion
from yishe.trust import commit, sign_in_log
from yishe.trust.models import Account, Device, Session

SEEN_EVERY = timedelta(seconds=60)
"""How exactly the last sign of a person is kept; finer would be a write with each request."""
VISITOR_LIFE = timedelta(days=1)
"""How long a browser that never signed in keeps its place in a half-finished sign-in."""


ENDINGS = {"signed_out": "signed_out", "ended_elsewhere": "session_ended"}
"""Why a session ended → the line it leaves; other endings are told by what ended them."""


class Verdict(Enum):
    """What becomes of a request that shows a session: `strange` means another device showed it."""

    WELCOME = "welcome"
    LOCKED = "locked"
    ENDED = "ended"
    STRANGE = "strange"


@dataclass(frozen=True)
class Arrival:
    """How someone came in. `strong`: with a second factor, or a passkey, which is two in one. `shared`: on a device used in
    turns. By a PIN: `since` when the proof that it stands for was given, `until` when that is worth nothing any more."""

    way: str
    strong: bool
    device: Device
    source: str
    shared: bool = False
    since: datetime | None = None
    until: datetime | None = None


# Writers


def store(key: str, data: str, account: UUID | None, at: datetime) -> Session:
    """A new session under this cookie."""
    with commit.atomically():
        return Session.objects.create(
            digest=digest(key), data=data, account_id=account, began_at=at, seen_at=at, proved_at=at,
            ends_at=at + VISITOR_LIFE,
        )  # fmt: skip


def keep(session: UUID, data: str, account: UUID | None) -> bool:
    """Keep what a session remembers; False when it has ended meanwhile."""
    with commit.atomically():
        return bool(_living().filter(id=session).update(data=data, account_id=account))


def rekey(session: UUID, key: str) -> None:
    """The same session under another cookie: whoever knew the old one knows nothing."""
    with commit.atomically():
        _living().filter(id=session).update(digest=digest(key))


def begin(session: UUID, account: Account, arrival: Arrival, at: datetime, rules: SignInVersion) -> None:
    """From here the session is this person's, on this device."""
    ends, proved = at + rules.screen.life.exact(), arrival.since or at
    bundle = commit.Bundle()
    bundle.update(
        Session,
        where={"id": session},
        values={
            "account_id": account.pk, "device_id": arrival.device.id, "way": arrival.way,
            "source": arrival.source[:64], "began_at": at, "seen_at": at, "proved_at": proved, "locked_at": None,
            "strong_at": proved if arrival.strong else None, "ends_at": min(ends, arrival.until or ends),
            "shared": arrival.shared,
        },
    )  # fmt: skip
    kind = "switched" if arrival.since else "signed_in"
    sign_in_log.note(bundle, kind, account.pk, at, arrival.way, arrival.device.id, arrival.source)
    bundle.commit()


def end(account: UUID, session: UUID, why: str, at: datetime) -> Session:
    """End one session of this account. NotFound when it is not his, or over already."""
    row = _living().filter(id=session, account=account).first()
    if row is None:
        raise NotFound("no_session", "没有这次登录，或它已经结束。")
    _end(_living().filter(id=row.id), why, at)
    _noted(account, why, at, row.device_id)
    return row


def end_others(account: UUID, kept: UUID | None, why: str, at: datetime) -> Sequence[UUID]:
    """End all sessions of the account but one. Returns which."""
    rows = _living().filter(account=account)
    rows = rows.exclude(id=kept) if kept else rows
    found = list(rows.values_list("id", flat=True))
    _end(_living().filter(id__in=found), why, at)
    if found:
        _noted(account, why, at)
    return found


def _noted(account: UUID, why: str, at: datetime, device: UUID | None = None) -> None:
    """`stolen` and the like are lines of their own already."""
    if why in ENDINGS:
        sign_in_log.note(None, ENDINGS[why], account, at, device=device)


def _end(rows: QuerySet[Session], why: str, at: datetime) -> None:
    with commit.atomically():
        rows.update(ended_at=at, ended_why=why[:24], data="")


def forget(session: UUID) -> None:
    """Drop a visitor's session."""
    with commit.atomically():
        Session.objects.filter(id=session, account=None).delete()


def lock(session: UUID, at: datetime) -> None:
    """Nothing is shown under this session until its person has proved himself again."""
    with commit.atomically():
        _living().filter(id=session, locked_at=None).update(locked_at=at)


def proved(session: UUID, at: datetime, *, strong: bool = False) -> None:
    """The person proved himself: the lock is off, and what needs a fresh proof is open for a while."""
    values: dict[str, Any] = {"proved_at": at, "seen_at": at, "locked_at": None}
    with commit.atomically():
        _living().filter(id=session).update(**values, **({"strong_at": at} if strong else {}))


def opened(session: UUID, at: datetime) -> None:
    """The lock is off by a PIN: he is back, which proves nothing new."""
    with commit.atomically():
        _living().filter(id=session).update(seen_at=at, locked_at=None)


def share(device: UUID, *, shared: bool) -> None:
    """From now on the living sessions of this device lock as those of one used in turns do, or no more."""
    with commit.atomically():
        _living().filter(device=device).update(shared=shared)


def end_on(device: UUID, why: str, at: datetime) -> Sequence[Session]:
    """End whatever lives on this device. Returns what did."""
    found = list(_living().filter(device=device).exclude(account=None))
    _end(_living().filter(id__in=[row.id for row in found]), why, at)
    return found


def seen(row: Session, at: datetime) -> None:
    """A sign of life from the person, kept to the minute."""
    if at - row.seen_at >= SEEN_EVERY:
        with commit.atomically():
            _living().filter(id=row.id).update(seen_at=at)


def sweep(at: datetime, kept: timedelta) -> int:
    """Drop visitors' sessions that are over, and anybody's that ended longer ago than `kept`."""
    old = Q(ends_at__lt=at - kept) | Q(ended_at__lt=at - kept) | Q(account=None, ends_at__lt=at)
    with commit.atomically():
        return Session.objects.filter(old).delete()[0]


# Readers


def digest(key: str) -> bytes:
    """What a session's cookie is looked up by."""
    return hashlib.sha256(key.encode(errors="replace")).digest()


def shown(key: str) -> Session | None:
    """The living session of this cookie, in one statement."""
    return _living().filter(digest=digest(key)).first()


def taken(key: str) -> bool:
    return Session.objects.filter(digest=digest(key)).exists()


def judge(row: Session, device: UUID | None, at: datetime, rules: SignInVersion) -> Verdict:
    """What to do with a request that shows this session from that device."""
    if row.ended_at is not None or row.ends_at <= at:
        return Verdict.ENDED
    if row.device_id is not None and row.device_id != device:
        return Verdict.STRANGE
    if row.account_id is not None and (row.locked_at is not None or at - row.seen_at >= idle(row, rules)):
        return Verdict.LOCKED
    return Verdict.WELCOME


def idle(row: Session, rules: SignInVersion) -> timedelta:
    """After how long without a sign of its person this screen locks."""
    return (rules.shared if row.shared else rules.screen).idle.exact()


def living(account: UUID, at: datetime) -> Sequence[Session]:
    """Where this account is signed in now, the latest sign of life first."""
    rows = _living().filter(account=account, ends_at__gt=at).select_related("device")
    return list(rows.order_by("-seen_at"))


def counts(accounts: Iterable[UUID], at: datetime) -> dict[UUID, int]:
    """In how many places each of these accounts is signed in now."""
    rows = _living().filter(account__in=list(accounts), ends_at__gt=at)
    return dict(rows.values_list("account").annotate(Count("id")).order_by())


def has_been_here(account: UUID) -> bool:
    """Whether this account ever signed in, as far as is remembered."""
    return Session.objects.filter(account=account).exists()


def _living() -> QuerySet[Session]:
    return Session.objects.filter(ended_at=None)
