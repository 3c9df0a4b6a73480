"""The people around one loop, as the directory knows them now."""

import uuid
from datetime import datetime

from yishe.people import directory
from yishe.people.placements import Placement
from yishe.people.staffing import Directory
from yishe.policy.loop_escalation import Company
from yishe.policy.loop_state import LoopState


def is_leader(person: uuid.UUID, state: LoopState, at: datetime) -> bool:
    """Leads the loop's team or centre, or the district above."""
    return person in leaders(directory.current(), state, at)


def leaders(book: Directory, state: LoopState, at: datetime) -> tuple[uuid.UUID, ...]:
    """Team leader, centre director, heads above: nearest first, each once."""
    return book.leaders(state.team, state.centre, at)


def leader_above(state: LoopState, at: datetime, not_in: tuple[uuid.UUID, ...]) -> uuid.UUID | None:
    """The nearest leader who is none of these people."""
    return next((p for p in leaders(directory.current(), state, at) if p not in not_in), None)


def company_of(state: LoopState, placement: Placement | None, at: datetime) -> Company:
    """Who can be told or handed to, and who takes over when a shift ends."""
    book = directory.current()

    def role(name: str) -> uuid.UUID | None:
        member = book.role(name, team=state.team, centre=state.centre, at=at)
        return member.id if member else None

    def relief() -> tuple[uuid.UUID, datetime | None] | None:
        if placement is None:
            return None
        found = book.performer(state.duty, placement, at)
        return found.member.id, found.until

    return Company(role, relief)
