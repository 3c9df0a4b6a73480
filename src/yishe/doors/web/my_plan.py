"""我的计划: what was agreed with her, in plain words; only what both sides stand behind."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from yishe.care import plan_reading, plan_stream, plans
from yishe.care.plan_stream import Score
from yishe.doors.web import my_page, spoken
from yishe.doors.web.my_page import Mine, hers
from yishe.people import packs
from yishe.people.placements import Placement
from yishe.policy.plan_content import Goal

HOW = {
    "done": "已经做了", "not_done": "没有做成，会再和您商量", "open": "正在安排", "overdue": "比说好的晚了，在催",
    "coming": "还没到时候", "wished": "还没到时候", "undated": "",
}  # fmt: skip


@hers
def plan(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """What we want to reach, who does what for it, and by when."""
    row = plans.current(where)
    my_page.seen(mine, "plan", where)
    if row is None or not row.in_force:
        return my_page.show(request, mine, "plan.html", {"goals": []})
    story, today = plan_stream.story(row), spoken.local(mine.now).date()
    version = story.version(row.in_force)
    if version is None:
        raise AssertionError("a version in force was written before")
    acts = plan_reading.actions(row, version, today)
    goals = [
        {
            **_goal(one.goal, one.scores),
            "actions": [_action(each) for each in acts if each.action.goal == one.goal.id],
        }
        for one in plan_reading.goals(version, story)
    ]
    return my_page.show(request, mine, "plan.html", {"goals": goals, "review_on": row.review_on})


def _goal(one: Goal, scores: Any) -> dict[str, Any]:
    last: Score | None = scores[-1] if scores else None
    if one.scaled:
        aim = f"我们说好要做到：{one.levels['0']}"
        now = f"最近：{one.levels[str(last.level)]}" if last and last.level is not None else ""
    else:
        aim = f"{one.measure}：开始是 {one.baseline} {one.unit}，要到 {one.target} {one.unit}"
        now = f"最近：{last.value} {one.unit}" if last else ""
    return {"title": one.title, "aim": aim, "now": now, "by": one.by}


def _action(one: plan_reading.ActionLine) -> dict[str, Any]:
    pack = packs.in_force()
    duty = pack.duties.get(one.action.duty)
    often = pack.plans.rules().often.get(one.action.often, one.action.often)
    return {"title": one.action.title, "who": str(duty.title) if duty else "", "often": str(often),
            "by": one.action.by, "how": HOW[one.state]}  # fmt: skip
