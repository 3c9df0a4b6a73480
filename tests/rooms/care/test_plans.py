"""A care plan. 王医生 and 赵护士 are medical, 李敏 is the social worker, 钱医生 a stranger."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.world import World

from yishe.care import plan_promises, plan_stream, plans, rebuild
from yishe.care.models import Plan, PlanPromise
from yishe.care.plans import Wish
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.people import merges, residents
from yishe.policy.plan_content import Content, changes
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust import verification
from yishe.trust.models import Entry

TODAY = date(2026, 3, 2)


@pytest.fixture
def her(world: World) -> UUID:
    return world.resident.resident


def content() -> Content:
    """Hypertension from 65 on, with what was measured at the start."""
    found = plans.started("hypertension_elder", TODAY)
    first, *others = found.goals
    return replace(found, goals=(replace(first, baseline="162"), *others))


def in_force(world: World, who: UUID, at: datetime, said: Content | None = None) -> Plan:
    """Written by 王医生, confirmed by 李敏."""
    row = plans.current(world.resident)
    base = row.version if row else 0
    plan = plans.write(world.doctor, who, Wish(said or content(), base, "hypertension_elder"), at)
    plans.confirm(world.social_worker, plan, base + 1, at)
    return Plan.objects.get(id=plan)


def promised(plan: Plan) -> dict[str, PlanPromise]:
    return {one.action: one for one in plan_promises.standing(plan)}


def test_what_one_profession_writes_the_other_confirms_and_then_it_is_promised(
    world: World, her: UUID, now: datetime
) -> None:
    plan = plans.write(world.doctor, her, Wish(content(), 0, "hypertension_elder"), now)
    asked = Loop.objects.get(kind="plan.confirmation")
    assert (asked.performer, asked.sender) == (world.social_worker.staff_id, world.doctor.staff_id)
    assert not PlanPromise.objects.exists()
    with pytest.raises(Forbidden, match="请社工一方确认"):
        plans.confirm(world.nurse, plan, 1, now)
    with pytest.raises(Forbidden):
        plans.confirm(world.stranger, plan, 1, now)

    plans.confirm(world.social_worker, plan, 1, now)

    asked.refresh_from_db()
    assert (asked.closed_as, asked.outcome) == ("served", "confirmed")
    row = Plan.objects.get(id=plan)
    assert (row.in_force, row.present, row.review_on) == (1, ["medical", "social"], date(2026, 5, 31))
    dated = {one.id for one in content().actions if one.by}
    assert set(promised(row)) == dated
    assert not Loop.objects.filter(kind="plan.action").exists()  # the first is due in three weeks
    assert rebuild.differences() == []
    assert verification.verify(rebuild.heads()).broken is None


def test_what_a_plan_asks_of_a_profession_stays_with_it_when_its_clocks_run(
    world: World, her: UUID, now: datetime
) -> None:
    plans.write(world.doctor, her, Wish(content(), 0, "hypertension_elder"), now)
    worker.sweep_all(now + timedelta(days=100))
    asked = Loop.objects.get(kind="plan.confirmation")
    assert (asked.performer, asked.duty) == (world.social_worker.staff_id, "social_worker")


def test_two_weeks_before_its_day_an_action_is_somebodys_and_only_once(
    world: World, her: UUID, now: datetime
) -> None:
    row = in_force(world, her, now)
    soon = now + timedelta(days=7)  # the look at the home is due on 23 March
    assert (plan_promises.open_due(soon), plan_promises.open_due(soon)) == (1, 0)
    loop = Loop.objects.get(kind="plan.action")
    assert (loop.performer, loop.promised_by.date()) == (world.social_worker.staff_id, date(2026, 3, 23))
    assert promised(row)["home"].loop == loop.id
    assert rebuild.differences() == []


def test_one_profession_alone_says_why(world: World, her: UUID, now: datetime) -> None:
    with pytest.raises(Invalid, match="只由一方制定要选一个原因"):
        plans.write(world.nurse, her, Wish(content(), 0, alone="busy"), now)
    plan = plans.write(world.nurse, her, Wish(content(), 0, alone="no_social_need"), now)
    row = Plan.objects.get(id=plan)
    assert (row.in_force, row.alone, row.present) == (1, "no_social_need", ["medical"])
    assert not Loop.objects.filter(kind="plan.confirmation").exists()
    with pytest.raises(Conflict, match="已经生效"):
        plans.confirm(world.social_worker, plan, 1, now)


def test_a_stranger_and_the_director_write_no_plan(world: World, her: UUID, now: datetime) -> None:
    for actor in (world.stranger, world.director, world.administrator):
        with pytest.raises(Forbidden):
            plans.write(actor, her, Wish(content(), 0), now)
    plan = plans.write(world.doctor, her, Wish(content(), 0), now)
    for verb in (
        lambda: plans.found(world.stranger, plan, now),
        lambda: plans.end(world.stranger, plan, "reached", now),
        lambda: plans.score(world.stranger, plan, "safe", "0", now),
    ):
        with pytest.raises(Forbidden):
            verb()
    assert plans.found(world.director, plan, now)[0].id == plan


def test_who_writes_second_is_told_who_changed_what(world: World, her: UUID, now: datetime) -> None:
    row = in_force(world, her, now)
    shorter = replace(content(), actions=content().actions[1:])
    plans.write(world.social_worker, her, Wish(shorter, 1), now)
    with pytest.raises(Conflict, match="李敏刚刚改过这份计划，现在是第 2 版（删去：量血压") as refused:
        plans.write(world.nurse, her, Wish(content(), 1), now)
    assert refused.value.extra["version"] == 2
    with pytest.raises(Conflict, match="刚刚改过"):
        plans.write(world.nurse, her, Wish(content(), 0), now)
    assert Plan.objects.get(id=row.id).version == 2


def test_a_change_makes_a_version_and_moves_only_what_changed(world: World, her: UUID, now: datetime) -> None:
    row = in_force(world, her, now)
    plan_promises.open_due(now + timedelta(days=7))
    before = promised(row)
    followup, medicine, home = content().actions
    later = replace(home, by=date(2026, 4, 20))
    changed = replace(content(), actions=(replace(followup, title="量血压"), later))
    in_force(world, her, now + timedelta(days=8), changed)

    after = promised(row)
    assert after["followup"].id == before["followup"].id  # other words, the same promise
    assert "medicine" not in after
    assert after["home"].id != before["home"].id
    assert Loop.objects.get(id=before["home"].loop).closed_as == "not_served"
    told = plan_stream.story(Plan.objects.get(id=row.id))
    said = {(one.kind, one.what, one.title) for one in plans.compared(told, 2, 1)[2]}
    assert said == {
        ("removed", "action", medicine.title),
        ("changed", "action", "量血压"),
        ("changed", "action", home.title),
    }
    assert changes(told.versions[1].content, told.versions[1].content) == []
    with pytest.raises(NotFound, match="现有第 1 到第 2 版"):
        plans.compared(told, 1, 9)
    assert rebuild.differences() == []


def test_the_day_of_the_review_is_a_promise_of_who_wrote_it(world: World, her: UUID, now: datetime) -> None:
    row = in_force(world, her, now)
    day = datetime(2026, 5, 31, 2, 0, tzinfo=now.tzinfo)
    assert plan_promises.open_due(day - timedelta(days=1)) == 3
    assert (plan_promises.open_due(day), plan_promises.open_due(day)) == (1, 0)
    review = Loop.objects.get(kind="plan.review")
    assert review.performer == world.doctor.staff_id
    standing = plan_stream.story(row).versions[-1].content
    again = replace(standing, review_on=date(2026, 8, 20))
    row = in_force(world, her, day, again)
    review.refresh_from_db()
    assert (review.closed_as, review.outcome) == ("served", "reviewed")
    assert (row.review, row.review_on) == (None, date(2026, 8, 20))
    assert rebuild.differences() == []


def test_goals_are_scored_over_time_by_level_or_by_number(world: World, her: UUID, now: datetime) -> None:
    plan = plans.write(world.doctor, her, Wish(content(), 0), now)
    with pytest.raises(Conflict, match="还没有生效"):
        plans.score(world.doctor, plan, "safe", "0", now)
    plans.confirm(world.social_worker, plan, 1, now)
    for words, goal, said in (("-2 到 [+]2", "safe", "3"), ("随访时的收缩压", "pressure", "很高")):
        with pytest.raises(Invalid, match=words):
            plans.score(world.social_worker, plan, goal, said, now)
    with pytest.raises(NotFound, match="没有这个目标"):
        plans.score(world.social_worker, plan, "none", "0", now)
    plans.score(world.social_worker, plan, "safe", "-1", now, note="扶手还没装")
    plans.score(world.social_worker, plan, "safe", "1", now + timedelta(days=40))
    plans.score(world.nurse, plan, "pressure", "144", now + timedelta(days=40))

    told = plan_stream.story(Plan.objects.get(id=plan))
    assert [(one.level, one.note) for one in told.of_goal("safe")] == [(-1, "扶手还没装"), (1, "")]
    assert plans.attainment(told, told.versions[0].content) == 60.0
    assert [one.value for one in told.of_goal("pressure")] == ["144"]
    assert rebuild.differences() == []
    assert "扶手" not in str([one.data for one in Entry.objects.filter(stream=plan)])


def test_what_cannot_be_meant_is_refused_in_words(world: World, her: UUID, now: datetime) -> None:
    whole = content()
    pressure, safe = whole.goals
    first = whole.actions[0]
    wrong = [
        (replace(whole, goals=()), "至少要有一个目标"),
        (replace(whole, goals=(replace(pressure, measure=" "), safe)), "没有写怎么衡量"),
        (replace(whole, goals=(replace(pressure, target="低一点"), safe)), "要填数字，现在填的是“低一点”"),
        (replace(whole, goals=(replace(pressure, target="NaN"), safe)), "要填数字"),
        (replace(whole, goals=(replace(pressure, baseline="1e999999"), safe)), "要填数字"),
        (replace(whole, goals=(pressure, replace(safe, levels={**safe.levels, "2": ""}))), "远比预期好"),
        (replace(whole, goals=(replace(pressure, by=TODAY - timedelta(days=1)), safe)), "已经过去"),
        (replace(whole, goals=(replace(pressure, by=TODAY.replace(year=2040)), safe)), "太远"),
        (replace(whole, goals=(pressure,)), "原来的目标已删去"),
        (replace(whole, actions=(replace(first, duty="volunteer"),)), "请选由谁做"),
        (replace(whole, actions=(replace(first, often="hourly"),)), "多久一次要选一项"),
        (replace(whole, actions=(replace(first, title=""),)), "还没有写内容"),
        (replace(whole, review_on=TODAY + timedelta(days=400)), "复评日期最晚在 366 天内"),
    ]
    for said, words in wrong:
        with pytest.raises(Invalid, match=words):
            plans.write(world.doctor, her, Wish(said, 0), now)
    with pytest.raises(Invalid, match="没有批准的计划模板“gone”"):
        plans.write(world.doctor, her, Wish(whole, 0, "gone"), now)
    assert not Plan.objects.exists()


def test_ended_its_open_promises_fall_and_another_may_begin(world: World, her: UUID, now: datetime) -> None:
    row = in_force(world, her, now)
    plan_promises.open_due(now + timedelta(days=7))
    with pytest.raises(Invalid, match="请选结束的原因"):
        plans.end(world.nurse, row.id, "tired", now)
    plans.end(world.nurse, row.id, "reached", now + timedelta(days=8))
    loop = Loop.objects.get(kind="plan.action")
    assert (loop.closed_as, loop.close_reason) == ("not_served", "C1")
    with pytest.raises(Conflict, match="已经结束"):
        plans.end(world.nurse, row.id, "reached", now)
    assert plan_promises.open_due(now + timedelta(days=90)) == 0
    in_force(world, her, now + timedelta(days=9))
    assert [one.ended_at is None for one in plans.of_resident(her)] == [True, False]
    assert rebuild.differences() == []


def test_for_the_dead_nothing_is_planned_and_nothing_opens(world: World, her: UUID, now: datetime) -> None:
    row = in_force(world, her, now)
    residents.die(world.doctor, her, now)
    with pytest.raises(Conflict, match="已登记去世"):
        plans.write(world.doctor, her, Wish(content(), 1), now)
    with pytest.raises(Conflict, match="已登记去世"):
        plans.score(world.nurse, row.id, "safe", "0", now)
    assert plan_promises.open_due(now + timedelta(days=100)) == 0
    plans.end(world.nurse, row.id, "death", now)
    assert plans.found(world.doctor, row.id, now)[0].end_reason == "death"


def test_two_plans_of_one_person_after_a_merge_become_one(world: World, her: UUID, now: datetime) -> None:
    other = world.another("王秀蓝", now).resident
    older = plans.write(world.doctor, other, Wish(content(), 0, alone="no_social_need"), now)
    newer = plans.write(
        world.doctor, her, Wish(content(), 0, alone="no_social_need"), now + timedelta(hours=1)
    )
    merges.merge(world.administrator, her, other, now + timedelta(hours=2))
    later = now + timedelta(hours=3)
    with pytest.raises(Conflict, match="请在较新的一份上继续"):
        plans.score(world.nurse, older, "safe", "0", later)
    plans.end(world.nurse, older, "merged", later)
    plans.write(world.nurse, other, Wish(content(), 1, alone="no_social_need"), later)
    assert Plan.objects.get(id=newer).version == 2
    assert rebuild.differences() == []
