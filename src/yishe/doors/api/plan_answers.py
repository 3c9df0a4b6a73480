"""What answers about plans look like."""

from datetime import date, datetime
from uuid import UUID

from yishe.doors.api.answer_base import Answer


class PlannedGoal(Answer):
    id: str
    title: str
    profession: str
    by: date
    measure: str
    unit: str
    baseline: str
    target: str
    levels: dict[str, str]


class GoalScore(Answer):
    """`level` of a described goal, else the `value` measured."""

    level: int | None
    value: str
    note: str
    at: datetime
    by: UUID


class ScoredGoal(PlannedGoal):
    scores: list[GoalScore]


class PlannedAction(Answer):
    id: str
    goal: str
    title: str
    duty: str
    often: str
    by: date | None


class PromisedAction(PlannedAction):
    """`loop` once its time is near; `state`: done, not_done, open, overdue, coming, wished (not in force), undated."""

    state: str
    loop: UUID | None


class Behind(Answer):
    profession: str
    by: UUID
    at: datetime


class PlanVersion(Answer):
    number: int
    at: datetime
    by: UUID
    alone: str | None
    behind: list[Behind]
    review_on: date
    goals: list[PlannedGoal]
    actions: list[PlannedAction]


class Plan(Answer):
    """`goals` and `actions` are those of the version in force, of the latest while none is: `shown` says which."""

    id: UUID
    resident: UUID
    version: int
    in_force: int | None
    template: str | None
    present: list[str]
    alone: str | None
    review_on: date | None
    written_at: datetime
    written_by: UUID
    ended_at: datetime | None
    end_reason: str | None
    attainment: float | None
    shown: int
    goals: list[ScoredGoal]
    actions: list[PromisedAction]
    versions: list[PlanVersion]


class Plans(Answer):
    items: list[Plan]
    next: str | None


class PlanChange(Answer):
    """`kind`: added, removed, changed; `what`: goal, action, review."""

    kind: str
    what: str
    title: str


class ComparedPlans(Answer):
    one: PlanVersion
    other: PlanVersion
    changes: list[PlanChange]
