"""A loop kind as a pack declares it: who may promise what to whom, its clocks, ladders, codes and evidence.

One `LoopKind` is one dated version. Its canonical JSON (`to_json`) is what the ledger keeps, so that an open
loop is decided by the version it was opened under even when the pack has moved on.
"""

import hashlib
import json
from collections.abc import Set
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from .pack_fields import Length, Said, Source, Status, Strict, Urgency, percent
from .refusals import Invalid

ClockName = Literal["accept", "first_contact", "finish", "confirm", "supply"]
Verb = Literal[
    "promise", "receive", "accept", "decline", "ask_more", "supply", "start", "hold", "resume", "complete", "fail",
    "confirm", "refer_on", "reopen", "cancel", "hand_over", "note", "heard", "void",
]  # fmt: skip
HIGHEST = ("centre_director", "administrator")


class Clock(Strict):
    """`within` a length of `clock` time. `said` is how people say it (立即, 当日).

    `date_bound` clocks end at a date given with the promise (就诊日, 开班), `before` earlier when stated;
    `within` then holds only while no date is known.
    """

    within: Length
    clock: Literal["wall", "working"] = "wall"
    said: str | None = None
    date_bound: bool = False
    before: Length | None = None

    @model_validator(mode="before")
    @classmethod
    def workdays_run_on_working_time(cls, data: Any) -> Any:
        if isinstance(data, dict) and "clock" not in data and "workday" in str(data.get("within")):
            return {**data, "clock": "working"}
        return data

    @model_validator(mode="after")
    def unit_fits_clock(self) -> Self:
        if self.clock == "wall" and self.within.unit == "workday":
            raise ValueError(f"{self.within} on the wall clock; expected clock: working, or hours or days")
        if self.clock == "working" and self.within.unit in ("d", "week"):
            raise ValueError(f"{self.within} on the working clock; expected workdays, hours or minutes")
        return self

    @property
    def zh(self) -> str:
        """How the limit is said on screen."""
        return self.said or self.within.zh


