"""The tab 计划: what was agreed, what became of it, what differs from version to version."""

from typing import Any

from yishe.care import plan_reading, plan_stream, plans
from yishe.care.models import Plan
from yishe.care.plan_stream import Score, Story, Version
from yishe.doors.web import faces, spoken
from yishe.doors.web.page import Here
from yishe.people import access, packs
from yishe.people.cards import Card
from yishe.people.placements import Placement
from yishe.policy.plan_content import Change, Goal
from yishe.policy.refusals import Invalid

STATES = {
    "done": ("已做", "green"), "not_done": ("没做成", "orange"), "open": ("待做", ""), "overdue": ("过了期限", "red"),
    "coming": ("未到时候", ""), "wished": ("等计划生效", ""), "undated": ("没有期限", ""),
}  # fmt: skip
KINDS = {"added": ("新增", "plus"), "removed": ("删去", "minus"), "changed": ("改动", "pencil")}
WHATS = {"goal": "目标", "action": "措施", "review": "复评"}


def told(here: Here, stands: Placement, card: Card) -> dict[str, Any]:
    """Everything the tab shows. Forbidden for who may read the resident but not the plan."""
    access.require(here.actor, plans.READ, stands, here.now)
    try:
        packs.in_force().plans.rules()
    except Invalid as unready:
        return {"unready": unready.title}
    rows = plans.of_resident(stands.resident)
    may_write = access.may(here.actor, plans.WRITE, stands, here.now).allowed
    return {
        "plans": [_plan(here, one, may_write) for one in rows],
        "can_begin": may_write and not stands.gone and not any(one.ended_at is None for one in rows),
        "may_write": may_write, "gone": stands.gone,
        "templates": templates(here, card) if may_write and not rows else [],
    }  # fmt: skip


def templates(here: Here, card: Card) -> list[dict[str, Any]]:
    """The approved templates, those that suit her first."""
    book = packs.in_force().plans
    suits = book.suiting(card.age(spoken.local(here.now).date()), tuple(card.traits))
    return [
        {"code": code, "title": str(book.usable()[code].title), "suits": code in suits}
        for code in sorted(book.usable(), key=lambda one: one not in suits)
    ]


def _plan(here: Here, row: Plan, may_write: bool) -> dict[str, Any]:
    story, sheet = plan_stream.story(row), packs.in_force().plans.rules()
    latest, today = story.versions[-1], spoken.local(here.now).date()
    shown = story.version(row.in_force) or latest
    waiting = row.ended_at is None and row.in_force < row.version
    side = sheet.profession(here.duties)
    end = sheet.ends.get(row.end_reason)
    return {
        "id": row.id, "version": row.version, "in_force": row.in_force, "ended": row.ended_at,
        "why": str(end.title) if end else row.end_reason, "review_on": row.review_on, "review": row.review,
        "review_due": bool(row.review_on and row.review_on <= today), "waiting": waiting,
        "missing": "、".join(str(one.title) for code, one in sheet.professions.items() if code not in row.present),
        "may_confirm": may_write and waiting and side is not None and side not in row.present,
        "may_write": may_write and row.ended_at is None,
        "behind": behind(here, shown), "changes": _pending(here, story, row) if waiting and row.in_force else [],
        "goals": [_goal(here, one.goal, one.scores) for one in plan_reading.goals(shown, story)],
        "actions": [_action(here, one, shown) for one in plan_reading.actions(row, shown, today)],
        "attained": plans.attainment(story, shown.content),
        "versions": [_version(here, one) for one in reversed(story.versions)],
    }  # fmt: skip


def behind(here: Here, version: Version) -> str:
    """`王医生（医护）、李敏（社工）`, or who stood alone and why."""
    sheet = packs.in_force().plans.rules()
    names = "、".join(
        f"{faces.name(here, who)}（{sheet.professions[side].title if side in sheet.professions else side}）"
        for side, who, _ in version.confirmed
    )
    why = sheet.alone.get(version.alone, version.alone)
    return f"{names}；只由一方制定：{why}" if version.alone else names


def _pending(here: Here, story: Story, row: Plan) -> list[dict[str, Any]]:
    return [change(one) for one in plans.compared(story, row.in_force, row.version)[2]]


def change(one: Change) -> dict[str, Any]:
    """A difference in words; the sign and the word say what it is, not the colour alone."""
    words, glyph = KINDS[one.kind]
    details = [(name, _said(before), _said(after)) for name, before, after in one.details]
    return {
        "kind": one.kind,
        "words": words,
        "glyph": glyph,
        "what": WHATS[one.what],
        "title": one.title,
        "details": details,
    }


def _said(value: str) -> str:
    """Codes as the pack calls them; whatever else as it stands."""
    pack, sheet = packs.in_force(), packs.in_force().plans.rules()
    if value in sheet.often:
        return str(sheet.often[value])
    if value in sheet.professions:
        return str(sheet.professions[value].title)
    return str(pack.duties[value].title) if value in pack.duties else value or "（空）"


def goal_words(one: Goal) -> str:
    """`从 162 mmHg 到 149 mmHg`, or what reaching it means."""
    if one.scaled:
        return f"达到：{one.levels['0']}"
    return f"{one.measure}：从 {one.baseline} {one.unit} 到 {one.target} {one.unit}"


def _goal(here: Here, one: Goal, scores: Any) -> dict[str, Any]:
    sheet = packs.in_force().plans.rules()
    side = sheet.professions.get(one.profession)
    levels = [(level, one.levels[level]) for level in ("2", "1", "0", "-1", "-2")] if one.scaled else []
    return {
        "id": one.id, "title": one.title, "side": str(side.title) if side else one.profession, "by": one.by,
        "words": goal_words(one), "levels": levels, "scores": [score(here, one, each) for each in scores],
    }  # fmt: skip


def score(here: Here, goal: Goal, one: Score) -> dict[str, Any]:
    """One scoring: a signed level with its words, or a number with its unit."""
    value = (
        f"{one.level:+d} {goal.levels.get(str(one.level), '')}"
        if one.level is not None
        else f"{one.value} {goal.unit}"
    )
    return {"at": one.at, "by": faces.name(here, one.by), "value": value, "note": one.note}


def _action(here: Here, one: plan_reading.ActionLine, version: Version) -> dict[str, Any]:
    words, colour = STATES[one.state]
    goals = {each.id: each.title for each in version.content.goals}
    action, pack = one.action, packs.in_force()
    duty = pack.duties.get(action.duty)
    return {
        "title": action.title, "goal": goals.get(action.goal, ""), "duty": str(duty.title) if duty else action.duty,
        "often": str(pack.plans.rules().often.get(action.often, action.often)), "by": action.by, "loop": one.loop,
        "words": words, "colour": colour,
    }  # fmt: skip


def _version(here: Here, one: Version) -> dict[str, Any]:
    return {"number": one.number, "before": one.number - 1, "at": one.at, "by": faces.name(here, one.by),
            "behind": behind(here, one)}  # fmt: skip
