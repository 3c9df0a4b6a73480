"""What requests carry. An unknown field is refused by name: a typing error must not pass for an empty field."""

import re
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from yishe.policy.loop_kinds import ClockName
from yishe.policy.sheets import RecordType

LOCAL = ZoneInfo("Asia/Shanghai")
LONGEST_TEXT = 4000
STATEMENT = "statement"
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _placed(at: datetime) -> datetime:
    """A time without an offset is meant in Asia/Shanghai."""
    return at if at.tzinfo else at.replace(tzinfo=LOCAL)


def _spelt(value: Any) -> Any:
    """Times are text; a bare number is refused rather than taken for seconds."""
    if value is not None and not isinstance(value, str | datetime):
        raise ValueError("应为时间，如 2026-03-02T09:00:00+08:00")
    return value


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 3.0 is 3; text and true are not."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _written(value: Any) -> Any:
    """Days in a query are YYYY-MM-DD; a bare number is refused rather than taken for seconds."""
    if isinstance(value, str) and not DAY.fullmatch(value):
        raise ValueError("应为日期，如 2026-03-02")
    return value


def _listed(value: Any) -> Any:
    """One piece of evidence may stand without a list, a type alone for {"type": …}, and words for a statement."""
    if value is None:
        return []
    pieces = value if isinstance(value, list) else [value]
    return [_piece(piece) if isinstance(piece, str) else piece for piece in pieces]


def _piece(said: str) -> dict[str, str]:
    return {"type": said} if said.isascii() else {"type": STATEMENT, "note": said}


Day = Annotated[date, BeforeValidator(_written)]
Moment = Annotated[datetime, BeforeValidator(_spelt), AfterValidator(_placed)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Code = Annotated[str, Field(max_length=80)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Evidence(Body):
    """What shows that it was done: `type` from the kind's list, `id` of the record, `hash` its SHA-256 in hex.
    Words in `note` join the note of the act."""

    type: Code
    id: str | None = Field(None, max_length=80)
    hash: str | None = Field(None, max_length=128)
    note: Text | None = None


class Attached(Body):
    """A record of the resident that goes along with a promise; its hash is taken by the server."""

    type: RecordType
    id: UUID


class NewLoop(Body):
    """`reason` is a code of the kind; kinds without reasons take none. `evidence` are records that go along."""

    kind: Code
    resident: UUID
    reason: Code | None = None
    note: Text | None = None
    dates: dict[ClockName, Moment] | None = Field(
        None, description="for date-bound clocks: clock name to its date"
    )
    evidence: list[Attached] = Field(default_factory=list, max_length=50)


class Act(Body):
    """`seq` is the loop's seq the caller decided on. Which other fields a verb needs is said by its refusal."""

    seq: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=2_000_000_000, strict=True)]
    reason: Code | None = None
    outcome: Code | None = None
    evidence: Annotated[list[Evidence], BeforeValidator(_listed)] = Field(default_factory=list, max_length=50)
    note: Text | None = None
    to: UUID | None = None
    until: Moment | None = None
    said_by: Code | None = Field(None, description="heard: resident or proxy")

    @property
    def words(self) -> str:
        """The note of the act, with those of its evidence."""
        return "\n".join(text for text in (self.note, *(piece.note for piece in self.evidence)) if text)


class NewMedication(Body):
    """`action` is start, change or stop; `drug` as in the list of current medicines."""

    action: Code
    drug: Annotated[str, Field(max_length=200)]
    dose: Annotated[str, Field(max_length=100)] | None = None
    frequency: Annotated[str, Field(max_length=100)] | None = None
    reason: Annotated[str, Field(max_length=500)] | None = None
    occurred_at: Moment | None = None
    supersedes: UUID | None = None


class NewNote(Body):
    """`stage` is a code of the pack's service_stage (left out: the one the case stands in), `method` of
    service_method; `restricted` is psychotherapy detail; `label` the protected field group the whole note is about."""

    text: Text
    stage: Code | None = None
    restricted: Text | None = None
    method: Code | None = None
    minutes: int | None = None
    label: Code | None = None
    occurred_at: Moment | None = None
    supersedes: UUID | None = None


class NewImmunization(Body):
    """`vaccine` is a code of the pack; with a `reason` it was not given, `until` a day."""

    vaccine: Code
    reason: Code | None = None
    until: Day | None = None
    batch: Text | None = None
    remark: Text | None = None
    occurred_at: Moment | None = None
    supersedes: UUID | None = None


class NewCorrection(Body):
    """Steps of class and tiers by their codes (what is left out stays with the rules), a coded `reason`, and the day from which
    the rules speak again."""

    resident_class: Code | None = None
    medical: Code | None = None
    social: Code | None = None
    reason: Code
    until: Day
    words: Text | None = None
    seq: int | None = None


class BrokenGlass(Body):
    """`reason` is a code of the pack's break_glass; `words` say more where the reason wants it."""

    reason: Code
    words: Text | None = None
