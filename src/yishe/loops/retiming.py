"""A new holiday table (the State Council announced the year, an overlay changed the hours) re-times open loops.

Calendars are facts, always the latest; everything else stays decided by the pack a loop was opened under.
"""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from yishe.loops import moving
from yishe.loops.models import Loop, Timetable
from yishe.loops.moving import Seen
from yishe.loops.projection import Track
from yishe.loops.settling import situation
from yishe.people import directory
from yishe.people.packs import in_force
from yishe.policy.loop_decisions import Step
from yishe.policy.loop_retiming import retimed
from yishe.policy.refusals import Refused
from yishe.trust import commit, quick
from yishe.trust.sparing import sparing

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


@dataclass
class Foreseen:
    """Of the open loops `looked_at`, those whose clocks the calendar in force would move, by kind; `earlier` and `later` count their
    next moments. `stuck` cannot be decided."""

    looked_at: int = 0
    moved: Counter[str] = field(default_factory=Counter)
    earlier: int = 0
    later: int = 0
    stuck: int = 0


def count() -> int:
    """How many loops are open."""
    return Loop.objects.filter(closed_at=None).count()


def foreseen(at: datetime, part: int, progress: Callable[[int, int], None] = lambda *_: None) -> Foreseen:
    """What re-timing would do to every open loop, `part` of them in memory at a time; nothing is written and nothing locked."""
    found, last, total = Foreseen(), uuid.UUID(int=0), count()
    while loops := moving.read("l.id > %s ORDER BY l.id LIMIT %s", [last, part]):
        last = loops[-1].track.state.id
        with directory.one_picture():
            for one in loops:
                _foresee(found, one, at)
        progress(found.looked_at, max(total, found.looked_at))
    return found


def _foresee(found: Foreseen, one: Seen, at: datetime) -> None:
    found.looked_at += 1
    before = one.track.state.next_at
    try:
        with sparing("a clock") as tried:
            for step in _steps(one, at):
                found.moved[one.track.state.kind] += 1
                after = step.changes["next_at"]
                found.earlier += before is not None and after < before
                found.later += before is not None and after > before
        found.stuck += bool(tried.fault)
    except Refused:
        found.stuck += 1


def _remember(digest: str, reached: uuid.UUID | None, at: datetime) -> None:
    values = {"digest": digest, "reached": reached, "changed_at": at}
    Timetable.objects.update_or_create(id=ONLY, defaults=values)


def _steps(one: Seen, now: datetime) -> list[Step]:
    step = retimed(situation(one.track.state, now))
    return [step] if step else []


def _name(track: Track) -> str:
    return f"calendar:{in_force().calendar.digest[:16]}:{track.state.id}:{track.state.seq}"
