"""Changes of people that open loops must answer to, consumed once each in the order they took effect."""

import logging
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.models import QuerySet

from yishe.loops import stuck
from yishe.loops.models import Loop
from yishe.loops.projection import Track
from yishe.loops.recording import Said, carry, not_before
from yishe.loops.settling import settled, situation
from yishe.people.models import Change
from yishe.people.placements import placement_of_subject, subjects_of
from yishe.trust import commit, ids, quick
from yishe.trust.commit import Bundle

log = logging.getLogger(__name__)
OF_STAFF = (
    Change.Kind.LEAVE,
    Change.Kind.POST_ENDED,
    Change.Kind.STAFF_LEFT,
    Change.Kind.SHIFT,
    Change.Kind.RETURNED,
)


@dataclass
class Consumed:
    """How many changes were answered, and the subjects of the residents that some of them were about."""

    count: int = 0
    subjects: set[uuid.UUID] = field(default_factory=set)


def consume(at: datetime, limit: int) -> Consumed:
    """Answer changes that have taken effect at `at`. Each is one transaction."""
    done = Consumed()
    for row in quick.rows(_WAITING, [at, limit]):
        about = _one(uuid.UUID(str(row[0])), at)
        if about is not None:
            done.count += 1
            done.subjects.update(about)
    return done


_WAITING = (
    "SELECT c.id FROM people_change c WHERE c.consumed_at IS NULL AND c.at <= %s ORDER BY c.at, c.id LIMIT %s"
)


def _one(change_id: uuid.UUID, at: datetime) -> list[uuid.UUID] | None:
    """The subjects it was about, none for a change of staff. None when another worker answers it."""
    with commit.atomically():
        rows = Change.objects.filter(id=change_id, consumed_at=None)
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        change = rows.first()
        if change is None:
            return None
        about = [] if change.kind in OF_STAFF else _subjects(change)
        for loop_id in list(_touched(change, about).values_list("id", flat=True)):
            settle(loop_id, at, f"change:{change.id}")
        Change.objects.filter(id=change_id).update(consumed_at=at)
    return about


def _subjects(change: Change) -> list[uuid.UUID]:
    where = placement_of_subject(change.about)
    return [change.about, *(subjects_of(where.resident) if where else ())]


def _touched(change: Change, about: list[uuid.UUID]) -> QuerySet[Loop]:
    still_open = Loop.objects.filter(closed_at=None).order_by("id")
    return still_open.filter(owner=change.about) if not about else still_open.filter(subject__in=about)


def settle(loop_id: uuid.UUID, at: datetime, command: str) -> None:
    """Fit one open loop to the world as it is. One that cannot be decided is shown as 卡住 and tried again."""
    rows = Loop.objects.filter(id=loop_id, closed_at=None)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    row = rows.first()
    if row is None:
        return
    track = Track.of(row)
    now = not_before(at, track.state)
    try:
        steps = settled(situation(track.state, now), placement_of_subject(row.subject))
    except DatabaseError:
        raise
    except Exception as error:
        log.warning("loop %s is stuck: %s", loop_id, type(error).__name__)
        stuck.hold(loop_id, at, stuck.said(error))
        return
    if steps:
        bundle = Bundle()
        carry(bundle, track, steps, Said(ids.SYSTEM, now, f"{command}:{row.id}"), None)
        bundle.commit()
