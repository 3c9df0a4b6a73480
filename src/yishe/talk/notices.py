"""What a person finds in 通知. Unread first comes from the order: newest change first, read ones marked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from yishe.policy import cursors
from yishe.policy.refusals import NotFound
from yishe.talk.models import Notice


def mark_read(person: UUID, notice: UUID | None, at: datetime) -> int:
    """Mark one notice read, or all of them when `notice` is None. Returns how many changed.

    NotFound when the notice is not this person's.
    """
    mine = Notice.objects.filter(person=person)
    if notice is not None:
        mine = mine.filter(pk=notice)
        if not mine.exists():
            raise NotFound("no_such_notice", "没有这条通知，或它不是发给您的。")
    return mine.filter(read_at__isnull=True).update(read_at=at)


def mark_loop_read(person: UUID, loop: UUID, at: datetime) -> int:
    """Mark what was told about one loop as read, when its page is opened."""
    return Notice.objects.filter(person=person, loop=loop, read_at__isnull=True).update(read_at=at)


def for_person(
    person: UUID, limit: int = 50, cursor: str | None = None
) -> tuple[Sequence[Notice], str | None]:
    """A page of notices, newest first, and the cursor of the next page or None."""
    mine = Notice.objects.filter(person=person)
    if cursor:
        moment, last = cursors.read(cursor)
        mine = mine.filter(Q(updated_at__lt=moment) | Q(updated_at=moment, id__lt=last))
    rows = list(mine.order_by("-updated_at", "-id")[: limit + 1])
    more = cursors.write(rows[limit - 1].updated_at, rows[limit - 1].id) if len(rows) > limit else None
    return rows[:limit], more


def unread_count(person: UUID) -> int:
    """How many unread lines stand in 通知."""
    return Notice.objects.filter(person=person, read_at__isnull=True).count()
