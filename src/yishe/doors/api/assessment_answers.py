"""What answers about assessments look like."""

from uuid import UUID

from yishe.doors.api.answer_base import Answer, Recorded


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


class Filled(Recorded):
    """What every form has, whatever it is for."""

    title: str | None
    version: str
    status: str
    author: UUID
    newer: str | None
    hidden: str | None
    answers: dict[str, str | list[str]] | None
    asked: list[str]
    missing: list[str]
    flags: dict[str, str]


class AtOnce(Answer):
    """What an act set off."""

    opened: list[UUID]
    steps: dict[str, str]


class Offered(Answer):
    """A form that can be begun."""

    title: str
    version: str
    fits: bool | None


class Assessment(Filled):
    """`answers` and what follows from them are None for whom `hidden` says why. `asked` are the items asked by what is
    answered so far, `missing` those still to be answered; `newer` a version in force since it was begun."""

    scale: str
    informant: str
    scores: list[AssessmentScore]
    rules: list[str]
    undecided: list[str]


class AssessmentForm(Assessment):
    """With its questions, in order."""

    items: list[AssessmentItem]


class SavedAssessment(AssessmentForm, AtOnce):
    """`opened` are the loops this act opened; `steps` what to do at once, by flag."""


class OfferedScale(Offered):
    """`fits` None: what decides it (age, sex) is not known."""

    scale: str
    licence: str


class Assessments(Answer):
    offers: list[OfferedScale]
    items: list[Assessment]
    next: str | None
