"""The form of a care plan: goals and actions as rows, read back as they were typed, so that nothing typed is lost."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from yishe.people import packs
from yishe.policy.plan_content import Action, Content, Goal
from yishe.policy.plan_rules import LEVELS
from yishe.policy.refusals import Invalid
from yishe.trust import ids

GOAL = ("title", "profession", "by", "measure", "baseline", "target", "unit")
ACTION = ("title", "goal", "duty", "often", "by")
MOST_ROWS = 40
Row = dict[str, Any]


def rows_of(content: Content) -> dict[str, Any]:
    """A version as the form shows it."""
    goals = [
        {"id": one.id, **{name: str(getattr(one, name)) for name in GOAL}, "levels": dict(one.levels)}
        for one in content.goals
    ]
    actions = [
        {"id": one.id, **{name: str(getattr(one, name) or "") for name in ACTION}} for one in content.actions
    ]
    return {"goals": goals, "actions": actions, "review_on": content.review_on.isoformat()}


def typed(post: Mapping[str, str]) -> dict[str, Any]:
    """What came back, row by row, without what was ticked to go."""
    goals, actions = list[Row](), list[Row]()
    for n in range(MOST_ROWS):
        if f"g{n}-id" in post and f"g{n}-gone" not in post:
            levels = {level: post.get(f"g{n}-level{level}", "").strip() for level in LEVELS}
            told = {name: post.get(f"g{n}-{name}", "").strip() for name in GOAL}
            goals.append({"id": post[f"g{n}-id"][:36], **told, "levels": levels})
        if f"a{n}-id" in post and f"a{n}-gone" not in post:
            told = {name: post.get(f"a{n}-{name}", "").strip() for name in ACTION}
            actions.append({"id": post[f"a{n}-id"][:36], **told})
    return {"goals": goals, "actions": actions, "review_on": post.get("review_on", "").strip()}


def with_blank(rows: dict[str, Any]) -> dict[str, Any]:
    """The same with an empty goal and an empty action at the end to write on."""
    goals, actions = list(rows["goals"]), list(rows["actions"])
    if not any(_blank(one, GOAL) for one in goals):
        goals.append({"id": ids.new().hex, **dict.fromkeys(GOAL, ""), "levels": {}})
    if not any(_blank(one, ACTION) for one in actions):
        actions.append({"id": ids.new().hex, **dict.fromkeys(ACTION, "")})
    return {**rows, "goals": goals, "actions": actions}


def _blank(row: Row, names: Iterable[str]) -> bool:
    """Nothing written in it; what is chosen from a list does not count."""
    written = [row[name] for name in names if name not in ("profession", "duty", "often", "goal", "unit")]
    return not any(written) and not any(row.get("levels", {}).values())


def content(rows: dict[str, Any]) -> Content:
    """What was typed as a version; rows nobody wrote on are left out. Invalid for a day that is none."""
    goals = tuple(_goal(one) for one in rows["goals"] if not _blank(one, GOAL))
    actions = tuple(_action(one) for one in rows["actions"] if not _blank(one, ACTION))
    return Content(goals, actions, _day(rows["review_on"], "复评日期", "review_on"))


def _goal(row: Row) -> Goal:
    levels = row["levels"] if any(row["levels"].values()) else {}
    told = {name: row[name] for name in GOAL if name != "by"}
    return Goal(
        id=row["id"], by=_day(row["by"], f"目标“{row['title']}”的期限", row["id"]), levels=levels, **told
    )


def _action(row: Row) -> Action:
    told = {name: row[name] for name in ACTION if name != "by"}
    by = _day(row["by"], f"措施“{row['title']}”的期限", row["id"]) if row["by"] else None
    return Action(id=row["id"], by=by, **told)


def _day(said: str, what: str, field: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise Invalid(
            "date", f"{what}要填一个日子，如 2026-06-01；现在填的是“{said or '空'}”。", field=field
        ) from None


def choices() -> dict[str, list[tuple[str, str]]]:
    """What may be chosen, in the words of the pack."""
    sheet, duties = packs.in_force().plans.rules(), packs.in_force().duties
    return {
        "professions": [(code, str(one.title)) for code, one in sheet.professions.items()],
        "duties": [(code, str(duties[code].title)) for code in sheet.duties()],
        "often": [(code, str(words)) for code, words in sheet.often.items()],
        "alone": [(code, str(words)) for code, words in sheet.alone.items()],
        "levels": [(code, str(sheet.gas.levels[code])) for code in reversed(LEVELS)],  # type: ignore[index]
    }


def number(post: Mapping[str, str], name: str) -> int:
    """A version's number out of a form. Invalid when it is none."""
    said = post.get(name, "")
    if not said.isascii() or not said.isdecimal() or len(said) > 6:
        raise Invalid("version", "这一页不完整：请从居民的“计划”重新打开。", field=name)
    return int(said)


def back(resident: UUID) -> str:
    return f"/residents/{resident}?tab=plan"
