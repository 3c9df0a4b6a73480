"""The clock's own hands: loops whose next moment has come are decided and written, each once.

Any number of workers may run: rows are claimed by lock and pinned on the seq decided on. A loop that raises is
held back briefly and shown as 卡住; it is never skipped silently and never stops the others.
"""

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from yishe.loops import changes, retiming, stuck
from yishe.loops.company import company_of
from yishe.loops.models import Loop
from yishe.loops.projection import Track, track_read
from yishe.loops.recording import Said, carry, not_before
from yishe.loops.settling import settled, situation
from yishe.people.placements import placement_of_subject
from yishe.policy.loop_decisions import after
from yishe.policy.loop_escalation import passed
from yishe.trust import commit, ids, quick
from yishe.trust.commit import Bundle, Duplicate, Stale

log = logging.getLogger(__name__)
BATCH = 200


@dataclass
class Swept:
    """What one sweep did: loops looked at, events written, loops held back, changes of people answered (`subjects` are the
    residents of whom they told), loops re-timed by a new holiday table."""

    looked_at: int = 0
    events: int = 0
    stuck: list[uuid.UUID] = field(default_factory=list)
    changes: int = 0
    retimed: int = 0
    subjects: set[uuid.UUID] = field(default_factory=set)

    def add(self, other: "Swept") -> None:
        self.looked_at += other.looked_at
        self.events += other.events
        self.stuck += other.stuck
        self.changes += other.changes
        self.retimed += other.retimed
        self.subjects |= other.subjects


def sweep(at: datetime, limit: int = BATCH) -> Swept:
    """Answer changes of people, then every loop due at `at`, at most `limit` of each."""
    done = Swept()
    answered = changes.consume(at, limit)
    done.changes, done.subjects = answered.count, answered.subjects
    done.retimed, done.stuck = retiming.retime(at, limit)
    for loop_id in _due(at, limit):
        done.add(_one(loop_id, at))
    return done


def sweep_all(at: datetime) -> Swept:
    """Sweep until nothing is due at `at` (loops held back stay held)."""
    total = Swept()
    while True:
        one = sweep(at)
        total.add(one)
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


_HELD = "SELECT s.loop FROM loops_stuck s WHERE s.until > %s"
_DUE = f"""
    SELECT l.id FROM loops_loop l WHERE l.closed_at IS NULL AND l.next_at <= %s AND l.id NOT IN ({_HELD})
    ORDER BY l.next_at LIMIT %s"""
_AGAIN = "SELECT s.loop FROM loops_stuck s WHERE s.until <= %s ORDER BY s.until LIMIT %s"


def _due(at: datetime, limit: int) -> list[uuid.UUID]:
    """Loops whose moment has come, and those held back whose waiting is over."""
    rows = [*quick.rows(_AGAIN, [at, limit]), *quick.rows(_DUE, [at, at, limit])]
    return list(dict.fromkeys(uuid.UUID(str(row[0])) for row in rows))


def _one(loop_id: uuid.UUID, at: datetime) -> Swept:
    try:
        with commit.atomically():
            events = _decide_and_write(loop_id, at)
        return Swept(looked_at=1, events=events)
    except (Stale, Duplicate):
        return Swept(looked_at=0)
    except DatabaseError:
        raise
    except Exception as error:
        log.warning("loop %s is stuck: %s", loop_id, type(error).__name__)
        stuck.hold(loop_id, at, stuck.said(error))
        return Swept(looked_at=1, stuck=[loop_id])


def _locked(loop_id: uuid.UUID) -> tuple[Track, bool] | None:
    """The open loop, for this transaction alone, and whether it was held back; None when another worker has it."""
    sql = (
        f"SELECT {quick.columns(Loop, 'l')}, EXISTS (SELECT 1 FROM loops_stuck s WHERE s.loop = l.id) "
        "FROM loops_loop l WHERE l.id = %s AND l.closed_at IS NULL"
    )
    if connection.features.has_select_for_update_skip_locked:
        sql += " FOR UPDATE OF l SKIP LOCKED"
    rows = quick.rows(sql, [loop_id])
    return (track_read(rows[0]), bool(rows[0][-1])) if rows else None


def _decide_and_write(loop_id: uuid.UUID, at: datetime) -> int:
    """Returns how many events were written: none when another worker was first."""
    locked = _locked(loop_id)
    if locked is None:
        return 0
    track, held = locked
    if held:
        stuck.freed(loop_id)
    now = not_before(at, track.state)
    where = placement_of_subject(track.state.subject)
    s = situation(track.state, now)
    steps = settled(s, where)
    for step in steps:
        s = after(s, step)
    if s.state.is_open and s.state.next_at is not None and s.state.next_at <= at:
        late = passed(s, company_of(s.state, where, now))
        if not late:
            raise RuntimeError("due, but no rung has passed")
        steps += late
    if not steps:
        return 0
    bundle = Bundle()
    carry(bundle, track, steps, Said(ids.SYSTEM, now, f"clock:{loop_id}:{track.state.seq}"), None)
    bundle.commit()
    return len(steps)
