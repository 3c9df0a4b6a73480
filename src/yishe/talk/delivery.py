"""Carrying outbox rows to their readers: lease, place, retry, and a visible end when nothing helps.

At least once under one key: a row is leased in one transaction and settled in another, so a worker killed
between the two leaves a row that comes due again when its lease ends. The in-app channel places its notice
in the settling transaction and therefore counts exactly once. What leaves the house (a code to a phone) is carried
before that, one row at a time, and may arrive twice when a worker is killed in between.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F, Min

from yishe.talk import codes, inbox
from yishe.talk.models import Outbox
from yishe.trust import logs
from yishe.trust.commit import atomically

Channel = Callable[[Sequence[Outbox], datetime], None]
CHANNELS: Mapping[str, Channel] = {"inbox": inbox.place, codes.CHANNEL: codes.carry}
OUTSIDE = frozenset({codes.CHANNEL})
"""Channels that leave the house: no transaction is held open while they are slow."""


@dataclass(frozen=True)
class Patience:
    """How long a lease lasts and how long to wait after each failure; the last wait fails for good."""

    lease: timedelta = timedelta(seconds=60)
    waits: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 7200))


@dataclass(frozen=True)
class Backlog:
    """What the duty page shows: rows waiting, since when, and rows that were given up."""

    waiting: int
    oldest: datetime | None
    dead: int


def deliver(
    at: datetime,
    worker: str,
    limit: int = 500,
    channels: Mapping[str, Channel] = CHANNELS,
    patience: Patience = Patience(),
) -> int:
    """Take up to `limit` rows due at `at` and deliver them. Returns how many reached their reader."""
    taken = claim(at, worker, limit, patience)
    done = 0
    for name in sorted({row.channel for row in taken}):
        rows = [row for row in taken if row.channel == name]
        done += _send(rows, at, worker, channels.get(name, _no_such_channel), patience)
    return done


def claim(at: datetime, worker: str, limit: int, patience: Patience = Patience()) -> list[Outbox]:
    """Lease waiting rows, oldest first; no two workers hold one row."""
    skip = connection.features.has_select_for_update_skip_locked
    with atomically():
        rows = list(
            Outbox.objects.select_for_update(skip_locked=skip)
            .filter(delivered_at__isnull=True, dead_at__isnull=True, due_at__lte=at)
            .order_by("due_at", "id")[:limit]
        )
        Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(
            due_at=at + patience.lease, leased_by=worker, attempts=F("attempts") + 1
        )
    for row in rows:
        row.attempts += 1
    return rows


def revive(at: datetime) -> int:
    """Give dead rows another round, after the reason was mended. Returns how many."""
    return Outbox.objects.filter(dead_at__isnull=False).update(dead_at=None, due_at=at, attempts=0)


def backlog(at: datetime) -> Backlog:
    """Counts for 值班: due and undelivered rows at `at`, the oldest of them, and dead rows."""
    waiting = Outbox.objects.filter(delivered_at__isnull=True, dead_at__isnull=True, due_at__lte=at)
    return Backlog(
        waiting=waiting.count(),
        oldest=waiting.aggregate(oldest=Min("created_at"))["oldest"],
        dead=Outbox.objects.filter(dead_at__isnull=False).count(),
    )


def dead(limit: int = 50) -> list[Outbox]:
    """Rows given up, newest first, with the reason in `last_error`."""
    return list(Outbox.objects.filter(dead_at__isnull=False).order_by("-dead_at")[:limit])


def next_due() -> datetime | None:
    """The moment at which the next row may be taken, or None when none waits."""
    waiting = Outbox.objects.filter(delivered_at__isnull=True, dead_at__isnull=True)
    found: datetime | None = waiting.aggregate(first=Min("due_at"))["first"]
    return found


def _send(rows: Sequence[Outbox], at: datetime, worker: str, channel: Channel, patience: Patience) -> int:
    try:
        if rows[0].channel in OUTSIDE:
            return sum(_send_outside(row, at, worker, channel, patience) for row in rows)
        return _settle(rows, at, worker, channel)
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:
        if len(rows) > 1:
            return sum(_send([row], at, worker, channel, patience) for row in rows)
        _put_back(rows[0], at, worker, patience, fault)
        return 0


def _send_outside(row: Outbox, at: datetime, worker: str, channel: Channel, patience: Patience) -> int:
    try:
        channel([row], at)
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:
        _put_back(row, at, worker, patience, fault)
        return 0
    return _settle([row], at, worker, lambda mine, at: None)


def _settle(rows: Sequence[Outbox], at: datetime, worker: str, channel: Channel) -> int:
    with atomically():
        held = Outbox.objects.select_for_update().filter(
            pk__in=[row.pk for row in rows], leased_by=worker, delivered_at__isnull=True, dead_at__isnull=True
        )
        mine = list(held.order_by("id"))
        Outbox.objects.filter(pk__in=[row.pk for row in mine]).update(delivered_at=at, last_error="")
        channel(mine, at)
    return len(mine)


def _put_back(row: Outbox, at: datetime, worker: str, patience: Patience, fault: Exception) -> None:
    held = Outbox.objects.filter(pk=row.pk, leased_by=worker, delivered_at__isnull=True)
    reason = logs.said(fault)[:300]
    if row.attempts > len(patience.waits):
        held.update(dead_at=at, last_error=reason)
    else:
        held.update(due_at=at + patience.waits[row.attempts - 1], last_error=reason)


def _no_such_channel(rows: Sequence[Outbox], at: datetime) -> None:
    raise LookupError(f"no channel named {rows[0].channel}")
