"""What answers look like, for the description of the API. Answers are written by `shapes`; a test holds the two together."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from yishe.doors.api.answer_base import Answer, Recorded
from yishe.doors.api.assessment_answers import AssessmentForm, Assessments, SavedAssessment
from yishe.doors.api.attempt_answers import Attempt, Attempts
from yishe.doors.api.followup_answers import FollowupForm, Followups, SavedFollowup
from yishe.doors.api.indicator_answers import IndicatorResidents, Indicators
from yishe.doors.api.life_answers import (
    ClassAndTiers,
    Growth,
    RecordedImmunization,
    Risks,
    Schedules,
    Vaccines,
)
from yishe.doors.api.plan_answers import ComparedPlans, Plan, Plans


class Problem(BaseModel):
    """RFC 9457. `title` is Chinese and says what to do; other members depend on `code`."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str | None = None


class Event(BaseModel):
    """One entry of the story, with the codes and words that belong to its kind."""

    model_config = ConfigDict(extra="allow")
    seq: int
    kind: str
    actor: UUID
    at: datetime
    occurred_at: datetime | None
    note: str | None = None
    reason: str | None = None
    outcome: str | None = None


class Loop(Answer):
    id: UUID
    kind: str
    resident: UUID | None
    reason: str | None
    urgency: str
    status: str
    business_status: str
    seq: int
    owner: UUID | None
    sender: UUID
    performer: UUID
    next_at: datetime | None
    due_at: datetime | None
    promised_at: datetime
    promised_by: datetime
    accepted_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    closed_as: str | None
    close_reason: str | None
    outcome: str | None
    confirmed_by: str | None
    turn: str | None
    sensitive: bool
    heard: str | None
    parent: UUID | None
    follows: UUID | None
    centre: UUID
    team: UUID | None
    allowed: list[str]
    events: list[Event]


class LoopRow(Loop):
    """A loop in a list: `events` are empty, a sensitive `reason` is not named."""

    resident_name: str | None


class LoopDetail(LoopRow):
    children: list[UUID]


class Loops(Answer):
    items: list[LoopRow]
    next: str | None


class Medicine(Answer):
    course: UUID
    drug: str
    dose: str
    frequency: str
    since: datetime
    changed_at: datetime


class Resident(Answer):
    """Identifiers are masked to their last four."""

    id: UUID
    name: str
    sex: str
    birth_date: date | None
    age: int | None
    id_number: str
    phone: str
    traits: list[str]
    allergies: list[str]
    centre: UUID
    team: UUID | None
    doctor: UUID | None
    social_worker: UUID | None
    deceased_at: datetime | None
    moved_at: datetime | None
    merged_into: UUID | None


class ResidentDetail(Resident):
    """`medicines` are there for those whose task shows the record."""

    medicines: list[Medicine] = []


class Residents(Answer):
    items: list[Resident]
    next: str | None


class Item(Answer):
    """`hidden` names what exists but is not shown to this reader."""

    kind: str
    id: UUID
    occurred_at: datetime
    recorded_at: datetime
    author: UUID
    author_name: str
    title: str
    text: str
    detail: dict[str, Any]
    hidden: list[str]
    corrects: UUID | None
    loop: UUID | None


class Timeline(Answer):
    items: list[Item]
    next: str | None


class RecordedMedication(Recorded):
    action: str
    course: UUID


class RecordedNote(Recorded):
    stage: str


class Place(Answer):
    id: UUID
    name: str


class Me(Answer):
    id: UUID
    name: str
    title: str
    duties: list[str]
    team: UUID | None
    teams: list[Place]
    centre: UUID | None
    centre_name: str | None
    unread: int
    now: datetime


class KindReason(Answer):
    code: str
    title: str
    urgency: str
    sensitive: bool
    needs: list[str]
    steps: str | None


class Kind(Answer):
    """`codes` maps a verb to the reasons it takes; `outcomes` and `evidence` belong to complete."""

    code: str
    version: str
    title: str
    urgency: str
    asked_by: list[str]
    answered_by: list[str]
    by_rule: bool
    may_promise: bool
    confirm: str
    reasons: list[KindReason]
    outcomes: dict[str, str]
    evidence: dict[str, str]
    evidence_required: dict[str, Any]
    codes: dict[str, dict[str, str]]
    verbs: dict[str, str]
    children: list[str]


class Kinds(Answer):
    items: list[Kind]
    next: str | None


class Closing(Answer):
    """Each measure with numerator and denominator; `share` is 0 to 1 or null."""

    scope: str
    since: date
    until: date
    at: datetime
    headline: dict[str, Any]
    total: dict[str, Any]
    months: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    ages: list[dict[str, Any]]
    teams: list[dict[str, Any]]
    reasons: list[dict[str, Any]]


class BrokenGlass(Answer):
    """`until` is when the record closes by itself."""

    id: UUID
    resident: UUID
    until: datetime


class EndedGlass(Answer):
    resident: UUID


class Promise(Answer):
    """One promise of a contract's year: may be kept from `starts`, should be by `due`, can be until `ends`."""

    id: UUID
    service: str
    title: str
    nth: int
    times: int
    starts: date
    due: date
    ends: date
    duty: str
    covers: list[str]
    loop: UUID | None
    state: str
    kept_on: date | None
    kept_by: UUID | None


