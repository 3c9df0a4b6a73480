"""Care plans: read, the next version, confirmed by the other profession, two versions compared, goals scored, ended."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from yishe.care import entries, plan_reading, plan_stream, plans
from yishe.care.contract_stream import Once
from yishe.care.models import Plan
from yishe.care.plan_stream import Score, Story, Version
from yishe.care.plans import Wish
from yishe.doors.api import shapes
from yishe.doors.api.bodies import Body, Code, Day, Text
from yishe.doors.api.residents import SOURCE, identified
from yishe.doors.api.wire import Caller, caller, command, known
from yishe.people.access import Permission
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.plan_content import Action, Change, Content, Goal
from yishe.trust import access_log

router = Router(tags=["plans"])
Said = Annotated[str, Field(max_length=500)]
MOST = 100
"""Goals or actions in one body; how many a plan may have is the pack's to say."""


class PlanGoal(Body):
    """`id` is the caller's and stays from version to version. With `levels` (-2 to 2, described) the goal is scored by them,
    otherwise `measure` goes from `baseline` to `target` in `unit`."""

    id: Code
    title: Said
    profession: Code
    by: Day
    measure: Said = ""
    unit: Said = ""
    baseline: Said = ""
    target: Said = ""
    levels: dict[Code, Said] = Field(default_factory=dict, max_length=5)


class PlanAction(Body):
    """`goal` is the id of one of the goals, or empty; with `by` it becomes a promise."""

    id: Code
    goal: Code = ""
    title: Said
    duty: Code
    often: Code = ""
    by: Day | None = None


class NewVersion(Body):
    """`base` is the version that was looked at, 0 for none; `alone` the coded reason why one profession stands alone."""

    base: int = Field(0, ge=0)
    template: Code | None = None
    alone: Code | None = None
    goals: list[PlanGoal] = Field(max_length=MOST)
    actions: list[PlanAction] = Field(default_factory=list, max_length=MOST)
    review_on: Day


class Confirmation(Body):
    """The version that was read."""

    version: int = Field(ge=1)


class NewScore(Body):
    """`said`: a level from -2 to 2 of a described goal, else a number."""

    goal: Code
    said: Said
    note: Text | None = None


class PlanEnd(Body):
    """`reason` is a code of the pack's `ends`."""

    reason: Code


class Compared(Schema):
    """Two versions by number, in whichever order; without them the latest and the one before it."""

    one: int | None = Field(None, ge=1)
    other: int | None = Field(None, ge=1)


