"""A care plan (一人一策): written version by version, confirmed by the other profession, its goals scored, ended with a reason."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from yishe.care import entries, plan_promises, plan_stream
from yishe.care.contract_stream import UNNAMED, Once
from yishe.care.models import Plan
from yishe.care.plan_rows import state_of
from yishe.care.plan_stream import Story, Version, advance
from yishe.loops import fulfilling
from yishe.loops.promises import gone_words
from yishe.loops.recording import Said
from yishe.people import access, directory, packs, placements
from yishe.people.access import Permission
from yishe.people.actors import SYSTEM, Actor
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy import plan_content
from yishe.policy.plan_content import Change, Content, Goal
from yishe.policy.plan_rules import DEATH, ERASED, LEVELS, MOVED, PlanSheet
from yishe.policy.plan_state import CONFIRMED, ENDED, SCORED, WRITTEN
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust import access_log, commit, ids
from yishe.trust.commit import Bundle
from yishe.trust.sparing import sparing

READ, WRITE = "plan.read", "plan.write"
CHANGED = "other"
"""The close reason of a promise that a later version takes away."""


@dataclass(frozen=True)
class Wish:
    """A version as somebody would have it. `base` is the version he looked at (0: none yet), `alone` the coded reason why
    his profession stands alone."""

    content: Content
    base: int
    template: str = ""
    alone: str = ""


def write(actor: Actor, resident: UUID, wish: Wish, at: datetime, once: Once = UNNAMED) -> UUID:
    """The next version; returns the plan. The other profession is asked to confirm it, or `alone` says why not.

    Conflict `plan_changed` when somebody wrote meanwhile, naming who and what; Invalid in words for what cannot be meant."""
    before = once.done(actor, at)
    if before is not None:
        return before
    where, permission = _may(actor, resident, at)
    sheet = packs.in_force().plans.rules()
    mine = _side(actor, sheet, at)
    row = current(where)
    told = plan_stream.story(row) if row else Story((), ())
    _fresh(row, told, wish)
    last = told.versions[-1].content if told.versions else None
    plan_content.check(wish.content, sheet, at.astimezone(ZONE).date(), last)
    _sensible(row, wish, sheet)
    bundle, plan = Bundle(), row.id if row else ids.new()
    coming = plan_promises.coming(wish.content, plan_promises.standing(row) if row else [], sheet)
    data = _said(row, wish, mine) | (coming.said if wish.alone else {})
    if row is not None:
        plan_promises.done(bundle, actor, row.asked, "rewritten", plan, at)
    if not wish.alone:
        missing = next(code for code in sheet.professions if code != mine)
        data["asked"] = str(plan_promises.ask(bundle, where, sheet, missing, plan, actor.staff_id, at))
    words = {"plan": orjson.dumps(wish.content.plain()).decode()}
    if row is None:
        plan_stream.begin(bundle, plan, where, actor, at, data, words, once)
    else:
        advance(bundle, row, WRITTEN, actor, at, data, words, once)
    if wish.alone:
        _comes(bundle, actor, row, plan, where, coming, at)
    _committed(bundle, "write", where, actor, permission, at)
    plan_promises.open_due(at, plan=plan)
    return plan


def _said(row: Plan | None, wish: Wish, mine: str) -> dict[str, Any]:
    """What the entry of a version says but for what comes into force."""
    return {
        "version": row.version + 1 if row else 1, "template": row.template if row else wish.template,
        "present": [mine], "alone": wish.alone, "asked": None,
    }  # fmt: skip


def _comes(
    bundle: Bundle, actor: Actor, row: Plan | None, plan: UUID, where: Placement, coming: plan_promises.Coming,
    at: datetime,
) -> None:  # fmt: skip
    """A version comes into force: its promises stand, those it leaves out fall, a review that was due is done."""
    whose = (row.home, row.subject) if row else (where.home, where.subject)
    plan_promises.into(bundle, coming, plan, whose, CHANGED, Said(actor.staff_id, at))
    if row is not None:
        plan_promises.done(bundle, actor, row.review, "reviewed", plan, at)


def _fresh(row: Plan | None, told: Story, wish: Wish) -> None:
    """Conflict, with who changed what, when the writer looked at an older version."""
    now = row.version if row else 0
    if wish.base == now:
        return
    since = told.version(wish.base)
    last = told.versions[-1] if told.versions else None
    who = directory.current().people.get(last.by) if last else None
    by = who.name if who else "另一位同事"
    changes = plan_content.changes(since.content, last.content) if since and last else []
    titles = "；".join(f"{WHAT[one.kind]}{one.title}" for one in changes) or "重新开始了计划"
    raise Conflict(
        "plan_changed", f"{by}刚刚改过这份计划，现在是第 {now} 版（{titles}）。您写的没有丢：请对照后再保存。",
        version=now, by=by, changes=[{"kind": one.kind, "what": one.what, "title": one.title} for one in changes],
    )  # fmt: skip


WHAT = {"added": "新增：", "removed": "删去：", "changed": "改了："}


def _sensible(row: Plan | None, wish: Wish, sheet: PlanSheet) -> None:
    if wish.alone and wish.alone not in sheet.alone:
        known = "、".join(str(one) for one in sheet.alone.values())
        raise Invalid(
            "alone", f"只由一方制定要选一个原因：{known}。", field="alone", possible=list(sheet.alone)
        )
    if row is None and wish.template:
        packs.in_force().plans.template(wish.template)


def confirm(actor: Actor, plan: UUID, version: int, at: datetime, once: Once = UNNAMED) -> None:
    """The other profession stands behind the version: it comes into force, and its dated actions are promised.

    Conflict when there is a newer one or nothing waits, Forbidden for whoever wrote it and for his own profession."""
    if once.done(actor, at) is not None:
        return
    row, where, permission = found(actor, plan, at, WRITE)
    _open(row, where)
    sheet = packs.in_force().plans.rules()
    mine, told = _side(actor, sheet, at), plan_stream.story(row)
    if version != row.version:
        raise Conflict(
            "plan_changed", f"计划已有第 {row.version} 版：请看过新的一版再确认。", version=row.version
        )
    if not state_of(row).waiting:
        raise Conflict("plan_confirmed", f"第 {row.version} 版已经生效，不用再确认。")
    if mine in row.present or actor.staff_id == row.written_by:
        other = "、".join(
            str(one.title) for code, one in sheet.professions.items() if code not in row.present
        )
        raise Forbidden("same_side", f"这一版由您这一方写成，要请{other}一方确认。")
    bundle, content = Bundle(), told.versions[-1].content
    coming = plan_promises.coming(content, plan_promises.standing(row), sheet)
    plan_promises.done(bundle, actor, row.asked, "confirmed", row.id, at)
    advance(
        bundle, row, CONFIRMED, actor, at, {"version": version, "profession": mine, **coming.said}, None, once
    )
    _comes(bundle, actor, row, row.id, where, coming, at)
    _committed(bundle, "confirm", where, actor, permission, at)
    plan_promises.open_due(at, plan=row.id)


def score(
    actor: Actor, plan: UUID, goal: str, said: str, at: datetime, *, note: str = "", once: Once = UNNAMED
) -> None:
    """How far a goal of the version in force has come: a level from -2 to 2 of a described one, else a number."""
    if once.done(actor, at) is not None:
        return
    row, where, permission = found(actor, plan, at, WRITE)
    _open(row, where)
    version = plan_stream.story(row).version(row.in_force)
    if version is None:
        raise Conflict("not_in_force", "计划还没有生效：请另一方确认后再给目标打分。")
    one = next((each for each in version.content.goals if each.id == goal), None)
    if one is None:
        raise NotFound("no_goal", "生效的这一版里没有这个目标：请从居民的“计划”里打开。")
    told = {"goal": goal, **_scored(one, said), "note": entries.text(note, "说明")}
    bundle = Bundle()
    advance(bundle, row, SCORED, actor, at, {}, {"score": orjson.dumps(told).decode()}, once)
    _committed(bundle, "score", where, actor, permission, at)


def _scored(goal: Goal, said: str) -> dict[str, Any]:
    if goal.scaled:
        if said not in LEVELS:
            raise Invalid(
                "score", f"目标“{goal.title}”按五个等级打分：请选 -2 到 +2 中的一级。", field="score"
            )
        return {"level": int(said), "value": ""}
    if plan_content.number(said) is None:
        raise Invalid(
            "score", f"目标“{goal.title}”用数字衡量：请填{goal.measure}（{goal.unit}）。", field="score"
        )
    return {"level": None, "value": said.strip()}


def end(actor: Actor, plan: UUID, reason: str, at: datetime, once: Once = UNNAMED) -> None:
    """The plan ends for a coded reason; what it promised and is still open falls with it."""
    if once.done(actor, at) is not None:
        return
    row, where, permission = found(actor, plan, at, WRITE)
    if row.ended_at is not None:
        raise Conflict("plan_ended", "这份计划已经结束。")
    sheet = packs.in_force().plans.rules()
    if reason not in sheet.ends:
        known = "、".join(str(one.title) for one in sheet.ends.values())
        raise Invalid("reason", f"请选结束的原因：{known}。", field="reason", possible=list(sheet.ends))
    bundle = _ended(row, sheet, actor, reason, at, once)
    _committed(bundle, "end", where, actor, permission, at)


def _ended(
    row: Plan, sheet: PlanSheet, actor: Actor, reason: str, at: datetime, once: Once = UNNAMED
) -> Bundle:
    bundle, closes, said = Bundle(), sheet.ends[reason].closes, Said(actor.staff_id, at)
    fallen = plan_promises.standing(row)
    plan_promises.drop(bundle, fallen, closes, said)
    for loop in (row.asked, row.review):
        if loop:
            fulfilling.withdraw(bundle, loop, closes, said)
    data = {"reason": reason, "dropped": [str(one.id) for one in fallen]}
    advance(bundle, row, ENDED, actor, at, data, None, once)
    return bundle


def end_of_the_gone(at: datetime, only: Collection[UUID] | None = None) -> int:
    """End the plans of those who died, moved away or were erased, of `only` these subjects when they are named; returns how many.
    One that is being written to is left to the next time."""
    sheet, ended = packs.in_force().plans.sheet, 0
    for row in placements.of_the_gone(Plan.objects.filter(ended_at=None), only) if sheet else ():
        where = placements.placement_of_subject(row.subject)
        reason = ERASED if where is None else DEATH if where.deceased_at else MOVED
        with suppress(commit.Stale, commit.Duplicate), sparing("the plan of somebody gone"):
            _ended(row, sheet, SYSTEM, reason, at).commit()  # type: ignore[arg-type]
            ended += 1
    return ended


def _may(actor: Actor, resident: UUID, at: datetime) -> tuple[Placement, Permission]:
    where = entries.whose(resident)
    permission = access.require(actor, WRITE, where, at)
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))
    return where, permission


def _side(actor: Actor, sheet: PlanSheet, at: datetime) -> str:
    side = sheet.profession(actor.member.duties(at))
    if side is None:
        known = "、".join(str(one.title) for one in sheet.professions.values())
        raise Forbidden("wrong_duty", f"计划由{known}制定和确认：您的职责不在其中，请他们来写。")
    return side


def _open(row: Plan, where: Placement) -> None:
    if where.gone:
        raise Conflict("resident_gone", gone_words(where))
    if row.ended_at is not None:
        raise Conflict("plan_ended", "这份计划已经结束：要继续请另写一份。")
    newest = current(where)
    if newest is not None and newest.id != row.id:
        raise Conflict(
            "plan_merged", "档案合并后这位居民有两份计划：请在较新的一份上继续，这一份以“并入”为由结束。", newest=str(newest.id)
        )  # fmt: skip


def _committed(
    bundle: Bundle, what: str, where: Placement, actor: Actor, permission: Permission, at: datetime
) -> None:
    access_log.line(bundle, home=where.home, actor=actor.staff_id, action=f"plan.{what}", subjects=[where.subject],
                    **permission.line, at=at)  # fmt: skip
    try:
        bundle.commit()
    except (commit.Stale, commit.Duplicate):
        directory.forget()
        raise Conflict(
            "plan_busy", "另一位同事刚刚办过这份计划，您写的没有丢：请刷新后对照着再保存。"
        ) from None


# Readers


def may_read(actor: Actor, where: Placement, at: datetime) -> Permission:
    """By what right this person reads her plans. Forbidden."""
    return access.require(actor, READ, where, at)


def found(actor: Actor, plan: UUID, at: datetime, action: str = READ) -> tuple[Plan, Placement, Permission]:
    """The plan, where its resident stands, and why this person may. NotFound, Forbidden."""
    row = Plan.objects.filter(id=plan).first()
    where = placements.placement_of_subject(row.subject) if row else None
    if row is None or where is None:
        raise NotFound("no_plan", "没有这份计划：链接可能不完整，请从居民页面的“计划”打开。")
    return row, where, access.require(actor, action, where, at)


def of_resident(resident: UUID) -> list[Plan]:
    """Every plan of a resident: the open ones first, of these the one written last. The caller has asked access."""
    rows = Plan.objects.filter(subject__in=placements.subjects_of(resident))
    return sorted(rows, key=lambda one: (one.ended_at is None, one.written_at, one.id), reverse=True)


def current(where: Placement) -> Plan | None:
    """The one open plan; after a merge the one written last."""
    return next((one for one in of_resident(where.resident) if one.ended_at is None), None)


def compared(told: Story, one: int, other: int) -> tuple[Version, Version, list[Change]]:
    """Two versions, the older first, and what differs. NotFound for a version that is none."""
    low, high = told.version(min(one, other)), told.version(max(one, other))
    if low is None or high is None:
        raise NotFound("no_version", f"没有这一版：现有第 1 到第 {len(told.versions)} 版。")
    return low, high, plan_content.changes(low.content, high.content)


def attainment(told: Story, content: Content) -> float | None:
    """The T score over the latest level of each described goal; None before any was scored."""
    latest = {one.goal: one.level for one in told.scores if one.level is not None}
    levels = [level for goal in content.goals if (level := latest.get(goal.id)) is not None]
    return plan_content.t_score(levels, packs.in_force().plans.rules().gas.rho)


def started(template: str, today: date) -> Content:
    """A first version from a template, with its dates counted from today. Invalid for an unknown or unapproved template."""
    sheet, one = packs.in_force().plans.rules(), packs.in_force().plans.template(template)
    goals = tuple(
        Goal(
            code, str(each.title), each.profession, today + each.within.exact(), each.measure, each.unit, "",
            "" if each.target is None else str(each.target), {str(level): words for level, words in each.levels.items()},
        )
        for code, each in one.goals.items()
    )  # fmt: skip
    actions = tuple(
        plan_content.Action(
            code, each.goal, str(each.title), each.duty, each.often,
            today + each.within.exact() if each.within else None,
        )
        for code, each in one.actions.items()
    )  # fmt: skip
    return Content(goals, actions, today + sheet.review_within.exact())
