"""Promises that are about no resident: somebody's looks to be reviewed, data asked for by research.

A matter has a subject of its own, mapped to nobody, whose key seals its words. Who may know of it are those who take part
and those who lead; nobody finds it under a resident.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from yishe.loops import kinds
from yishe.loops.promises import Wanted, into
from yishe.loops.recording import Said, seen
from yishe.loops.repeats import answered_before
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.people.placements import of_matter
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust import ids, keys
from yishe.trust.commit import Bundle, Duplicate, Stale


@dataclass(frozen=True)
class Matter:
    """`home` is the centre it is filed under, `place` the organisation that answers (the same, or one above it).
    `codes` say what it is about: ids, codes and numbers, never words about a person."""

    kind: str
    home: uuid.UUID
    place: uuid.UUID
    reason: str = ""
    note: str = ""
    codes: Mapping[str, Any] = field(default_factory=dict)
    sender: uuid.UUID | None = None
    besides: tuple[uuid.UUID, ...] = ()


def open_(actor: Actor, matter: Matter, at: datetime, *, command_id: str, source: str = "") -> uuid.UUID:
    """Open a loop about a matter; the same command again answers with the loop it opened. Returns its id.

    Refused: a kind about residents, a duty the pack does not let ask, nobody there to answer.
    """
    if kinds.in_force(matter.kind, at).about != "matter":
        raise Invalid("needs_resident", "这类事项是关于一位居民的：请从居民页发起。")
    said = Said(actor.staff_id, at, command_id, source=source)
    before = answered_before(actor, said)
    if before is not None:
        return before
    wanted = Wanted(
        matter.kind,
        matter.reason,
        matter.note,
        sender=matter.sender,
        matter=matter.codes,
        besides=matter.besides,
    )
    bundle, subject = Bundle(), ids.random()
    key = keys.new_subject(bundle, matter.home, subject)
    track = into(bundle, actor, of_matter(matter.home, matter.place, subject), wanted, said, key)
    if not actor.is_system:
        seen(bundle, matter.home, subject, "promise", said)
    try:
        bundle.commit()
    except (Stale, Duplicate):
        directory.forget()
        before = answered_before(actor, said)
        if before is None:
            raise Conflict("busy", "排班正在变更，请再点一次。") from None
        return before
    return track.state.id


def beside(person: uuid.UUID, home: uuid.UUID, at: datetime) -> uuid.UUID:
    """Where a matter about somebody who works here stands: at the centre, or above it when he himself leads the centre."""
    book = directory.current()
    for unit in [home, *(unit.id for unit in book.above(home))]:
        head = book.centre_lead(unit, at)
        if head is not None and head.id != person:
            return unit
    return home
