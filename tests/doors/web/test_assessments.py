"""评估 on the screen: begun, saved question by question, submitted, explained, corrected."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.http import HttpResponse

from tests.doors.web.conftest import Office, Screen
from yishe.care import assessments

pytestmark = pytest.mark.django_db
LONELY = {"a-u1": "3", "a-u2": "2", "a-u3": "2"}


def begin(office: Office, screen: Screen, scale: str = "ucla3", **given: str) -> str:
    answer = screen.send(f"{office.resident}/assessments/new/{scale}", **{"informant": "staff", **given})
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def change(screen: Screen, form: str, **given: str) -> HttpResponse:
    """One question changed in the open page."""
    return screen.client.post(f"{form}/save", given, headers={"HX-Request": "true"})


def test_from_the_list_to_the_score_and_which_question_gave_what(office: Office) -> None:
    assert "孤独量表 UCLA-3" in office.nurse.text(office.resident, tab="assessments")
    start = office.nurse.text(f"{office.resident}/assessments/new/ucla3")
    assert "Hughes" in start
    form = begin(office, office.nurse)
    state = change(office.nurse, form, **{"a-u1": "3"}).content.decode()
    assert "已答 1 / 3" in state
    assert "已存" in state
    assert office.nurse.send(f"{form}/submit", **LONELY).headers["Location"] == form
    result = office.doctor.text(form)
    assert "孤独" in result
    assert "社工 3 个工作日内联系" in result
    assert "觉得被冷落" in result
    assert "现在轮到 李敏" in result
    assert "总分 7（孤独）" in office.doctor.text(office.resident, tab="assessments")
    assert "评估：孤独量表 UCLA-3" in office.doctor.text(office.resident)


def test_a_red_answer_shows_the_steps_and_whom_it_called_at_once(office: Office) -> None:
    form = begin(office, office.nurse, "phq9")
    state = change(office.nurse, form, **{"a-p9": "1"}).content.decode()
    for words in ("12356", "24 小时内再联系", "王医生", "李敏"):
        assert words in state
    assert "有轻生或自伤的念头" in office.doctor.text(form)


def test_an_unfinished_form_comes_back_with_what_is_missing_and_everything_filled(office: Office) -> None:
    form = begin(office, office.nurse)
    answer = office.nurse.send(f"{form}/submit", **{"a-u1": "3"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "还有 2 题没有答" in page
    assert 'id="u1-3" value="3" checked' in page


def test_a_draft_is_gone_on_with_and_not_begun_twice(office: Office) -> None:
    form = begin(office, office.nurse)
    assert begin(office, office.doctor) == form
    office.nurse.send(f"{form}/submit", **LONELY)
    again = office.nurse.send(f"{office.resident}/assessments/new/ucla3", informant="staff")
    assert again.status_code == 409
    assert "再做一次" in again.content.decode()
    assert begin(office, office.nurse, again="1") != form


def test_what_was_wrong_is_corrected_with_its_reason(office: Office) -> None:
    form = begin(office, office.nurse)
    office.nurse.send(f"{form}/submit", **LONELY)
    assert office.nurse.send(f"{form}/amend", **{"a-u1": "1"}).status_code == 422
    office.nurse.send(f"{form}/amend", **{"a-u1": "1", "reason": "听错了"})
    result = office.nurse.text(form)
    assert "更正过：听错了" in result
    assert "更正过" in office.nurse.text(office.resident, tab="assessments")


def test_how_it_changed_is_drawn_and_said(office: Office) -> None:
    resident, now = office.world.resident.resident, datetime.now(UTC)
    for days, answer in ((60, "3"), (30, "2"), (1, "1")):
        at = now - timedelta(days=days)
        form = assessments.start(
            office.world.nurse, resident, scale="ucla3", at=at, command_id=uuid4().hex
        ).response
        given = dict.fromkeys(("u1", "u2", "u3"), answer)
        assessments.answer(office.world.nurse, resident, form, given, at=at, command_id=uuid4().hex)
        assessments.submit(office.world.nurse, resident, form, at=at, command_id=uuid4().hex)
    tab = office.doctor.text(office.resident, tab="assessments")
    assert "9 → 3，降 6 分（3 次）" in tab
    assert "<polyline" in tab


def test_mood_is_for_those_who_treat_and_nothing_is_for_strangers(office: Office) -> None:
    form = begin(office, office.doctor, "phq2")
    office.doctor.send(f"{form}/submit", **{"a-p1": "1", "a-p2": "1"})
    tab = office.director.text(office.resident, tab="assessments")
    assert "有受保护的内容" in tab
    assert "总分 2" not in tab
    for screen in (office.stranger, office.director):
        assert screen.open(form).status_code == 403
        assert screen.send(f"{form}/save", **{"a-p1": "3"}).status_code == 403
