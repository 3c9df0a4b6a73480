"""Many open loops moved at once: read together, each decided by its own rules, written as one commit.

What is decided and written is what would have been decided and written one by one. A loop that raises is left to `stuck`, one that
somebody acted on meanwhile to the next look; neither hinders the others.
"""

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError

from yishe.loops import stuck
from yishe.loops.models import Loop
from yishe.loops.projection import Track, track_read
from yishe.loops.recording import Said, carry, not_before
from yishe.people import directory, placements
from yishe.people.placements import Placement
from yishe.policy.loop_decisions import Step
from yishe.trust import columns, commit, ids, quick
from yishe.trust.batch import Batch
from yishe.trust.commit import Bundle, Duplicate, Stale

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """An open loop as it was read, where its resident stands (None: erased, or a matter), and whether it is held back as stuck."""

    track: Track
    where: Placement | None
    held: bool


Judge = Callable[[Seen, datetime], list[Step]]
"""What becomes of a loop now; nothing is an answer."""
Name = Callable[[Track], str]
"""The command id a loop's first entry is written under, so that no two workers write it twice."""


@dataclass
class Moved:
    """Of the loops looked at: events written, and loops held back. Those that somebody else was at meanwhile are not counted."""

    looked_at: int = 0
    events: int = 0
    stuck: list[uuid.UUID] = field(default_factory=list)

    def add(self, other: "Moved") -> None:
        self.looked_at += other.looked_at
        self.events += other.events
        self.stuck += other.stuck


KEPT = "FOR UPDATE OF l"
"""Read for this transaction alone; whoever acts on one of them is waited for."""
FREE = "FOR UPDATE OF l SKIP LOCKED"
"""The same without those that another transaction has in hand."""


def read(which: str, values: Sequence[object], lock: str = "") -> list[Seen]:
    """Open loops (`l`) that fit this condition, which may end in an order and a limit. SQLite knows no `lock`: there the seq tells
    who was first."""
    sql = (
        f"SELECT {quick.columns(Loop, 'l')}, EXISTS (SELECT 1 FROM loops_stuck s WHERE s.loop = l.id) "
        f"FROM loops_loop l WHERE l.closed_at IS NULL AND {which} {lock if columns.on_postgresql() else ''}"
    )
    found = [(track_read(row), bool(row[-1])) for row in quick.rows(sql, values)]
    places = placements.standing([track.state.subject for track, _ in found])
    return [Seen(track, places.get(track.state.subject), held) for track, held in found]


def move(loops: Sequence[Seen], at: datetime, judge: Judge, name: Name) -> Moved:
    """Decide and write all of these in one commit. Where that lost a race each is read anew and moved alone."""
    with directory.one_picture():
        found = _Decided.of(loops, at, judge, name)
    try:
        found.commit(at)
    except (Stale, Duplicate):
        return Moved() if len(loops) == 1 else _each_alone(loops, at, judge, name)
    return found.moved


def _each_alone(loops: Sequence[Seen], at: datetime, judge: Judge, name: Name) -> Moved:
    total = Moved()
    for before in loops:
        again = read("l.id = %s", [before.track.state.id])
        total.add(move(again, at, judge, name) if again else Moved())
    return total


@dataclass
class _Decided:
    """What was decided of some loops and is not written yet."""

    moved: Moved = field(default_factory=Moved)
    written: Batch = field(default_factory=Batch)
    freed: list[uuid.UUID] = field(default_factory=list)
    faults: list[tuple[uuid.UUID, Exception]] = field(default_factory=list)

    @classmethod
    def of(cls, loops: Iterable[Seen], at: datetime, judge: Judge, name: Name) -> "_Decided":
        found = cls()
        for one in loops:
            found.moved.looked_at += 1
            try:
                found._carry(one, at, judge, name)
            except DatabaseError:
                raise
            except Exception as fault:
                found.faults.append((one.track.state.id, fault))
        return found

    def _carry(self, one: Seen, at: datetime, judge: Judge, name: Name) -> None:
        now, bundle = not_before(at, one.track.state), Bundle()
        steps = judge(one, now)
        if steps:
            carry(bundle, one.track, steps, Said(ids.SYSTEM, now, name(one.track)), None)
            self.written.take_in(bundle)
            self.moved.events += len(steps)
        if one.held:
            self.freed.append(one.track.state.id)

    def commit(self, at: datetime) -> None:
        """Raises Stale or Duplicate; nothing is written then."""
        with commit.atomically():
            self.written.commit()
            stuck.freed(self.freed)
            for loop, fault in self.faults:
                log.warning("loop %s is stuck: %s", loop, type(fault).__name__)
                stuck.hold(loop, at, stuck.said(fault))
        self.moved.stuck = [loop for loop, _ in self.faults]
