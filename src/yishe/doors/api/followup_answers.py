"""What answers about follow-ups look like."""

from datetime import date, datetime
from uuid import UUID

from yishe.doors.api.answer_base import Answer
from yishe.doors.api.assessment_answers import AssessmentItem, AtOnce, Filled, Offered


class FollowupResult(Answer):
    """What it came to: `code` of the pack, `national` of the national form, `well` whether it counts as under control."""

    code: str
    national: str
    title: str
    says: str | None
    well: bool


class FollowupTarget(Answer):
    """What a clinical guide aims at, beside what the rules appraise by."""

    code: str
    title: str
    source: str
    met: bool


class ProposedReferral(Answer):
    """A loop that is proposed; `POST /loops` sends it."""

    kind: str
    reason: str | None
    says: str


class FollowupChange(Answer):
    what: str
    before: str
    after: str


class FollowupCorrection(Answer):
    by: UUID
    at: datetime
    reason: str
    changes: list[FollowupChange]


class Followup(Filled):
    """`answers` and what follows from them are None for whom `hidden` says why. `result` and `next` stand once it is submitted:
    `result` None when it could not be classified, `next` the day by which the next is due."""

    followup: str
    result: FollowupResult | None
    next: date | None
    targets: list[FollowupTarget]
    proposes: ProposedReferral | None
    reminders: list[str]


class FollowupForm(Followup):
    """With its questions, in order, and its corrections, the latest first."""

    items: list[AssessmentItem]
    corrections: list[FollowupCorrection]


class SavedFollowup(FollowupForm, AtOnce):
    """`opened` are the loops this act opened; `steps` what to do at once, by flag."""


class OfferedFollowup(Offered):
    """`fits` None: what decides it (age, sex) is not known; `meant` whether it is usual for her."""

    followup: str
    meant: bool


class Followups(Answer):
    offers: list[OfferedFollowup]
    items: list[Followup]
    next: str | None