@router.get("/residents/{resident_id}/plans")
def read(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """Every plan of hers, the open one first, with all its versions and scores."""
    who = caller(request)
    stands = entries.whose(identified(resident_id))
    permission = plans.may_read(who.actor, stands, who.at)
    _seen(who, stands, permission)
    return {"items": [_plan(row, stands, who) for row in plans.of_resident(stands.resident)], "next": None}


@router.post("/residents/{resident_id}/plans", response={201: dict[str, Any]})
def write(request: HttpRequest, resident_id: str, payload: NewVersion) -> Any:
    """The next version, whole; the first begins the plan."""
    who = caller(request)
    goals = tuple(Goal(**one.model_dump()) for one in payload.goals)
    actions = tuple(Action(**one.model_dump()) for one in payload.actions)
    wish = Wish(
        Content(goals, actions, payload.review_on), payload.base, payload.template or "", payload.alone or ""
    )
    made = plans.write(who.actor, identified(resident_id), wish, who.at, _once(request))
    return Status(201, _answer(who, made))


@router.get("/plans/{plan_id}/compare")
def compare(request: HttpRequest, plan_id: str, wanted: Query[Compared]) -> dict[str, Any]:
    """What differs between two versions."""
    who = caller(request)
    row, stands, permission = plans.found(who.actor, _known(plan_id), who.at)
    other = wanted.other or row.version
    low, high, changes = plans.compared(plan_stream.story(row), wanted.one or max(1, other - 1), other)
    _seen(who, stands, permission)
    return {
        "one": _version(low), "other": _version(high), "changes": [_change(one) for one in changes],
    }  # fmt: skip


@router.post("/plans/{plan_id}/confirm")
def confirm(request: HttpRequest, plan_id: str, payload: Confirmation) -> dict[str, Any]:
    """The other profession stands behind the version: it comes into force."""
    who, plan = caller(request), _known(plan_id)
    plans.confirm(who.actor, plan, payload.version, who.at, _once(request))
    return _answer(who, plan)


@router.post("/plans/{plan_id}/scores")
def score(request: HttpRequest, plan_id: str, payload: NewScore) -> dict[str, Any]:
    """How far a goal of the version in force has come."""
    who, plan = caller(request), _known(plan_id)
    plans.score(
        who.actor, plan, payload.goal, payload.said, who.at, note=payload.note or "", once=_once(request)
    )
    return _answer(who, plan)


@router.post("/plans/{plan_id}/end")
def end(request: HttpRequest, plan_id: str, payload: PlanEnd) -> dict[str, Any]:
    """The plan ends; what it promised and is still open falls with it."""
    who, plan = caller(request), _known(plan_id)
    plans.end(who.actor, plan, payload.reason, who.at, _once(request))
    return _answer(who, plan)


def _once(request: HttpRequest) -> Once:
    said = command(request)
    return Once(said.key, said.digest)


def _known(text: str) -> UUID:
    return known(text, "no_plan", "没有这份计划：请从居民的计划列表里取编号。")


def _seen(who: Caller, stands: Placement, permission: Permission) -> None:
    access_log.line(
        None, home=stands.home, actor=who.actor.staff_id, action="read.plan", subjects=[stands.subject],
        **permission.line, source=SOURCE, at=who.at,
    )  # fmt: skip


def _answer(who: Caller, plan: UUID) -> dict[str, Any]:
    row, stands, _ = plans.found(who.actor, plan, who.at)
    return _plan(row, stands, who)


def _plan(row: Plan, stands: Placement, who: Caller) -> dict[str, Any]:
    told, today = plan_stream.story(row), who.at.astimezone(ZONE).date()
    shown = told.version(row.in_force) or told.versions[-1]
    return {
        "id": row.id, "resident": stands.resident, "version": row.version, "in_force": row.in_force or None,
        "template": row.template or None, "present": list(row.present), "alone": row.alone or None,
        "review_on": row.review_on, "written_at": shapes.moment(row.written_at), "written_by": row.written_by,
        "ended_at": shapes.moment(row.ended_at), "end_reason": row.end_reason or None,
        "attainment": plans.attainment(told, shown.content), "shown": shown.number,
        "goals": _goals(shown, told), "actions": _actions(row, shown, today),
        "versions": [_version(one) for one in told.versions],
    }  # fmt: skip


def _goals(shown: Version, told: Story) -> list[dict[str, Any]]:
    return [
        {**_goal(one.goal), "scores": [_score(each) for each in one.scores]}
        for one in plan_reading.goals(shown, told)
    ]


def _actions(row: Plan, shown: Version, today: date) -> list[dict[str, Any]]:
    return [
        {**_action(one.action), "state": one.state, "loop": one.loop}
        for one in plan_reading.actions(row, shown, today)
    ]


def _version(one: Version) -> dict[str, Any]:
    behind = [{"profession": side, "by": by, "at": shapes.moment(at)} for side, by, at in one.confirmed]
    return {
        "number": one.number, "at": shapes.moment(one.at), "by": one.by, "alone": one.alone or None, "behind": behind,
        "review_on": one.content.review_on, "goals": [_goal(each) for each in one.content.goals],
        "actions": [_action(each) for each in one.content.actions],
    }  # fmt: skip


def _goal(one: Goal) -> dict[str, Any]:
    return {
        "id": one.id, "title": one.title, "profession": one.profession, "by": one.by, "measure": one.measure,
        "unit": one.unit, "baseline": one.baseline, "target": one.target, "levels": dict(one.levels),
    }  # fmt: skip


def _action(one: Action) -> dict[str, Any]:
    return {
        "id": one.id, "goal": one.goal, "title": one.title, "duty": one.duty, "often": one.often, "by": one.by,
    }  # fmt: skip


def _score(one: Score) -> dict[str, Any]:
    return {
        "level": one.level, "value": one.value, "note": one.note, "at": shapes.moment(one.at), "by": one.by,
    }  # fmt: skip


def _change(one: Change) -> dict[str, Any]:
    return {"kind": one.kind, "what": one.what, "title": one.title}
