"""A new holiday table (the State Council announced the year, an overlay changed the hours) re-times open loops.

Calendars are facts, always the latest; everything else stays decided by the pack a loop was opened under.
"""

import uuid
from datetime import datetime

from yishe.loops import moving
from yishe.loops.models import Timetable
from yishe.loops.moving import Seen
from yishe.loops.projection import Track
from yishe.loops.settling import situation
from yishe.people.packs import in_force
from yishe.policy.loop_decisions import Step
from yishe.policy.loop_retiming import retimed
from yishe.trust import commit, quick

ONLY = 1


def retime(at: datetime, limit: int) -> tuple[int, list[uuid.UUID]]:
    """Re-time up to `limit` open loops that the calendar in force has not reached yet; returns how many were looked
    at, and those that could not be decided.

    One small read when nothing changed. What was re-timed and how far that has come are one commit, so whoever goes on after a kill
    begins behind it; one worker at a time.
    """
    wanted = in_force().calendar.digest
    if quick.rows("SELECT 1 FROM loops_timetable t WHERE t.id = %s AND t.digest = %s", [ONLY, wanted]):
        return 0, []
    with commit.atomically():
        row = Timetable.objects.select_for_update(skip_locked=True).filter(id=ONLY).first()
        if row is None and Timetable.objects.filter(id=ONLY).exists():
            return 0, []
        mark = f"to:{wanted}"[:64]
        reached = row.reached if row is not None and row.digest == mark else None
        loops = moving.read(
            "l.id > %s ORDER BY l.id LIMIT %s", [reached or uuid.UUID(int=0), limit], moving.KEPT
        )
        done = moving.move(loops, at, _steps, _name)
        _remember(mark if loops else wanted, loops[-1].track.state.id if loops else None, at)
    return len(loops), done.stuck


def _remember(digest: str, reached: uuid.UUID | None, at: datetime) -> None:
    values = {"digest": digest, "reached": reached, "changed_at": at}
    Timetable.objects.update_or_create(id=ONLY, defaults=values)


def _steps(one: Seen, now: datetime) -> list[Step]:
    step = retimed(situation(one.track.state, now))
    return [step] if step else []


def _name(track: Track) -> str:
    return f"calendar:{in_force().calendar.digest[:16]}:{track.state.id}:{track.state.seq}"
