"""A plan as it stands on a day: each dated action with what became of its promise, each goal with how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from yishe.care import plan_promises
from yishe.care.models import Plan
from yishe.care.plan_stream import Score, Story, Version
from yishe.loops.models import Loop
from yishe.policy.plan_content import Action, Goal

DONE, NOT_DONE, OPEN, OVERDUE, COMING, WISHED, UNDATED = (
    "done", "not_done", "open", "overdue", "coming", "wished", "undated",
)  # fmt: skip


@dataclass(frozen=True)
class ActionLine:
    """An action; `wished` when its version is not in force yet, `undated` when it is no promise."""

    action: Action
    state: str
    loop: UUID | None


@dataclass(frozen=True)
class GoalLine:
    """A goal with its scores, oldest first."""

    goal: Goal
    scores: Sequence[Score]


def actions(row: Plan, version: Version, today: date) -> list[ActionLine]:
    """Every action of the version with the state of its promise."""
    standing = (
        {one.action: one for one in plan_promises.standing(row)} if version.number == row.in_force else {}
    )
    loops = [one.loop for one in standing.values() if one.loop]
    ended = dict(Loop.objects.filter(id__in=loops, closed_at__isnull=False).values_list("id", "closed_as"))
    found = []
    for action in version.content.actions:
        one = standing.get(action.id)
        loop = one.loop if one else None
        state = _state(action, loop, ended.get(loop) if loop else None, today)
        found.append(ActionLine(action, state if one or action.by is None else WISHED, loop))
    return found


def _state(action: Action, loop: UUID | None, closed_as: str | None, today: date) -> str:
    if action.by is None:
        return UNDATED
    if closed_as:
        return DONE if closed_as == "served" else NOT_DONE
    if today > action.by:
        return OVERDUE
    return OPEN if loop else COMING


def goals(version: Version, told: Story) -> list[GoalLine]:
    """Every goal of the version with what it was scored over time."""
    return [GoalLine(one, told.of_goal(one.id)) for one in version.content.goals]
