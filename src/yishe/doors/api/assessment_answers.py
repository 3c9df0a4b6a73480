"""What answers about assessments look like."""

from datetime import datetime
from uuid import UUID

from yishe.doors.api.answer_base import Answer


class AssessmentItem(Answer):
    """`choices` are code → words; empty for numbers, days and text."""

    code: str
    ask: str
    type: str
    required: bool
    unit: str
    choices: dict[str, str]


class AssessmentScore(Answer):
    """`points` is what each item gave; `value` None while `missing` names items without an answer."""

    code: str
    title: str
    value: float | None
    band: str | None
    band_title: str | None
    points: dict[str, float]
    missing: list[str]


class Assessment(Answer):
    """`answers` and what follows from them are None for whom `hidden` says why. `asked` are the items asked by what is
    answered so far, `missing` those still to be answered; `newer` a version in force since it was begun."""

    id: UUID
    resident: UUID
    scale: str
    title: str | None
    version: str
    status: str
    informant: str
    author: UUID
    occurred_at: datetime
    recorded_at: datetime
    newer: str | None
    hidden: str | None
    answers: dict[str, str | list[str]] | None
    asked: list[str]
    missing: list[str]
    flags: dict[str, str]
    scores: list[AssessmentScore]
    rules: list[str]
    undecided: list[str]


class AssessmentForm(Assessment):
    """With its questions, in order."""

    items: list[AssessmentItem]


class SavedAssessment(AssessmentForm):
    """`opened` are the loops this act opened; `steps` what to do at once, by flag."""

    opened: list[UUID]
    steps: dict[str, str]


class OfferedScale(Answer):
    """`fits` None: what decides it (age, sex) is not known."""

    scale: str
    title: str
    version: str
    fits: bool | None
    licence: str


class Assessments(Answer):
    offers: list[OfferedScale]
    items: list[Assessment]
    next: str | None
