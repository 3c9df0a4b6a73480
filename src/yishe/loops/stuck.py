"""Loops the worker could not decide (卡住): held back a little longer each time, always visible."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from yishe.loops.models import Stuck
from yishe.people.packs import in_force as packs_in_force
from yishe.policy.refusals import Refused
from yishe.trust import logs


def hold(loop_id: uuid.UUID, at: datetime, error: str) -> None:
    """Try again after the pack's next waiting time."""
    row = Stuck.objects.filter(loop=loop_id).first() or Stuck(loop=loop_id, since=at, attempts=0)
    waits = packs_in_force().settings(at.date()).delivery.backoff
    wait: timedelta = waits[min(row.attempts, len(waits) - 1)].exact()
    row.attempts, row.until, row.error = row.attempts + 1, at + wait, error[:300]
    row.save()


def said(error: Exception) -> str:
    """What the duty page shows of a fault."""
    return error.title if isinstance(error, Refused) else logs.said(error)


def freed(loop_ids: Sequence[uuid.UUID]) -> None:
    """Decided after all."""
    if loop_ids:
        Stuck.objects.filter(loop__in=loop_ids).delete()


def listed() -> list[Stuck]:
    """Longest stuck first."""
    return list(Stuck.objects.order_by("since"))
