"""What attempts to reach a resident are answered with."""

from datetime import datetime
from uuid import UUID

from yishe.doors.api.answer_base import Answer


class Attempt(Answer):
    """`visit` is the loop of the visit that this attempt promised."""

    id: UUID
    contract: UUID
    way: str
    outcome: str
    reached: bool
    tried_at: datetime
    again_at: datetime | None
    visit: UUID | None
    by: UUID
    note: str | None


class Attempts(Answer):
    """`lacks` says in words what is still wanted before the contract may end for lost contact."""

    items: list[Attempt]
    next: str | None
    since_reached: int
    lacks: list[str]
