"""The in-app channel: outbox rows become notices, grouped by what they are about."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import F

from yishe.talk.models import URGENCIES, Notice, Outbox
from yishe.talk.outbox import LIVE

NOTICE = "notice"

PersonGroup = tuple[UUID, str]


def group_of(row: Outbox) -> str:
    """Rows with the same group are one line in 通知: all about one loop, else one topic of one subject."""
    return f"loop:{row.loop}" if row.loop else f"{row.topic}:{row.subject or ''}"


def place(rows: Sequence[Outbox], at: datetime) -> None:
    """Put delivered rows into notices and wake the open screens of their readers.

    Runs inside the transaction that marks the rows delivered, so each row counts exactly once.
    """
    groups = _grouped(rows)
    known = _unread(groups)
    Notice.objects.bulk_create(
        [_first(group, at) for where, group in groups.items() if where not in known],
    )
    for where, group in groups.items():
        if where in known:
            _add(known[where], group, at)
    Outbox.objects.bulk_create(_wake_ups(rows, at), ignore_conflicts=True)


def _grouped(rows: Sequence[Outbox]) -> dict[PersonGroup, list[Outbox]]:
    """In one order for every carrier: two that meet at the same notices wait for each other instead of locking up."""
    groups: dict[PersonGroup, list[Outbox]] = {}
    for row in rows:
        groups.setdefault((row.person, group_of(row)), []).append(row)
    return dict(sorted(groups.items()))


def _unread(groups: dict[PersonGroup, list[Outbox]]) -> dict[PersonGroup, Notice]:
    found = Notice.objects.filter(
        person__in={person for person, _ in groups},
        group_key__in={key for _, key in groups},
        read_at__isnull=True,
    )
    return {(notice.person, notice.group_key): notice for notice in found}


def _first(group: list[Outbox], at: datetime) -> Notice:
    last = group[-1]
    return Notice(
        home=last.home,
        person=last.person,
        group_key=group_of(last),
        topic=last.topic,
        loop=last.loop,
        subject=last.subject,
        data=last.data,
        urgency=_most_urgent(row.urgency for row in group),
        count=len(group),
        created_at=at,
        updated_at=at,
    )


def _add(notice: Notice, group: list[Outbox], at: datetime) -> None:
    last = group[-1]
    Notice.objects.filter(pk=notice.pk).update(
        topic=last.topic,
        data=last.data,
        urgency=_most_urgent([notice.urgency, *(row.urgency for row in group)]),
        count=F("count") + len(group),
        updated_at=at,
    )


def _most_urgent(urgencies: Iterable[str]) -> str:
    return min(urgencies, key=URGENCIES.index)


def _wake_ups(rows: Sequence[Outbox], at: datetime) -> list[Outbox]:
    """One live row a person and batch: the number beside 通知 changes without a reload."""
    last = {row.person: row for row in rows}
    return [
        Outbox(
            home=row.home,
            person=person,
            topic=NOTICE,
            channel=LIVE,
            key=f"{NOTICE}:{row.id}",
            created_at=at,
            due_at=at,
            delivered_at=at,
        )
        for person, row in last.items()
    ]
