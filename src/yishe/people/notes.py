"""What is remembered of a change to a resident: which fields, by whom, when. Never the values.

Each resident has one ledger stream, named by his own subject.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.models import Change
from yishe.trust import ids, ledger
from yishe.trust.commit import Bundle

REGISTERED = "resident.registered"
AMENDED = "resident.amended"
DIED = "resident.died"
MOVED = "resident.moved"
MERGED = "resident.merged"
UNMERGED = "resident.unmerged"
EMPANELLED = "resident.empanelled"


def note(
    bundle: Bundle,
    *,
    home: UUID,
    subject: UUID,
    kind: str,
    actor: Actor,
    at: datetime,
    data: dict[str, Any],
    head: ledger.Head | None = None,
) -> None:
    """Add one entry to the resident's stream; a new resident passes `ledger.Head()`, others are looked up."""
    ledger.append(
        bundle,
        head if head is not None else ledger.head(home, subject),
        home=home,
        stream=subject,
        kind=kind,
        actor=actor.staff_id,
        at=at,
        pack=packs.in_force().sha256,
        data=data,
        subject=subject,
    )


def change(
    bundle: Bundle, *, home: UUID, kind: str, about: UUID, at: datetime, data: dict[str, Any] | None = None
) -> None:
    """Tell the rooms above, through their worker, that the world changed."""
    bundle.insert(Change, id=ids.new(), home=home, kind=kind, about=about, data=data or {}, at=at)
