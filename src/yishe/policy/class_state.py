"""Class and tier of a resident as the events leave them. Folding never decides: each event carries what it said.

`ClassState` holds plain values and ids; the projected row (care.models.ClassOf) has the same fields. That a correction is over
is read off the day and never stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from .class_rules import CLASS, MEDICAL, SOCIAL

ASSIGNED, CORRECTED, CORRECTION_ENDED = "class.assigned", "class.corrected", "class.correction_ended"
REMINDED, FOLLOWED = "class.reminded", "class.followed"


@dataclass(frozen=True, slots=True)
class Said:
    """One event: its kind, who recorded it, when, and its codes."""

    kind: str
    actor: UUID
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ClassState:
    """What the rules said last (`by`: those that spoke), and what a doctor said instead until the day before `until`. `review`
    is the loop that reminds of it; `owing` says that what follows from the class could not be promised yet."""

    to_class: str
    medical: str
    social: str
    by: list[str]
    assigned_at: datetime
    owing: bool = False
    corrected_class: str = ""
    corrected_medical: str = ""
    corrected_social: str = ""
    reason: str = ""
    corrected_at: datetime | None = None
    corrected_by: UUID | None = None
    until: date | None = None
    review: UUID | None = None

    def corrects(self, on: date) -> bool:
        """Whether a correction is in force on that day."""
        return self.until is not None and on < self.until

    def step(self, track: str, on: date) -> str:
        """The class, or the step of a tier, that counts on that day."""
        ruled = {CLASS: self.to_class, MEDICAL: self.medical, SOCIAL: self.social}[track]
        said = {CLASS: self.corrected_class, MEDICAL: self.corrected_medical, SOCIAL: self.corrected_social}[
            track
        ]
        return said if said and self.corrects(on) else ruled


_NONE: dict[str, Any] = {
    "corrected_class": "", "corrected_medical": "", "corrected_social": "", "reason": "", "corrected_at": None,
    "corrected_by": None, "until": None, "review": None,
}  # fmt: skip


def after(state: ClassState | None, one: Said) -> ClassState | None:
    """The state once the event is recorded."""
    said = one.data
    if one.kind == ASSIGNED:
        ruled = {"to_class": said["class"], "medical": said["medical"], "social": said["social"]}
        fresh = {**ruled, "by": list(said["by"]), "assigned_at": one.at, "owing": said["owing"]}
        return replace(state, **fresh) if state else ClassState(**fresh)
    if state is None:
        return None
    if one.kind == CORRECTED:
        return replace(
            state, corrected_class=said["class"], corrected_medical=said["medical"], corrected_social=said["social"],
            reason=said["reason"], corrected_at=one.at, corrected_by=one.actor, until=date.fromisoformat(said["until"]),
            review=None, owing=said["owing"],
        )  # fmt: skip
    if one.kind == CORRECTION_ENDED:
        return replace(state, **_NONE)
    if one.kind == REMINDED:
        return replace(state, review=UUID(said["loop"]))
    return replace(state, owing=False) if one.kind == FOLLOWED else state


def fold(events: Iterable[Said]) -> ClassState | None:
    """The state that the events leave; None for no events."""
    state = None
    for one in events:
        state = after(state, one)
    return state
