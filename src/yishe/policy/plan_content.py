"""What a plan says: goals, actions, the day of its review. Pure; checked with words, compared version by version."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from .plan_rules import LEVELS, PlanSheet
from .refusals import Invalid

LONGEST = 120
"""Letters of one thing said."""
SHORT = 20
_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True)
class Goal:
    """Measured from `baseline` to `target` in `unit`, or with five described `levels` (-2 to 2); either way by a day."""

    id: str
    title: str
    profession: str
    by: date
    measure: str = ""
    unit: str = ""
    baseline: str = ""
    target: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)

    @property
    def scaled(self) -> bool:
        """Whether it is scored by levels."""
        return bool(self.levels)


@dataclass(frozen=True)
class Action:
    """Who does what, how often, for which goal. With `by` it is a promise."""

    id: str
    goal: str
    title: str
    duty: str
    often: str
    by: date | None = None


@dataclass(frozen=True)
class Content:
    """One version of a plan."""

    goals: tuple[Goal, ...]
    actions: tuple[Action, ...]
    review_on: date

    def plain(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "goals": [_plain(one) for one in self.goals],
            "actions": [_plain(one) for one in self.actions],
            "review_on": self.review_on.isoformat(),
        }

    @classmethod
    def from_plain(cls, said: Mapping[str, Any]) -> "Content":
        """What `plain` wrote."""
        goals = tuple(Goal(**{**one, "by": date.fromisoformat(one["by"])}) for one in said["goals"])
        actions = tuple(
            Action(**{**one, "by": date.fromisoformat(one["by"]) if one["by"] else None})
            for one in said["actions"]
        )
        return cls(goals, actions, date.fromisoformat(said["review_on"]))


def _plain(one: Goal | Action) -> dict[str, Any]:
    return {**asdict(one), "by": one.by.isoformat() if one.by else None}


def check(content: Content, sheet: PlanSheet, today: date, before: Content | None) -> None:
    """Raises Invalid, naming the goal or action in words, for whatever cannot be meant. A date that stood in the version
    `before` may be past by now; a new one may not."""
    if not content.goals:
        raise Invalid(
            "goals", "计划至少要有一个目标：请写下要达到什么、怎么衡量、到什么时候。", field="goals"
        )
    for name, found in (("目标", content.goals), ("措施", content.actions)):
        if len(found) > sheet.most:
            raise Invalid(
                "too_many",
                f"{name}有 {len(found)} 条，最多 {sheet.most} 条：请合并或分先后做。",
                field="goals",
            )
    old_goals = {one.id: one for one in before.goals} if before else {}
    old_actions = {one.id: one for one in before.actions} if before else {}
    for goal in content.goals:
        _goal(goal, sheet, today, old_goals.get(goal.id))
    _named(content)
    known = {one.id for one in content.goals}
    for action in content.actions:
        _action(action, sheet, today, old_actions.get(action.id), known)
    _dated("复评日期", content.review_on, today, sheet, before.review_on if before else None, "review_on")
    if (content.review_on - today).days > sheet.review_longest.exact().days:
        raise Invalid(
            "review_on", f"复评日期最晚在 {sheet.review_longest.zh}内：请改早一些。", field="review_on"
        )


def _named(content: Content) -> None:
    """Ids are kept from version to version: each once, in letters that an address can hold."""
    for ids in ([one.id for one in content.goals], [one.id for one in content.actions]):
        if len(set(ids)) < len(ids) or not all(_ID.fullmatch(one) for one in ids):
            raise Invalid("ids", "这一页不完整或有重复的条目：请从居民的“计划”重新打开再填。", field="goals")


def _goal(goal: Goal, sheet: PlanSheet, today: date, before: Goal | None) -> None:
    what, at = f"目标“{goal.title or '（未写）'}”", f"goals.{goal.id}"
    _titled(goal.title, what, at)
    _one_of(goal.profession, sheet.professions, f"{what}属于哪一方", at)
    if goal.scaled:
        if any(len(one) > LONGEST for one in goal.levels.values()):
            raise Invalid("too_long", f"{what}的等级写得太长：每级最多 {LONGEST} 个字。", field=at)
        blank = [sheet.gas.levels[level].zh for level in LEVELS if not goal.levels.get(level, "").strip()]  # type: ignore[index]
        if blank or set(goal.levels) != set(LEVELS):
            raise Invalid("levels", f"{what}的五个等级要都写明：还差“{'、'.join(blank)}”。", field=at)
    else:
        _measured(goal, what, at)
    _dated(f"{what}的期限", goal.by, today, sheet, before.by if before else None, at)


def _measured(goal: Goal, what: str, at: str) -> None:
    if len(goal.measure) > LONGEST or max(map(len, (goal.unit, goal.baseline, goal.target))) > SHORT:
        raise Invalid("too_long", f"{what}的指标、单位或数字太长：请写短一些。", field=at)
    if not goal.measure.strip():
        raise Invalid(
            "measure",
            f"{what}没有写怎么衡量：请写指标、现在多少、要到多少；不好用数字衡量的，写五个等级。",
            field=at,
        )
    for name, said in (("现在多少", goal.baseline), ("要到多少", goal.target)):
        if number(said) is None:
            raise Invalid("number", f"{what}的“{name}”要填数字，现在填的是“{said or '空'}”。", field=at)


def _action(
    action: Action, sheet: PlanSheet, today: date, before: Action | None, goals: Iterable[str]
) -> None:
    what, at = f"措施“{action.title or '（未写）'}”", f"actions.{action.id}"
    _titled(action.title, what, at)
    if action.goal not in goals:
        raise Invalid("goal", f"{what}要对着一个目标：它原来的目标已删去，请改选或一并删去。", field=at)
    if action.duty not in sheet.duties():
        raise Invalid("duty", f"{what}要有人做：请选由谁做。", field=at, possible=list(sheet.duties()))
    _one_of(action.often, sheet.often, f"{what}多久一次", at)
    if action.by is not None:
        _dated(f"{what}的期限", action.by, today, sheet, before.by if before else None, at)


def _titled(title: str, what: str, at: str) -> None:
    if not title.strip():
        raise Invalid("title", f"{what}还没有写内容：请用居民也看得懂的话写一句。", field=at)
    if len(title) > LONGEST:
        raise Invalid("title", f"{what}太长：最多 {LONGEST} 个字。", field=at)


def _one_of(code: str, book: Mapping[str, Any], what: str, at: str) -> None:
    if code not in book:
        known = "、".join(str(getattr(one, "title", one)) for one in book.values())
        raise Invalid("choice", f"{what}要选一项：{known}。", field=at, possible=list(book))


def _dated(what: str, day: date, today: date, sheet: PlanSheet, before: date | None, at: str) -> None:
    if day < today and day != before:
        raise Invalid("past", f"{what} {day:%Y-%m-%d} 已经过去：请改成今天或以后的日子。", field=at)
    if (day - today).days > sheet.farthest.exact().days:
        raise Invalid("too_far", f"{what} {day:%Y-%m-%d} 太远：最远 {sheet.farthest.zh}。", field=at)


def number(said: str) -> Decimal | None:
    """The number a text says in plain digits; None when it says none."""
    return Decimal(said.strip()) if _PLAIN.fullmatch(said.strip()) else None


# Comparing


@dataclass(frozen=True)
class Change:
    """One difference between two versions: `added`, `removed` or `changed`; `details` are (field, before, after)."""

    kind: str
    what: str
    title: str
    details: tuple[tuple[str, str, str], ...] = ()


GOAL = {
    "title": "内容",
    "profession": "哪一方",
    "measure": "指标",
    "baseline": "现在",
    "target": "要到",
    "unit": "单位",
    "by": "期限",
}
ACTION = {"title": "内容", "goal": "对着哪个目标", "duty": "谁做", "often": "多久一次", "by": "期限"}


def changes(before: Content, after: Content) -> list[Change]:
    """What differs from one version to another, goals first."""
    found = [
        *_differing("goal", before.goals, after.goals, GOAL),
        *_differing("action", before.actions, after.actions, ACTION),
    ]
    if before.review_on != after.review_on:
        days = (("复评日期", str(before.review_on), str(after.review_on)),)
        found.append(Change("changed", "review", "复评日期", days))
    return found


def _differing(
    what: str, before: Sequence[Goal | Action], after: Sequence[Goal | Action], names: Mapping[str, str]
) -> list[Change]:
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    found = [Change("removed", what, one.title) for code, one in old.items() if code not in new]
    found += [Change("added", what, one.title) for code, one in new.items() if code not in old]
    for code, one in new.items():
        details = _fields(old[code], one, names) if code in old else ()
        if details:
            found.append(Change("changed", what, one.title, details))
    return found


def _fields(
    one: Goal | Action, other: Goal | Action, names: Mapping[str, str]
) -> tuple[tuple[str, str, str], ...]:
    told = [
        (words, _said(getattr(one, name)), _said(getattr(other, name)))
        for name, words in names.items()
        if getattr(one, name) != getattr(other, name)
    ]
    if isinstance(one, Goal) and isinstance(other, Goal):
        for level in LEVELS:
            was, is_now = one.levels.get(level, ""), other.levels.get(level, "")
            told += [(f"等级 {level}", was, is_now)] if was != is_now else []
    return tuple(told)


def _said(value: Any) -> str:
    return "" if value is None else str(value)


# Promises


@dataclass(frozen=True)
class Due:
    """A dated action as it is promised."""

    action: str
    duty: str
    due: date


def dated(content: Content) -> list[Due]:
    """Every action with a date."""
    return [Due(one.id, one.duty, one.by) for one in content.actions if one.by is not None]


# Attainment


def t_score(levels: Sequence[int], rho: float) -> float | None:
    """Kiresuk and Sherman's T of equally weighted goals: 50 when what was hoped for was reached. None without a score."""
    if not levels:
        return None
    count = len(levels)
    spread = ((1 - rho) * count + rho * count * count) ** 0.5
    return round(50 + 10 * sum(levels) / spread, 1)
