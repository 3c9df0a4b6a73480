"""计划: written by 王医生, confirmed by 李敏, both at once, compared, scored; 赵护士 is medical too, 钱医生 a stranger."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from tests.doors.web.conftest import Office, Screen
from yishe.care import rebuild
from yishe.care.models import Plan
from yishe.people import residents
from yishe.people.actors import SYSTEM

pytestmark = pytest.mark.django_db
FIELD = re.compile(r'<(?:input|select)[^>]*? name="([^"]+)"[^>]*?>')


@pytest.fixture
def her(office: Office) -> str:
    said = {"birth_date": date(1947, 1, 5), "traits": ("hypertension", "living_alone")}
    residents.amend(SYSTEM, office.world.resident.resident, said, datetime.now(UTC))
    return office.resident


def filled(page: str) -> dict[str, Any]:
    """The form as the browser would send it back."""
    said: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]+>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="checkbox"' not in tag:
            said[name[1]] = unescape(value[1]) if value else ""
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        said[name] = chosen[1] if chosen else ""
    return {name: value for name, value in said.items() if name != "csrfmiddlewaretoken"}


def begun(screen: Screen, her: str) -> str:
    """Written from the template for her, with what was measured; returns the plan's address."""
    form = filled(screen.text(f"{her}/plan", template="hypertension_elder"))
    answer = screen.send(f"{her}/plan", **{**form, "g0-baseline": "162"})
    assert answer.status_code == 302, answer.content.decode()
    return f"/plans/{Plan.objects.get(ended_at=None).id}"


def test_a_template_that_suits_her_becomes_a_plan_of_both_professions(office: Office, her: str) -> None:
    empty = office.doctor.text(her, tab="plan")
    assert empty.index("高血压（65 岁及以上）") < empty.index("2 型糖尿病")
    plan = begun(office.doctor, her)
    assert "等社工一方确认" in office.doctor.text(her, tab="plan")
    assert "确认第 1 版" not in office.doctor.text(her, tab="plan")
    assert "确认第 1 版" in office.social_worker.text(her, tab="plan")
    assert office.nurse.send(f"{plan}/confirm", version="1").status_code == 403
    assert office.social_worker.send(f"{plan}/confirm", version="1").status_code == 302
    shown = office.nurse.text(her, tab="plan")
    assert "第 1 版，生效中" in shown
    assert "王医生（医护）、李敏（社工）" in shown
    assert "随访时的收缩压：从 162 mmHg 到 149 mmHg" in shown
    assert office.stranger.open(her, tab="plan").status_code == 403
    assert office.stranger.open(f"{her}/plan").status_code == 403
    assert office.stranger.open(f"{plan}/compare", one=1, other=1).status_code == 403


def test_two_at_once_the_second_is_told_and_what_she_typed_stays(office: Office, her: str) -> None:
    plan = begun(office.doctor, her)
    office.social_worker.send(f"{plan}/confirm", version="1")
    mine, yours = (filled(one.text(f"{her}/plan")) for one in (office.nurse, office.social_worker))
    assert office.social_worker.send(f"{her}/plan", **{**yours, "a2-gone": "on"}).status_code == 302

    answer = office.nurse.send(f"{her}/plan", **{**mine, "a0-title": "每周量两次血压"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "李敏刚刚改过这份计划，现在是第 2 版（删去：上门看家里" in page
    assert 'value="每周量两次血压"' in page
    assert office.nurse.send(f"{her}/plan", **filled(page)).status_code == 302
    compared = office.nurse.text(f"{plan}/compare", one="2", other="3")
    assert "<b>新增</b>措施 <ins>上门看家里哪里容易绊倒，联系改造</ins>" in compared
    assert "<del>量血压（坐着和站着各一次）、看用药</del> 改为 <ins>每周量两次血压</ins>" in compared
    assert office.nurse.open(f"{plan}/compare", one="1", other="99").status_code == 404
    assert rebuild.differences() == []


def test_what_is_wrong_is_said_and_the_form_keeps_it(office: Office, her: str) -> None:
    form = filled(office.nurse.text(f"{her}/plan", template="hypertension_elder"))
    for wrong, words in (
        ({"g0-baseline": ""}, "“现在多少”要填数字"),
        ({"g0-baseline": "160", "g0-measure": ""}, "没有写怎么衡量"),
        ({"g0-baseline": "160", "g0-by": "2001-01-01"}, "已经过去"),
        ({"g0-baseline": "160", "g0-by": "明天"}, "要填一个日子"),
        ({"g0-baseline": "160", "g0-id": "../x"}, "这一页不完整"),
        ({"g0-baseline": "160", "alone": "busy"}, "只由一方制定要选一个原因"),
    ):
        answer = office.nurse.send(f"{her}/plan", **{**form, **wrong, "g1-title": "慢慢来"})
        assert (answer.status_code, words in answer.content.decode()) == (422, True), words
        assert 'value="慢慢来"' in answer.content.decode()
    assert "没有批准的计划模板“gone”" in office.nurse.open(f"{her}/plan", template="gone").content.decode()
    more = office.nurse.send(f"{her}/plan", **{**form, "g0-title": "写了一半", "more": "1"}).content.decode()
    assert 'value="写了一半"' in more
    assert not Plan.objects.exists()


def test_goals_are_scored_and_the_plan_ends_with_its_reason(office: Office, her: str) -> None:
    plan = begun(office.doctor, her)
    office.social_worker.send(f"{plan}/confirm", version="1")
    assert "+1 每周做几次平衡练习" in office.nurse.text(f"{plan}/score/safe")
    assert office.nurse.send(f"{plan}/score/safe", said="1", note="跟着视频做").status_code == 302
    wrong = office.nurse.send(f"{plan}/score/pressure", said="高")
    assert (wrong.status_code, "请填随访时的收缩压" in wrong.content.decode()) == (422, True)
    shown = office.doctor.text(her, tab="plan")
    assert "+1 每周做几次平衡练习" in shown
    assert "达成度 T 60.0" in shown
    for one in (office.stranger, office.director):
        assert one.send(f"{plan}/end", reason="reached").status_code == 403
    assert office.nurse.send(f"{plan}/end", reason="reached").status_code == 302
    assert "目标达成" in office.doctor.text(her, tab="plan")


def test_on_the_day_of_the_review_the_form_proposes_the_next(office: Office, her: str) -> None:
    begun(office.doctor, her)
    plan = Plan.objects.get()
    office.social_worker.send(f"/plans/{plan.id}/confirm", version="1")
    Plan.objects.filter(id=plan.id).update(review_on=datetime.now(UTC).date() - timedelta(days=1))
    assert "复评，写新的一版" in office.doctor.text(her, tab="plan")
    form = filled(office.doctor.text(f"{her}/plan"))
    assert date.fromisoformat(form["review_on"]) > datetime.now(UTC).date() + timedelta(days=80)
