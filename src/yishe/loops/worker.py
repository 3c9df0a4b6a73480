"""The clock's own hands: loops whose next moment has come are decided and written, each once.

Any number of workers may run: a chunk is claimed by lock, decided, and written as one commit that is pinned on every seq it was
decided on. A loop that raises is held back briefly and shown as 卡住; it is never skipped silently and never stops the others.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yishe.loops import changes, moving, retiming
from yishe.loops.company import company_of
from yishe.loops.models import Loop
from yishe.loops.moving import Moved, Seen
from yishe.loops.projection import Track
from yishe.loops.settling import settled, situation
from yishe.policy.loop_decisions import Step, after
from yishe.policy.loop_escalation import passed
from yishe.trust import columns, commit, quick

BATCH = 200


@dataclass
class Swept(Moved):
    """What one sweep did: loops looked at, events written, loops held back, changes of people answered (`subjects` are the
    residents of whom they told), loops re-timed by a new holiday table."""

    changes: int = 0
    retimed: int = 0
    subjects: set[uuid.UUID] = field(default_factory=set)

    def count(self, other: "Swept") -> None:
        self.add(other)
        self.changes += other.changes
        self.retimed += other.retimed
        self.subjects |= other.subjects


def sweep(at: datetime, limit: int = BATCH) -> Swept:
    """Answer changes of people, then every loop due at `at`, at most `limit` of each."""
    done = Swept()
    answered = changes.consume(at, limit)
    done.changes, done.subjects = answered.count, answered.subjects
    done.retimed, done.stuck = retiming.retime(at, limit)
    done.add(_chunk(_AGAIN, [at, limit], at))
    done.add(_chunk(_DUE, [at, at, limit], at))
    return done


def sweep_all(at: datetime, limit: int = BATCH) -> Swept:
    """Sweep until nothing is due at `at` (loops held back stay held)."""
    total = Swept()
    while True:
        one = sweep(at, limit)
        total.count(one)
        if not one.changes and not one.retimed and one.looked_at <= len(one.stuck):
            return total


def oldest_due(at: datetime) -> timedelta:
    """How long the longest-waiting due loop has waited: the one number to watch."""
    oldest = (
        Loop.objects.filter(closed_at=None, next_at__lte=at)
        .order_by("next_at")
        .values_list("next_at", flat=True)
        .first()
    )
    return at - oldest if oldest else timedelta(0)


def soonest() -> list[tuple[datetime, str]]:
    """The next moment any loop waits for, with that loop's urgency; empty when nothing is open."""
    sql = "SELECT l.next_at, l.urgency FROM loops_loop l WHERE l.closed_at IS NULL ORDER BY l.next_at LIMIT 1"
    return [(quick.moment(at), urgency) for at, urgency in quick.rows(sql, [])]


def promised_after(at: datetime) -> list[uuid.UUID]:
    """Open loops promised since `at`."""
    sql = "SELECT l.id FROM loops_loop l WHERE l.closed_at IS NULL AND l.promised_at > %s"
    return [uuid.UUID(str(row[0])) for row in quick.rows(sql, [at])]


_DUE = """l.next_at <= %s AND l.id NOT IN (SELECT s.loop FROM loops_stuck s WHERE s.until > %s)
    ORDER BY l.next_at LIMIT %s"""
_AGAIN = "l.id IN (SELECT s.loop FROM loops_stuck s WHERE s.until <= %s ORDER BY s.until LIMIT %s)"
"""Loops whose moment has come, and those held back whose waiting is over."""


def _chunk(which: str, values: Sequence[object], at: datetime) -> Moved:
    with _claiming():
        return moving.move(moving.read(which, values, moving.FREE), at, _steps, _name)


@contextmanager
def _claiming() -> Iterator[None]:
    """On PostgreSQL what was read stays ours until it is written; on SQLite nobody waits while we decide, and the seq tells who was
    first."""
    if not columns.on_postgresql():
        yield
        return
    with commit.atomically():
        yield


def _steps(one: Seen, now: datetime) -> list[Step]:
    """What the passing of time, and the world as it is now, do to a loop."""
    s = situation(one.track.state, now)
    steps = settled(s, one.where)
    for step in steps:
        s = after(s, step)
    if s.state.is_open and s.state.next_at is not None and s.state.next_at <= now:
        late = passed(s, company_of(s.state, one.where, now))
        if not late:
            raise RuntimeError("due, but no rung has passed")
        steps += late
    return steps


def _name(track: Track) -> str:
    return f"clock:{track.state.id}:{track.state.seq}"
