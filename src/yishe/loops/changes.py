"""Changes of people that open loops must answer to, consumed once each in the order they took effect."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from yishe.loops import moving
from yishe.loops.moving import Seen
from yishe.loops.settling import settled, situation
from yishe.people.models import Change
from yishe.people.placements import placement_of_subject, subjects_of
from yishe.policy.loop_decisions import Step
from yishe.trust import commit, quick
from yishe.trust.batch import AT_ONCE

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
        for touched in _touched(change, about):
            moving.move(touched, at, _steps, lambda track: f"change:{change_id}:{track.state.id}")
        Change.objects.filter(id=change_id).update(consumed_at=at)
    return about


def _subjects(change: Change) -> list[uuid.UUID]:
    where = placement_of_subject(change.about)
    return [change.about, *(subjects_of(where.resident) if where else ())]


def _touched(change: Change, about: list[uuid.UUID]) -> Iterator[list[Seen]]:
    """The open loops this is about, part by part."""
    which, values = quick.among("l.subject", about) if about else ("l.owner = %s", [change.about])
    last = uuid.UUID(int=0)
    while part := moving.read(
        f"{which} AND l.id > %s ORDER BY l.id LIMIT %s", [*values, last, AT_ONCE], moving.KEPT
    ):
        yield part
        last = part[-1].track.state.id


def _steps(one: Seen, now: datetime) -> list[Step]:
    """What fits a loop to the world as it is."""
    return settled(situation(one.track.state, now), one.where)
