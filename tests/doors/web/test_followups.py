"""随访 on the screen: filled and kept, twice unsatisfactory, the referral proposed and sent by a person."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.doors.web.conftest import Office, Screen
from yishe.care import followups
from yishe.loops.models import Loop
from yishe.people.models import Resident

pytestmark = pytest.mark.django_db
HIGH = {
    "a-how": "1", "a-sbp": "166", "a-dbp": "96", "a-danger": "none", "a-adverse": "1", "a-complication": "none", "a-adherence": "1",
}  # fmt: skip


def whose(office: Office) -> UUID:
    return office.world.resident.resident


def form_of(screen: Screen, office: Office) -> str:
    """The id under which the page of a new form saves."""
    text = screen.text(f"{office.resident}/followups/new/htn", how="3")
    assert 'id="how-3" value="3" checked' in text
    return text.split(f'action="{office.resident}/followups/')[1].split("/submit")[0]


@pytest.fixture
def old(office: Office) -> Office:
    Resident.objects.filter(id=whose(office)).update(birth_date=date(1958, 1, 1))
    return office


def once(office: Office, days: int) -> None:
    """The nurse found it too high some days ago."""
    nurse, before = office.world.nurse, datetime.now(UTC) - timedelta(days=days)
    row = followups.begin(
        nurse, whose(office), kind="htn", response=uuid4(), at=before, command_id=uuid4().hex
    )
    given = {name.removeprefix("a-"): value for name, value in HIGH.items()}
    answers = {**given, "danger": ["none"], "on": before.date().isoformat()}
    followups.answer(nurse, whose(office), row.response, answers, at=before, command_id=uuid4().hex)
    followups.submit(nurse, whose(office), row.response, at=before, command_id=uuid4().hex)


def test_the_second_too_high_proposes_a_referral_that_the_nurse_fills_and_sends(old: Office) -> None:
    once(old, 10)
    form = f"{old.resident}/followups/{form_of(old.nurse, old)}"
    today = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"
    headers = {"HX-Request": "true"}
    state = old.nurse.client.post(f"{form}/save?kind=htn", {"a-sbp": "166"}, headers=headers)
    assert "已存" in state.content.decode()
    assert 'value="166"' in old.nurse.text(
        f"{old.resident}/followups/new/htn"
    )  # gone on with, not begun again
    answer = old.nurse.send(f"{form}/submit?kind=htn", **HIGH, **{"a-on": today, "back": "/today"})
    assert answer.headers["Location"] == f"{form}?back=/today"

    result = old.nurse.text(f"{form}?back=/today")
    for words in (
        "控制不满意（连续 2 次）",
        "建议转诊",
        "继续下一位",
        "未达",
        "2025 版",
        "国家基本公共卫生服务规范",
    ):
        assert words in result
    assert not Loop.objects.filter(kind="referral.upward").exists()
    send = result.split('class="btn go" href="')[1].split('"')[0]
    prefilled = old.nurse.text(send)
    assert "连续两次控制不满意" in prefilled
    assert "166 mmHg" in prefilled
    old.nurse.send(send.split("?")[0], note="血压连续两次控制不满意，请安排上级医院")
    assert Loop.objects.get(kind="referral.upward").performer == old.world.doctor.staff_id
    history = old.doctor.text(old.resident, tab="followups")
    assert "收缩压：166 → 166 mmHg，没有变化（2 次）" in history
    assert "未达 诊室血压" in history


def test_what_cannot_be_comes_back_with_everything_typed(old: Office) -> None:
    form = f"{old.resident}/followups/{form_of(old.nurse, old)}"
    today = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"
    answer = old.nurse.send(f"{form}/submit?kind=htn", **{**HIGH, "a-on": today, "a-sbp": "1660"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "是不是多写或少写了一位" in page
    assert 'value="1660"' in page
    assert old.nurse.send(f"{form}/submit?kind=htn", **{**HIGH, "a-on": today}).status_code == 302
    again = f"{old.resident}/followups/{form_of(old.doctor, old)}"
    answer = old.doctor.send(f"{again}/submit?kind=htn", **{**HIGH, "a-on": today})
    assert answer.status_code == 409
    assert "同一天只记一份" in answer.content.decode()


def test_whoever_may_not_fill_it_is_told_and_a_stranger_sees_nothing(old: Office) -> None:
    assert old.social_worker.open(f"{old.resident}/followups/new/htn").status_code == 403
    assert old.stranger.open(f"{old.resident}/followups/new/htn").status_code == 403
    once(old, 3)
    listed = old.social_worker.text(old.resident, tab="followups")
    assert "有一次诊疗（经过由医护查看）" in listed
    assert "控制不满意" not in listed


def test_a_slip_is_corrected_with_its_reason_and_shown_before_and_after(old: Office) -> None:
    once(old, 3)
    listed = old.nurse.text(old.resident, tab="followups")
    (path,) = re.findall(rf'href="({old.resident}/followups/[0-9a-f-]{{36}})"', listed)
    assert f"{path}/amend" in old.nurse.text(path)
    form = old.doctor.text(f"{path}/amend")
    assert 'value="166"' in form
    assert "方式和日期决定计入哪一期" in form
    refused = old.doctor.send(f"{path}/amend", **{"a-sbp": "1360", "reason": "抄错了"})
    assert refused.status_code == 422
    assert "是不是多写或少写了一位" in refused.content.decode()
    answer = old.doctor.send(f"{path}/amend", **{"a-sbp": "136", "a-dbp": "86", "reason": "袖带读数抄错了"})
    assert answer.status_code in (302, 303)
    shown = old.nurse.text(path)
    for words in ("袖带读数抄错了", "王医生", "166 mmHg", "136 mmHg", "控制不满意", "控制满意", "已撤回"):
        assert words in shown
    assert old.social_worker.send(f"{path}/amend", **{"a-sbp": "140", "reason": "x"}).status_code == 403
    assert old.stranger.open(f"{path}/amend").status_code == 403


def test_what_fits_the_same_visit_is_offered_with_what_was_measured_filled_in(old: Office) -> None:
    Resident.objects.filter(id=whose(old)).update(birth_date=date(1950, 1, 1))
    form = f"{old.resident}/followups/{form_of(old.nurse, old)}"
    today = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"
    old.nurse.send(f"{form}/submit?kind=htn", **{**HIGH, "a-on": today})
    result = old.nurse.text(form)
    assert "同一次还可以做" in result
    assert "/followups/new/elder?how=1" in result
    second = old.nurse.text(f"{old.resident}/followups/new/elder", how="1")
    assert 'name="a-sbp" value="166"' in second
    assert "上次 166" in second


def test_a_form_for_others_is_refused_before_anything_is_typed(old: Office) -> None:
    Resident.objects.filter(id=whose(old)).update(birth_date=datetime.now(UTC).date() - timedelta(days=1200))
    for kind, words in (("elder", "用于 65 岁及以上"), ("htn", "未满 35 岁")):
        answer = old.nurse.open(f"{old.resident}/followups/new/{kind}")
        assert answer.status_code == 422
        assert words in answer.content.decode()
