"""A new holiday table (the State Council announced the year, an overlay changed the hours) re-times open loops.

Calendars are facts, always the latest; everything else stays decided by the pack a loop was opened under.
"""

import uuid
from datetime import datetime

from django.db import DatabaseError

from yishe.loops import stuck
from yishe.loops.models import Loop, Timetable
from yishe.loops.projection import Track
from yishe.loops.recording import Said, carry, not_before
from yishe.loops.settling import situation
from yishe.people.packs import in_force
from yishe.policy.loop_retiming import retimed
from yishe.trust import commit, ids, quick
from yishe.trust.commit import Bundle, Duplicate, Stale

ONLY = 1


def retime(at: datetime, limit: int) -> tuple[int, list[uuid.UUID]]:
    """Re-time up to `limit` open loops that the calendar in force has not reached yet; returns how many were looked
    at, and those that could not be decided.

    One small read when nothing changed. Each loop is one transaction; where it stopped is remembered.
    """
    wanted = in_force().calendar.digest
    if quick.rows("SELECT 1 FROM loops_timetable t WHERE t.id = %s AND t.digest = %s", [ONLY, wanted]):
        return 0, []
    row = Timetable.objects.filter(id=ONLY).first()
    mark = f"to:{wanted}"[:64]
    reached = row.reached if row is not None and row.digest == mark else None
    waiting = Loop.objects.filter(closed_at=None).order_by("id")
    if reached is not None:
        waiting = waiting.filter(id__gt=reached)
    batch = list(waiting.values_list("id", flat=True)[:limit])
    held = [loop_id for loop_id in batch if not _one(loop_id, at, wanted)]
    _remember(mark if batch else wanted, batch[-1] if batch else None, at)
    return len(batch), held


def _remember(digest: str, reached: uuid.UUID | None, at: datetime) -> None:
    values = {"digest": digest, "reached": reached, "changed_at": at}
    with commit.atomically():
        Timetable.objects.update_or_create(id=ONLY, defaults=values)


def _one(loop_id: uuid.UUID, at: datetime, calendar: str) -> bool:
    try:
        _written(loop_id, at, calendar)
    except (Stale, Duplicate):
        _written(loop_id, at, calendar)
    except DatabaseError:
        raise
    except Exception as error:
        stuck.hold(loop_id, at, stuck.said(error))
        return False
    return True


def _written(loop_id: uuid.UUID, at: datetime, calendar: str) -> None:
    with commit.atomically():
        row = Loop.objects.select_for_update().filter(id=loop_id, closed_at=None).first()
        if row is None:
            return
        track = Track.of(row)
        now = not_before(at, track.state)
        step = retimed(situation(track.state, now))
        if step is not None:
            bundle = Bundle()
            carry(
                bundle,
                track,
                [step],
                Said(ids.SYSTEM, now, f"calendar:{calendar[:16]}:{row.id}:{row.seq}"),
                None,
            )
            bundle.commit()
