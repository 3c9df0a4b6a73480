"""The tabs of a life for owner, colleague and stranger: what is due and why, the curve and its table, risk and what it lacks."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.doors.web.conftest import Office, statements
from tests.rooms.care.test_immunizations import child
from yishe.people import residents
from yishe.people.placements import Placement

pytestmark = pytest.mark.django_db


@pytest.fixture
def baby(office: Office) -> Placement:
    now = datetime.now(UTC)
    return child(office.world, now, (now - timedelta(days=400)).date())


def page(placed: Placement) -> str:
    return f"/residents/{placed.resident}"


def test_a_dose_is_recorded_where_it_is_late_and_is_late_no_more(office: Office, baby: Placement) -> None:
    shown = office.nurse.text(page(baby), tab="vaccines")
    assert "逾期" in shown
    assert "尽早补，不必重新开始" in shown
    assert "接种：麻腮风疫苗" in office.nurse.text(f"{page(baby)}/near")
    given = {"vaccine": "MMR", "batch": "B1", "command_id": uuid4().hex}
    answer = office.nurse.send(f"{page(baby)}/record/immunization", **given)
    assert answer.status_code == 302
    assert "已种" in office.nurse.text(page(baby), tab="vaccines")
    again = office.nurse.send(f"{page(baby)}/record/immunization", vaccine="MMR", command_id=uuid4().hex)
    assert again.status_code == 422
    assert "已经记过" in again.content.decode()


def test_the_social_worker_sees_what_is_due_and_records_none(office: Office, baby: Placement) -> None:
    shown = office.social_worker.text(page(baby), tab="vaccines")
    assert "麻腮风疫苗" in shown
    assert "record/immunization" not in shown
    assert office.social_worker.open(f"{page(baby)}/record/immunization").status_code == 403


@pytest.mark.parametrize("tab", ["vaccines", "growth", "risks"])
def test_a_stranger_sees_nothing_and_leaves_a_line(office: Office, baby: Placement, tab: str) -> None:
    before = office.looks()
    assert office.stranger.open(page(baby), tab=tab).status_code == 403
    assert office.looks() == before + 1


def test_the_curve_has_a_table_beside_it(office: Office, baby: Placement) -> None:
    given = {"child_weight": "7.2", "child_length": "74", "head": "45", "command_id": uuid4().hex}
    assert office.nurse.send(f"{page(baby)}/record/growth", **given).status_code == 302
    shown = office.nurse.text(page(baby), tab="growth")
    assert shown.count('<circle class="child"') == 1
    assert "低体重" in shown
    assert "国标数值表尚未逐格核对" in shown
    by_length = office.nurse.text(page(baby), tab="growth", show="weight_for_length")
    assert "身长（cm）" in by_length


def test_what_can_hardly_be_comes_back_into_the_form(office: Office, baby: Placement) -> None:
    answer = office.nurse.send(f"{page(baby)}/record/growth", child_weight="0.8", command_id=uuid4().hex)
    assert answer.status_code == 422
    assert "请复测" in answer.content.decode()
    empty = office.nurse.send(f"{page(baby)}/record/growth", command_id=uuid4().hex)
    assert "至少填一项" in empty.content.decode()


def test_risk_names_what_it_lacks_and_where_it_comes_from(office: Office) -> None:
    grown = child(office.world, datetime.now(UTC), datetime(1966, 1, 1, tzinfo=UTC).date())
    shown = office.doctor.text(page(grown), tab="risks")
    assert "还缺：" in shown
    assert "Diabetes Care 2013" in shown
    body = {"height": "170", "waist": "96", "glucose": "6.5", "command_id": uuid4().hex}
    assert office.doctor.send(f"{page(grown)}/record/body", **body).status_code == 302
    answers = {"family_diabetes": "1", "smoker": "0", "command_id": uuid4().hex}
    assert office.doctor.send(f"{page(grown)}/record/answers", **answers).status_code == 302
    shown = office.doctor.text(page(grown), tab="risks")
    assert "空腹血糖受损" in shown
    assert "中心性肥胖" in shown


def test_only_tabs_that_say_something_are_there(office: Office, baby: Placement) -> None:
    small = office.nurse.text(page(baby), tab="about")
    assert "tab=growth" in small
    assert "tab=risks" not in small
    grown = office.nurse.text(office.resident, tab="about")
    assert "tab=growth" not in grown


def test_a_tab_asks_little_of_the_database(office: Office, baby: Placement) -> None:
    office.nurse.text(page(baby), tab="about")
    plain = statements(lambda: office.nurse.open(page(baby), tab="about"))
    for tab in ("vaccines", "growth"):
        assert statements(lambda tab=tab: office.nurse.open(page(baby), tab=tab)) <= plain + 1  # type: ignore[misc]


def test_a_visit_of_the_schedule_is_recorded_where_it_is_late(office: Office, baby: Placement) -> None:
    shown = office.nurse.text(page(baby), tab="schedule")
    assert "12 月龄检查" in shown
    assert "依据：" in shown
    assert "tab=growth" in shown
    given = {"visit": "child.m12", "how": "1", "summary": "发育正常", "command_id": uuid4().hex}
    assert office.nurse.send(f"{page(baby)}/record/visit", **given).status_code == 302
    assert "已按时做" in office.nurse.text(page(baby), tab="schedule")
    again = office.nurse.send(f"{page(baby)}/record/visit", **{**given, "command_id": uuid4().hex})
    assert (again.status_code, "已经做过" in again.content.decode()) == (422, True)
    sees = office.social_worker.text(page(baby), tab="schedule")
    assert "record/visit" not in sees
    assert "followups/new" not in sees
    assert office.stranger.open(page(baby), tab="schedule").status_code == 403


def test_the_line_of_the_schedule_leads_to_the_form_that_makes_the_visit(
    office: Office, baby: Placement
) -> None:
    assert "followups/new/child" in office.nurse.text(page(baby), tab="schedule")
    form = office.nurse.text(f"{page(baby)}/followups/new/child")
    address = form.split(f'action="{page(baby)}/followups/')[1].split("/submit")[0]
    assert "叫名字没有反应" in form  # the warning signs of her age
    today = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"
    given = {
        "how": "1", "on": today, "weight": "9.8", "length": "75", "danger_later": "none", "nutrition": "good", "body": "normal",
        "eyes": "normal", "ears": "passed", "teeth": "normal", "signs_12": "c",
    }  # fmt: skip
    sent = {f"a-{code}": said for code, said in given.items()}
    answer = office.nurse.send(f"{page(baby)}/followups/{address}/submit?kind=child", **sent)
    result = office.nurse.text(answer.headers["Location"])
    assert "发育预警，转诊评估" in result
    assert "建议转诊" in result
    shown = office.nurse.text(page(baby), tab="schedule")
    assert "followups/new/child" not in shown  # made, and nothing else is due at her age
    assert office.nurse.text(page(baby), tab="growth").count('<circle class="child"') == 1


def test_a_draft_is_shown_as_one_and_owed_to_nobody(office: Office) -> None:
    pupil = child(office.world, datetime.now(UTC), (datetime.now(UTC) - timedelta(days=366 * 9)).date())
    shown = office.nurse.text(page(pupil), tab="schedule")
    assert "草案 4 项：不提醒、不计入" in shown
    assert "待核：推测每年 1 次" in shown
    assert "现在该做" not in shown


def test_a_pregnancy_is_shown_to_clinicians_and_a_man_has_none(office: Office) -> None:
    grown = child(office.world, datetime.now(UTC), datetime(1996, 1, 1, tzinfo=UTC).date())
    residents.amend(office.world.doctor, grown.resident, {"sex": "2"}, datetime.now(UTC))
    on = f"{(datetime.now(UTC) - timedelta(days=30)).date():%Y-%m-%d}"
    said = {"step": "begin", "on": on, "command_id": uuid4().hex}
    assert office.doctor.send(f"{page(grown)}/record/pregnancy", **said).status_code == 302
    assert "孕早期检查" in office.nurse.text(page(grown), tab="schedule")
    assert "孕早期检查" not in office.social_worker.text(page(grown), tab="schedule")
    residents.amend(office.world.doctor, grown.resident, {"sex": "1"}, datetime.now(UTC))
    assert "孕早期检查" not in office.nurse.text(page(grown), tab="schedule")
    man = office.doctor.send(f"{page(grown)}/record/pregnancy", **{**said, "command_id": uuid4().hex})
    assert "登记为男性" in man.content.decode()