class Rung(Strict):
    """One step of a ladder, at a share (`percent`) of its clock or a fixed time `after` its start.

    `again_every` repeats this rung for as long as the loop stands still; `auto_confirm` closes a served loop.
    """

    percent: int | None = None
    after: Length | None = None
    tell: tuple[str, ...] = ()
    hand_over_to: str | None = None
    again_every: Length | None = None
    auto_confirm: bool = False

    @model_validator(mode="before")
    @classmethod
    def read_at(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "at" not in data:
            return data
        rest = {key: value for key, value in data.items() if key != "at"}
        at = data["at"]
        if isinstance(at, str) and not at.strip().endswith("%"):
            return {**rest, "after": at}
        return {**rest, "percent": percent(at)}

    @model_validator(mode="after")
    def has_one_moment_and_an_effect(self) -> Self:
        if (self.percent is None) == (self.after is None):
            raise ValueError("a rung needs its moment; expected `at: 50%` or `at: 15 min`")
        if not (self.tell or self.hand_over_to or self.auto_confirm):
            raise ValueError("a rung that does nothing; expected tell, hand_over_to or auto_confirm")
        return self

    @property
    def reaches(self) -> tuple[str, ...]:
        """Every role this rung tells or hands over to."""
        return (*self.tell, *([self.hand_over_to] if self.hand_over_to else []))


def _rungs(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Ladder = Annotated[tuple[Rung, ...], BeforeValidator(_rungs)]
Clocks = dict[ClockName, Clock]
Ladders = dict[ClockName, Ladder]


class Reason(Strict):
    """Why a loop is opened. Its own clocks win over the kind's; `needs` names what to attach.

    `sensitive` reasons are never named in notices and lists. `steps` stands on the screen of a red one.
    """

    code: str
    title: Said
    urgency: Urgency
    sensitive: bool = False
    status: Status = "draft"
    clocks: Clocks = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    steps: str = ""

    @property
    def said(self) -> str:
        """Code and title, as people say D12; a name that only rules use is not said."""
        return f"{self.code} {self.title}" if self.code[:1].isupper() else str(self.title)


class Child(Strict):
    """A loop opened with its parent; the parent completes when every child is closed as served."""

    kind: str
    answered_by: str


class Consent(Strict):
    """Which consent the kind rests on, and at which verb it is asked. Missing consent never blocks red."""

    basis: str
    ask_at: Verb = "start"


class Required(Strict):
    """Types of evidence without which the verb is refused: all of them, or with `any_of` at least one.

    `statement` is the written result itself, brought by the note of the act. `by_outcome` adds what an outcome wants
    besides; `ours` are types that no person brings, only the part of the system that did the thing.
    """

    complete: tuple[str, ...] = ()
    any_of: bool = False
    by_outcome: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    ours: tuple[str, ...] = ()

    def missing(self, brought: Set[str], outcome: str = "") -> tuple[str, ...]:
        """What is still wanted for `complete` with that outcome; empty when nothing is."""
        wanting = tuple(one for one in self.complete if one not in brought)
        if self.any_of and len(wanting) < len(self.complete):
            wanting = ()
        return (*wanting, *(one for one in self.by_outcome.get(outcome, ()) if one not in brought))


class LoopKind(Strict):
    """One dated version of a loop kind, with code books already filled in. See the module.

    `nudge_every`: whoever waits may ask the owner to move (催一下) once in so long; None where nobody may.
    `by_resident`: the resident herself, signed in, may ask for it.
    `about`: a resident, or a matter of the centre that is about none (somebody's looks, a request for data).
    """

    code: str = Field(alias="kind")
    version: str
    title: Said
    source: Source
    confidence: str = "M"
    status: Status = "draft"
    asked_by: tuple[str, ...]
    answered_by: tuple[str, ...] = Field(min_length=1)
    by_rule: bool = False
    by_resident: bool = False
    about: Literal["resident", "matter"] = "resident"
    urgency: Urgency = "green"
    reasons: dict[str, Reason] = Field(default_factory=dict)
    clocks: Clocks
    ladders: Ladders
    ladders_by_urgency: dict[Urgency, Ladders] = Field(default_factory=dict)
    outcomes: dict[str, Said] = Field(min_length=1)
    decline_reasons: dict[str, Said] = Field(min_length=1)
    fail_reasons: dict[str, Said] = Field(min_length=1)
    cancel_reasons: dict[str, Said] = Field(min_length=1)
    hold_reasons: dict[str, Said] = Field(min_length=1)
    hand_over_reasons: dict[str, Said] = Field(min_length=1)
    close_reasons: dict[str, Said] = Field(min_length=1)
    reopen_reasons: dict[str, Said] = Field(min_length=1)
    void_reasons: dict[str, Said] = Field(min_length=1)
    evidence: dict[str, Said] = Field(default_factory=dict)
    evidence_required: Required = Required()
    confirm: Literal["sender", "none"] = "sender"
    implied: tuple[Verb, ...] = ()
    children: tuple[Child, ...] = ()
    single: bool = True
    hold_max: Length
    reopen_within: Length
    nudge_every: Length | None = None
    consent: Consent | None = None
    verbs: dict[Verb, Said] = Field(default_factory=dict)

    model_config = Strict.model_config | {"populate_by_name": True}

    @model_validator(mode="before")
    @classmethod
    def name_reasons(cls, data: Any) -> Any:
        """A reason's code is its key."""
        reasons = data.get("reasons") if isinstance(data, dict) else None
        if not isinstance(reasons, dict):
            return data
        named = {
            code: {"code": code, **body} if isinstance(body, dict) else body for code, body in reasons.items()
        }
        return {**data, "reasons": named}

    def reason(self, code: str) -> Reason:
        """The approved reason of that code. Raises Invalid naming what is possible."""
        reason = self.reasons.get(code)
        if reason is None:
            known = "、".join(self.reasons) or "（此类不设原因）"
            raise Invalid("reason.unknown", f"“{self.title}”没有原因码 {code}；可用：{known}", reason=code)
        if reason.status != "approved":
            raise Invalid(
                "reason.not_approved", f"原因 {code}“{reason.title}”尚未批准，不能使用", reason=code
            )
        return reason

    def clock(self, name: str, reason: str | None = None) -> Clock | None:
        """The clock of that name; a reason's own wins over the kind's."""
        own = self.reasons.get(reason) if reason else None
        found: Clock | None = (own.clocks.get(name) if own else None) or self.clocks.get(name)  # type: ignore[call-overload]
        return found

    def ladder(self, name: str, urgency: str) -> tuple[Rung, ...]:
        """The rungs of that clock for that urgency; empty when the kind has none."""
        special = self.ladders_by_urgency.get(urgency, {})  # type: ignore[call-overload]
        rungs: tuple[Rung, ...] = special.get(name) or self.ladders.get(name, ())  # type: ignore[call-overload]
        return rungs

    def urgency_of(self, reason: str | None) -> str:
        """The reason's urgency, else the kind's."""
        return self.reasons[reason].urgency if reason in self.reasons else self.urgency

    def approved_only(self) -> "LoopKind":
        """The same kind without reasons that are not approved: what may be used."""
        approved = {code: reason for code, reason in self.reasons.items() if reason.status == "approved"}
        if len(approved) == len(self.reasons):
            return self
        data = self.model_dump(by_alias=True)
        return LoopKind.model_validate(
            data | {"reasons": {code: dict(reason) for code, reason in approved.items()}}
        )

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, UTF-8. `from_json` reads it back to an equal kind."""
        data = self.model_dump(mode="json", by_alias=True)
        return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "LoopKind":
        """A stored version. Fields added to the model since then take their defaults."""
        return cls.model_validate(json.loads(text))

    @cached_property
    def sha256(self) -> str:
        """Hex digest of `to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()
