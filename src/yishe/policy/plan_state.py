"""A plan as its events leave it. Folding never decides: each event carries what it said.

`PlanState` holds plain values and ids; the projected row (care.models.Plan) has the same fields. What the plan says in words
is sealed in the stream, version by version.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

WRITTEN, CONFIRMED, SCORED = "plan.written", "plan.confirmed", "plan.scored"
OPENED, REVIEW_OPENED, ENDED = "plan.action_opened", "plan.review_opened", "plan.ended"


@dataclass(frozen=True, slots=True)
class Said:
    """One event: its kind, who recorded it, when, and its codes."""

    kind: str
    actor: UUID
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlanState:
    """`version` is the latest written, `in_force` the latest that both professions stand behind (0: none yet).

    `present` are the professions behind the latest one, `alone` the reason why one is enough; `asked` is the open loop of
    the confirmation, `review` that of the review, `review_on` the day of the version in force."""

    version: int
    template: str
    written_at: datetime
    written_by: UUID
    present: tuple[str, ...]
    alone: str
    asked: UUID | None = None
    in_force: int = 0
    review_on: date | None = None
    review: UUID | None = None
    ended_at: datetime | None = None
    ended_by: UUID | None = None
    end_reason: str = ""

    @property
    def waiting(self) -> bool:
        """Whether the latest version still waits for the other profession."""
        return self.ended_at is None and self.in_force < self.version


def after(state: PlanState | None, one: Said) -> PlanState | None:
    """The state once the event is recorded."""
    data = one.data
    if one.kind == WRITTEN:
        asked = UUID(data["asked"]) if data.get("asked") else None
        fresh: dict[str, Any] = {
            "version": data["version"], "template": data["template"], "written_at": one.at, "written_by": one.actor,
            "present": tuple(data["present"]), "alone": data["alone"], "asked": asked,
        }  # fmt: skip
        state = replace(state, **fresh) if state else PlanState(**fresh)
        return _comes(state, data)
    if state is None:
        return None
    if one.kind == CONFIRMED:
        present = (*state.present, data["profession"])
        return _comes(replace(state, present=present, asked=None), data)
    if one.kind == REVIEW_OPENED:
        return replace(state, review=UUID(data["loop"]))
    if one.kind == ENDED:
        ended = {"ended_at": one.at, "ended_by": one.actor, "end_reason": data["reason"]}
        return replace(state, **ended, asked=None, review=None)
    return state


def _comes(state: PlanState, data: Mapping[str, Any]) -> PlanState:
    """The version comes into force, when the event says so; a review that was open is done with it."""
    if "review_on" not in data:
        return state
    return replace(
        state, in_force=state.version, review_on=date.fromisoformat(data["review_on"]), review=None
    )


def fold(events: Iterable[Said]) -> PlanState | None:
    """The state that the events leave; None for no events."""
    state = None
    for one in events:
        state = after(state, one)
    return state
