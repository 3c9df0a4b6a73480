"""A consent as its events leave it. Folding never decides: each event carries what it said.

`ConsentState` holds plain values and ids; the projected row (people.models.Consent) has the same fields.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

GIVEN, WITHDRAWN, REPLACED = "consent.given", "consent.withdrawn", "consent.replaced"


@dataclass(frozen=True, slots=True)
class Said:
    """One event: its kind, who recorded it, when, and its codes."""

    kind: str
    actor: UUID
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConsentState:
    """`grantee` is whom it names (a person or an organisation), None for nobody; `until` is when its term ends.

    `replaced_by` is the consent that took its place: a renewal, another scope, a new text.
    """

    basis: str
    given_at: datetime
    given_by: str
    recorded_by: UUID
    how: str = ""
    witness: UUID | None = None
    giver_kinship: str = ""
    incapable: bool = False
    text_version: str = ""
    text_sha256: str = ""
    purpose: str = ""
    scope: tuple[str, ...] = ()
    grantee: UUID | None = None
    kinship: str = ""
    until: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_reason: str = ""
    withdrawal_recorded_by: UUID | None = None
    replaced_at: datetime | None = None
    replaced_by: UUID | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at that moment."""
        ends = (self.withdrawn_at, self.replaced_at, self.until)
        return self.given_at <= at and all(end is None or at < end for end in ends)

    @property
    def codes(self) -> dict[str, Any]:
        """What the first event says: everything but who recorded it and when."""
        said = {name: getattr(self, name) for name in _SAID}
        return {name: value for name, value in said.items() if value not in (None, "", (), False)}


_SAID = (
    "basis", "given_by", "how", "witness", "giver_kinship", "incapable", "text_version", "text_sha256", "purpose",
    "scope", "grantee", "kinship", "until",
)  # fmt: skip
_IDS = {"witness", "grantee"}


def _read(name: str, value: Any) -> Any:
    if name in _IDS:
        return UUID(value)
    if name == "until":
        return datetime.fromisoformat(value)
    return tuple(value) if name == "scope" else value


def fold(events: Iterable[Said]) -> ConsentState | None:
    """The state that the events leave; None for no events."""
    state = None
    for one in events:
        if one.kind == GIVEN:
            said = {name: _read(name, value) for name, value in one.data.items() if name in _SAID}
            state = ConsentState(given_at=one.at, recorded_by=one.actor, **said)
        elif state is not None and one.kind == WITHDRAWN:
            state = replace(
                state, withdrawn_at=one.at, withdrawn_by=one.data.get("by", ""),
                withdrawn_reason=one.data.get("reason", ""), withdrawal_recorded_by=one.actor,
            )  # fmt: skip
        elif state is not None and one.kind == REPLACED:
            state = replace(state, replaced_at=one.at, replaced_by=UUID(one.data["by"]))
    return state
