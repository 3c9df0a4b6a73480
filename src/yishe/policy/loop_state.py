"""A loop as its events leave it. Folding never decides: each event carries what it changed.

`LoopState` holds plain JSON-safe values and ids; the projected row (loops.models.Loop) has the same fields.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from yishe.policy.loop_table import CLOSED, table

_TIMES = {
    "promised_at", "seen_at", "accepted_at", "started_at", "completed_at", "closed_at", "promised_by", "due_at",
    "accept_by", "next_at", "hold_until", "shift_until", "last_at",
}  # fmt: skip
_IDS = {"home", "centre", "team", "subject", "sender", "performer", "owner", "parent", "follows"}


@dataclass(frozen=True)
class LoopState:
    """Times are aware UTC; ids are UUIDs of staff, organisations, subjects and loops."""

    id: uuid.UUID
    home: uuid.UUID
    centre: uuid.UUID
    team: uuid.UUID | None
    kind: str
    kind_version: str
    pack: str
    reason: str
    urgency: str
    sensitive: bool
    subject: uuid.UUID
    sender: uuid.UUID
    performer: uuid.UUID
    owner: uuid.UUID | None
    duty: str
    promised_at: datetime
    promised_by: datetime
    state: str = "requested"
    before_hold: str = ""
    seen_at: datetime | None = None
    accepted_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    closed_at: datetime | None = None
    closed_as: str = ""
    close_reason: str = ""
    outcome: str = ""
    confirmed_by: str = ""
    accept_by: datetime | None = None
    due_at: datetime | None = None
    next_at: datetime | None = None
    hold_until: datetime | None = None
    shift_until: datetime | None = None
    last_at: datetime | None = None
    clocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    parent: uuid.UUID | None = None
    follows: uuid.UUID | None = None
    declines: int = 0
    heard: str = ""
    heard_by_performer: bool = False
    single: bool = False
    gone: str = ""
    seq: int = 0

    @classmethod
    def whole(cls, fields: Mapping[str, Any]) -> "LoopState":
        """A state from all of its fields at once; a frozen class's own constructor sets them one by one, which is most
        of what reading a list costs."""
        new = object.__new__(cls)
        new.__dict__.update(fields)
        return new

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def place(self) -> str:
        """The state's name in the table; `closed` once closed."""
        return self.state if self.is_open or self.state == "void" else CLOSED

    @property
    def turn(self) -> str:
        return table().states[self.state].turn if self.is_open else "nobody"

    @property
    def status(self) -> str:
        return table().states[self.state].status

    @property
    def business_status(self) -> str:
        return table().states[self.state].business if self.is_open or self.state == "void" else CLOSED


FIELDS = {f.name for f in fields(LoopState)}


def _read(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES and isinstance(value, str):
        return datetime.fromisoformat(value)
    if (name in _IDS or name == "id") and not isinstance(value, uuid.UUID):
        return uuid.UUID(value)
    return value


def applied(state: LoopState | None, seq: int, changes: Mapping[str, Any]) -> LoopState:
    """The state after one event. The first event's changes must name every required field."""
    read = {name: _read(name, value) for name, value in changes.items()}
    if state is None:
        return LoopState(**{**read, "seq": seq})
    if not read.keys() <= FIELDS:
        raise TypeError(f"a loop has no {sorted(read.keys() - FIELDS)}")
    return LoopState.whole({**vars(state), **read, "seq": seq})


def fold(events: Iterable[tuple[int, Mapping[str, Any]]]) -> LoopState | None:
    """The state left by (seq, changes) in order of seq; None for no events."""
    state = None
    for seq, changes in events:
        state = applied(state, seq, changes)
    return state
