"""What is remembered of a change to a resident or to staff: which fields, by whom, when. Never the values.

Each resident has one ledger stream, named by his own subject.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.models import Change
from yishe.trust import access_log, ids, ledger
from yishe.trust.commit import Bundle

REGISTERED = "resident.registered"
AMENDED = "resident.amended"
DIED = "resident.died"
MOVED = "resident.moved"
MERGED = "resident.merged"
UNMERGED = "resident.unmerged"
PROTECTED = "resident.protected"
UNPROTECTED = "resident.unprotected"
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
    relation: str = "",
    line: bool = True,
) -> None:
    """Add one entry to the resident's stream, and the access line of the change. A new resident passes
    `ledger.Head()`, others are looked up; whoever changes many at once leaves one line himself."""
    if line:
        access_log.line(
            bundle, home=home, actor=actor.staff_id, action=kind, subjects=[subject], at=at, relation=relation
        )
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


def deed(bundle: Bundle | None, actor: Actor, action: str, about: UUID, at: datetime, *, home: UUID) -> None:
    """The access line of a change to an organisation or to someone who works there."""
    access_log.deed(bundle, home=home, actor=actor.staff_id, action=action, subjects=[about], at=at)


def change(
    bundle: Bundle, *, home: UUID, kind: str, about: UUID, at: datetime, data: dict[str, Any] | None = None
) -> None:
    """Tell the rooms above, through their worker, that the world changed."""
    bundle.insert(Change, id=ids.new(), home=home, kind=kind, about=about, data=data or {}, at=at)
