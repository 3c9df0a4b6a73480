"""Hand-written ledgers: one loop a line, with only what the case is about."""

from datetime import datetime, timedelta

from tests.rooms.care.world import World

from yishe.loops.models import Loop
from yishe.trust import ids

DAY = timedelta(days=1)


def promised(world: World, at: datetime, **said: object) -> Loop:
    """An open referral promised at ``at``, to be done within ten days; ``said`` overrides any column."""
    columns: dict[str, object] = {
        "id": ids.new(),
        "home": world.centre.id,
        "centre": world.centre.id,
        "team": world.team.id,
        "kind": "referral.doctor_to_social_worker",
        "kind_version": "2025-01-01",
        "pack": "0" * 64,
        "reason": "D12",
        "urgency": "yellow",
        "sensitive": False,
        "subject": world.resident.subject,
        "duty": "social_worker",
        "state": "requested",
        "status": "requested",
        "business_status": "awaiting-acceptance",
        "turn": "performer",
        "seq": 1,
        "head": b"\x00" * 32,
        "sender": world.doctor.staff_id,
        "performer": world.social_worker.staff_id,
        "owner": world.social_worker.staff_id,
        "promised_at": at,
        "promised_by": at + 10 * DAY,
        "due_at": at + DAY,
        "next_at": at + DAY,
    }
    return Loop.objects.create(**columns | said)


def closed(world: World, at: datetime, status: str, when: datetime, **said: object) -> Loop:
    """A loop that has ended."""
    ended: dict[str, object] = {
        "state": status,
        "status": status,
        "business_status": "closed",
        "turn": "nobody",
        "owner": None,
        "next_at": None,
        "due_at": None,
        "closed_at": when,
        "closed_as": "served" if status == "completed" else "not_served",
    }
    return promised(world, at, **ended | said)


def served(world: World, at: datetime, days: int, *, by: str = "person", **said: object) -> Loop:
    """Accepted on day 1, begun on day 2, completed on day ``days``, confirmed (``by``) a day later."""
    moments: dict[str, object] = {
        "accepted_at": at + DAY,
        "accept_by": at + 2 * DAY,
        "started_at": at + 2 * DAY,
        "completed_at": at + days * DAY,
        "confirmed_by": by,
        "outcome": "O1",
    }
    return closed(world, at, "completed", at + (days + 1) * DAY, **moments | said)
