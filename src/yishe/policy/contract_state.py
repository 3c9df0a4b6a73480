"""A contract as its events leave it. Folding never decides: each event carries what it said.

`ContractState` holds plain values and ids; the projected row (care.models.Contract) has the same fields. That a contract ran
out is read off the day and never stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

APPLIED, REVIEWED, SIGNED = "contract.applied", "contract.reviewed", "contract.signed"
AGREED = "contract.agreed"
TEAM_CHANGED, ENDED = "contract.team_changed", "contract.ended"
OPENED, KEPT = "contract.item_opened", "contract.item_kept"
RELEASED = "contract.item_released"
"""What had kept a promise was entered in error."""
REPLANNED = "contract.year_replanned"
ATTEMPTED = "contract.attempted"


@dataclass(frozen=True, slots=True)
class Said:
    """One event: its kind, who recorded it, when, and its codes."""

    kind: str
    actor: UUID
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ContractState:
    """In force from `since` to the day before `until`. `application` is the loop of its review, `renews` the contract whose
    next year it is; `agreement_sha256` is over the sealed agreement's own bytes. `agreed_at` is when the resident signed her
    side online, before the team does, and `countersignature` the loop by which the team's is asked for; another review makes both
    void. `paper_on`: signed on paper that day, before the system,
    and taken in from a list; it had no application, and its own id stands for that. `items` are the package's yearly counts as they
    were signed; what was signed before they were kept has none."""

    package: str
    way: str
    applied_at: datetime
    applied_by: UUID
    application: UUID
    renews: UUID | None = None
    reviewed_at: datetime | None = None
    reviewed_by: UUID | None = None
    agreed_at: datetime | None = None
    agreed_by: UUID | None = None
    countersignature: UUID | None = None
    signed_at: datetime | None = None
    signed_by: UUID | None = None
    signer: str = ""
    since: date | None = None
    until: date | None = None
    fee: int | None = None
    agreement_version: str = ""
    agreement_sha256: str = ""
    paper_on: date | None = None
    items: dict[str, int] = field(default_factory=dict)
    team: UUID | None = None
    doctor: UUID | None = None
    social_worker: UUID | None = None
    ended_at: datetime | None = None
    ended_by: UUID | None = None
    end_reason: str = ""

    def stage(self, on: date) -> str:
        """applied | reviewed | waiting (signed, begins later) | active | expired | ended, on that local day."""
        if self.ended_at is not None:
            return "ended"
        if self.since is None or self.until is None:
            return "reviewed" if self.reviewed_at else "applied"
        if on < self.since:
            return "waiting"
        return "active" if on < self.until else "expired"


_IDS = {"application", "renews", "countersignature", "team", "doctor", "social_worker"}
_DATES = {"since", "until", "paper_on"}
_SAID = {
    APPLIED: ("package", "way", "application", "renews"),
    REVIEWED: ("package",),
    AGREED: ("signer", "agreement_version", "countersignature", "items"),
    SIGNED: (
        "signer", "since", "until", "fee", "agreement_version", "agreement_sha256", "paper_on", "items", "team", "doctor",
        "social_worker",
    ),
    TEAM_CHANGED: ("team", "doctor", "social_worker"),
    ENDED: ("end_reason",),
}  # fmt: skip
MOVES = frozenset(_SAID)
"""Events that change the state; others are about items of the year."""
_MARKS = {REVIEWED: "reviewed", AGREED: "agreed", SIGNED: "signed", ENDED: "ended"}


def _read(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _IDS:
        return UUID(value)
    return date.fromisoformat(value) if name in _DATES else value


def after(state: ContractState | None, one: Said) -> ContractState | None:
    """The state once the event is recorded; events of the year's items and of attempts to reach her leave it as it is."""
    said = {name: _read(name, one.data[name]) for name in _SAID.get(one.kind, ()) if name in one.data}
    if one.kind == APPLIED:
        return ContractState(applied_at=one.at, applied_by=one.actor, **said)
    if state is None or one.kind not in _SAID:
        return state
    mark = _MARKS.get(one.kind)
    stamps: dict[str, Any] = {f"{mark}_at": one.at, f"{mark}_by": one.actor} if mark else {}
    if one.kind == REVIEWED:
        stamps |= {"agreed_at": None, "agreed_by": None, "countersignature": None, "items": {}}
    return replace(state, **said, **stamps)


def fold(events: Iterable[Said]) -> ContractState | None:
    """The state that the events leave; None for no events."""
    state = None
    for one in events:
        state = after(state, one)
    return state
