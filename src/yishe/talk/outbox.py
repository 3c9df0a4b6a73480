"""Telling a person something: one row, written together with the fact it tells of.

`tell` reaches the person's notices and open screens; `show` only refreshes open screens, for someone who
need not be told (the person who acted, a colleague looking at the same page).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.talk.models import Notice, Outbox
from yishe.trust.commit import Bundle

LIVE = "live"
INBOX = "inbox"


def tell(
    bundle: Bundle,
    *,
    home: UUID,
    person: UUID,
    topic: str,
    key: str,
    at: datetime,
    loop: UUID | None = None,
    subject: UUID | None = None,
    data: dict[str, Any] | None = None,
    urgency: str = "green",
) -> None:
    """Add a row for the worker to deliver. The same `key` twice in one home is told once.

    `data` holds codes only, never a name or free text. `urgency` is red, orange, yellow or green.
    """
    bundle.insert_if_absent(
        Outbox,
        home=home,
        person=person,
        topic=topic,
        channel=INBOX,
        loop=loop,
        subject=subject,
        data=data or {},
        urgency=urgency,
        key=key,
        created_at=at,
        due_at=at,
    )


def show(
    bundle: Bundle,
    *,
    home: UUID,
    person: UUID,
    topic: str,
    key: str,
    at: datetime,
    loop: UUID | None = None,
    subject: UUID | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add a row that only open screens of `person` see; it makes no notice."""
    bundle.insert_if_absent(
        Outbox,
        home=home,
        person=person,
        topic=topic,
        channel=LIVE,
        loop=loop,
        subject=subject,
        data=data or {},
        key=key,
        created_at=at,
        due_at=at,
        delivered_at=at,
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """One of several who are reached by one event: told of it, or with `quiet` only shown it on open screens."""

    person: UUID
    quiet: bool
    data: Mapping[str, Any]


def reach(
    bundle: Bundle,
    whom: Sequence[Reached],
    *,
    home: UUID,
    topic: str,
    key: str,
    at: datetime,
    loop: UUID,
    subject: UUID,
    urgency: str,
) -> None:
    """`tell` or `show` each of them; the key of each is this one and the person."""
    common = {
        "home": home, "topic": topic, "loop": loop, "subject": subject, "created_at": at, "due_at": at
    }  # fmt: skip
    each = [
        {
            "person": one.person, "key": f"{key}:{one.person}", "data": one.data, "channel": LIVE if one.quiet else INBOX,
            "urgency": "green" if one.quiet else urgency, "delivered_at": at if one.quiet else None,
        }
        for one in whom
    ]  # fmt: skip
    bundle.insert_alike_if_absent(Outbox, common, each)


def forget(subjects: Collection[UUID], *, but: UUID | None = None) -> None:
    """Take away what was told or is still to be told about subjects that are erased, except of the loop `but`."""
    for model in (Outbox, Notice):
        rows = model.objects.filter(subject__in=subjects)
        (rows.exclude(loop=but) if but else rows).delete()
