"""A resident's plans as her copy gives them: every version in words, with who stood behind it, and every score."""

from typing import Any

from yishe.care import plan_stream, plans
from yishe.care.models import Plan
from yishe.care.plan_stream import Score, Version
from yishe.people import directory, packs
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement


def of_resident(stands: Placement) -> list[dict[str, Any]]:
    """Every plan, the open one first. The caller has asked access."""
    return [_plan(one) for one in plans.of_resident(stands.resident)]


def _plan(row: Plan) -> dict[str, Any]:
    told, book = plan_stream.story(row), packs.in_force().plans
    end = book.sheet.ends.get(row.end_reason) if book.sheet else None
    goals = {one.id: one.title for version in told.versions for one in version.content.goals}
    return {
        "in_force": row.in_force, "review_on": row.review_on.isoformat() if row.review_on else "",
        "ended_at": row.ended_at.astimezone(ZONE).isoformat() if row.ended_at else "",
        "end_reason": str(end.title) if end else row.end_reason,
        "versions": [_version(one) for one in told.versions],
        "scores": [_score(one, goals) for one in told.scores],
    }  # fmt: skip


def _version(one: Version) -> dict[str, Any]:
    content, sheet, duties = one.content.plain(), packs.in_force().plans.sheet, packs.in_force().duties
    for each in content["actions"]:
        each["by"] = each["by"] or ""
        each["duty"] = str(duties[each["duty"]].title) if each["duty"] in duties else each["duty"]
        each["often"] = str(sheet.often.get(each["often"], each["often"])) if sheet else each["often"]
    alone = str(sheet.alone.get(one.alone, one.alone)) if sheet else one.alone
    behind = [_name(who) for _, who, _ in one.confirmed]
    return {
        "number": one.number,
        "at": one.at.astimezone(ZONE).isoformat(),
        "by": behind,
        "alone": alone,
        **content,
    }


def _score(one: Score, goals: dict[str, str]) -> dict[str, Any]:
    value = f"{one.level:+d}" if one.level is not None else one.value
    return {"at": one.at.astimezone(ZONE).isoformat(), "by": _name(one.by), "goal": goals.get(one.goal, one.goal),
            "value": value, "note": one.note}  # fmt: skip


def _name(who: Any) -> str:
    member = directory.current().people.get(who)
    return member.name if member else ""
