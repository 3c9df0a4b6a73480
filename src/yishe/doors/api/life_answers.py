"""What the answers about vaccines, growth and risk look like."""

from datetime import date
from uuid import UUID

from yishe.doors.api.answer_base import Answer, Recorded


class RecordedImmunization(Recorded):
    vaccine: str
    state: str


class Dose(Answer):
    series: str
    number: int
    vaccine: str
    title: str
    state: str
    why: str
    on: date | None
    earliest: date | None
    late_from: date | None
    days_late: int


class Vaccines(Answer):
    doses: list[Dose]
    remark: str


class OwedVisit(Answer):
    """In time from `starts` to `due`, possible until `ends`; `on` the day it was done. `state`: done, done_late, due, late,
    later, missed; `why` names the window and the source."""

    visit: str
    title: str
    state: str
    why: str
    starts: date
    due: date
    ends: date
    on: date | None
    days_late: int


class Schedules(Answer):
    items: list[OwedVisit]
    next: str | None


class Score(Answer):
    indicator: str
    title: str
    value: float | None
    unit: str
    z: float | None
    grade: str | None
    doubtful: bool
    why: str


class Visit(Answer):
    on: date
    days: int
    scores: list[Score]


class Growth(Answer):
    visits: list[Visit]
    licence: str


class Risk(Answer):
    model: str
    title: str
    version: str
    source: str
    state: str
    value: float | None
    unit: str
    grade: str | None
    advice: str | None
    inputs: dict[str, float | bool | str | None]
    missing: list[str]
    why: str


class Risks(Answer):
    risks: list[Risk]


class ClassTrack(Answer):
    track: str
    step: str
    title: str
    corrected: bool


class ClassReason(Answer):
    rule: str
    title: str
    facts: list[str]
    source: str


class ClassCorrection(Answer):
    reason: str
    words: str
    by: UUID | None
    until: date


class ClassAndTiers(Answer):
    tracks: list[ClassTrack]
    reasons: list[ClassReason]
    hidden: int
    correction: ClassCorrection | None
    seq: int
