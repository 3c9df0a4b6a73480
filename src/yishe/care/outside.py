"""What somebody outside the service is shown of the record: the few things a consent can name, in a few words, cut once more
by the field groups of the pack.

The caller has asked `people.glimpses` and leaves the access line; nothing here is shown to staff.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from yishe.care import entries, guarded, items, medications
from yishe.care.items import Item
from yishe.care.medications import Medicine
from yishe.care.models import Observation
from yishe.people.actors import SYSTEM
from yishe.people.placements import Placement
from yishe.people.sight import Sight


def medicines(where: Placement, seen: Sight) -> list[Medicine]:
    """What is taken now."""
    return guarded.medicines(medications.current(entries.keyed(where)), seen)


def measurements(where: Placement, seen: Sight, at: datetime, most: int) -> Sequence[Item]:
    """The newest measurements, newest first."""
    subjects = entries.keyed(where)
    reader = replace(items.reader(SYSTEM, where, subjects, at), sight=seen)
    rows = entries.latest(Observation, subjects).order_by("-occurred_at", "-id")[:most]
    return [item for row in rows if (item := items.observation(row, reader)) is not None]