class PromiseOf(Promise):
    resident: UUID | None


class Contract(Answer):
    """`due` promises have come to their day, `in_time` of them were kept by it."""

    id: UUID
    stage: str
    package: str
    fee: int | None
    way: str
    applied_at: datetime
    agreed_at: datetime | None
    signed_at: datetime | None
    since: date | None
    until: date | None
    renews: UUID | None
    team: UUID | None
    agreement_sha256: str | None
    ended_at: datetime | None
    end_reason: str | None
    due: int
    in_time: int
    year: list[Promise]


class Contracts(Answer):
    items: list[Contract]
    next: str | None


class AskedContract(Answer):
    """`refusal` says why there is no `contract`."""

    resident: UUID
    contract: UUID | None
    refusal: str | None


class AskedContracts(Answer):
    items: list[AskedContract]
    next: str | None


class KeptPromise(Answer):
    id: UUID
    service: str
    nth: int
    kept_on: date | None
    late: bool
    loop: UUID | None


class KeptPromises(Answer):
    kept: list[KeptPromise]


class Fulfilment(Answer):
    """`numerator` kept in time of `denominator` whose day has come; `items` are the lines behind `set`."""

    title: str
    numerator: int
    denominator: int
    small: bool
    counts: dict[str, int]
    items: list[PromiseOf]
    next: str | None


OF: dict[tuple[str, str], type[BaseModel]] = {
    ("get", "/me"): Me,
    ("get", "/worklist"): Loops,
    ("get", "/residents"): Residents,
    ("get", "/residents/{resident_id}"): ResidentDetail,
    ("get", "/residents/{resident_id}/timeline"): Timeline,
    ("post", "/residents/{resident_id}/break-glass"): BrokenGlass,
    ("post", "/residents/{resident_id}/break-glass/end"): EndedGlass,
    ("post", "/residents/{resident_id}/medications"): RecordedMedication,
    ("post", "/residents/{resident_id}/notes"): RecordedNote,
    ("get", "/residents/{resident_id}/vaccines"): Vaccines,
    ("get", "/residents/{resident_id}/growth"): Growth,
    ("get", "/residents/{resident_id}/risks"): Risks,
    ("get", "/residents/{resident_id}/class"): ClassAndTiers,
    ("post", "/residents/{resident_id}/class/correction"): ClassAndTiers,
    ("post", "/residents/{resident_id}/class/correction/end"): ClassAndTiers,
    ("post", "/residents/{resident_id}/immunizations"): RecordedImmunization,
    ("get", "/residents/{resident_id}/assessments"): Assessments,
    ("post", "/residents/{resident_id}/assessments"): SavedAssessment,
    ("get", "/residents/{resident_id}/assessments/{assessment_id}"): AssessmentForm,
    ("post", "/residents/{resident_id}/assessments/{assessment_id}/answers"): SavedAssessment,
    ("post", "/residents/{resident_id}/assessments/{assessment_id}/submit"): SavedAssessment,
    ("post", "/residents/{resident_id}/assessments/{assessment_id}/amend"): SavedAssessment,
    ("get", "/residents/{resident_id}/followups"): Followups,
    ("post", "/residents/{resident_id}/followups"): SavedFollowup,
    ("get", "/residents/{resident_id}/followups/{followup_id}"): FollowupForm,
    ("post", "/residents/{resident_id}/followups/{followup_id}/answers"): SavedFollowup,
    ("post", "/residents/{resident_id}/followups/{followup_id}/submit"): SavedFollowup,
    ("post", "/residents/{resident_id}/followups/{followup_id}/amend"): SavedFollowup,
    ("get", "/residents/{resident_id}/schedules"): Schedules,
    ("get", "/residents/{resident_id}/plans"): Plans,
    ("post", "/residents/{resident_id}/plans"): Plan,
    ("get", "/plans/{plan_id}/compare"): ComparedPlans,
    ("post", "/plans/{plan_id}/confirm"): Plan,
    ("post", "/plans/{plan_id}/scores"): Plan,
    ("post", "/plans/{plan_id}/end"): Plan,
    ("get", "/loops"): Loops,
    ("post", "/loops"): Loop,
    ("get", "/loops/{loop_id}"): LoopDetail,
    ("post", "/loops/{loop_id}/{verb}"): Loop,
    ("get", "/kinds"): Kinds,
    ("get", "/reports/closing"): Closing,
    ("get", "/reports/fulfilment"): Fulfilment,
    ("get", "/indicators"): Indicators,
    ("get", "/indicators/{code}/residents"): IndicatorResidents,
    ("get", "/residents/{resident_id}/contracts"): Contracts,
    ("post", "/residents/{resident_id}/contracts"): Contract,
    ("post", "/contracts/batch"): AskedContracts,
    ("post", "/residents/{resident_id}/contacts"): KeptPromises,
    ("get", "/residents/{resident_id}/attempts"): Attempts,
    ("post", "/residents/{resident_id}/attempts"): Attempt,
    ("post", "/contracts/{contract_id}/review"): Contract,
    ("post", "/contracts/{contract_id}/sign"): Contract,
    ("post", "/contracts/{contract_id}/team"): Contract,
    ("post", "/contracts/{contract_id}/end"): Contract,
}
"""The answer of each operation that goes well."""
