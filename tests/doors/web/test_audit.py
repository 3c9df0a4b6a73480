"""The pages of 审计: opened by the officer and the director, closed to others, and themselves under watch."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from django.db import IntegrityError

from tests.doors.web.conftest import Office, Screen, screen
from tests.doors.web.people_at_the_door import Browser, account_of
from tests.rooms.insight.people import officer
from yishe.insight import anomalies, report
from yishe.people import actors, residents
from yishe.trust import access_log, clock, guessing
from yishe.trust.commit import atomically
from yishe.trust.models import AccessLine, Export, SignInAttempt, SignInEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def guard(office: Office) -> Screen:
    """孙专员's browser."""
    return screen(officer(office.world, datetime.now(UTC)))


def test_the_officer_reads_who_looked_at_whom_and_why(office: Office, guard: Screen) -> None:
    office.doctor.open(office.resident)
    office.stranger.open(office.resident)
    text = guard.text("/audit")
    assert "王医生" in text
    assert "查看时间轴" in text
    assert "签约团队" in text
    assert "王＊兰" in text
    assert "王秀兰" not in text
    only = guard.text("/audit", resident=str(office.world.resident.resident), outcome="refused")
    assert "钱医生" in only
    assert "没有服务关系，未获准" in only
    assert 'data-label="谁"><b>王医生' not in only


def test_looking_at_the_audit_leaves_one_line_with_those_named(office: Office, guard: Screen) -> None:
    office.doctor.open(office.resident)
    before = office.looks()
    assert guard.open("/audit", action="read").status_code == 200
    assert office.looks() == before + 1
    line = AccessLine.objects.get(action="audit.read")
    assert line.subjects == [str(office.world.resident.subject)]
    assert line.purpose == "action=read"
    assert guard.open("/audit/exports").status_code == 200
    assert AccessLine.objects.filter(action="audit.exports").exists()


def test_a_resident_is_chosen_by_name(office: Office, guard: Screen) -> None:
    text = guard.text("/audit", q="王秀兰")
    assert f"resident={office.world.resident.resident}" in text
    assert "您的中心没有这样的居民" in guard.text("/audit", q="欧阳锋")


def test_others_are_refused_and_their_asking_is_kept(office: Office) -> None:
    for path in ("/audit", "/audit/exports"):
        assert office.doctor.open(path).status_code == 403
        assert 'href="/audit"' not in office.doctor.text("/")
    assert AccessLine.objects.filter(action="audit.read", outcome="no_relation").count() == 2


def test_the_lines_leave_as_an_export_and_stand_in_the_list(office: Office, guard: Screen) -> None:
    office.doctor.open(office.resident)
    assert guard.send("/audit/export", purpose="").status_code == 422
    answer = guard.send("/audit/export", purpose="季度隐私检查", action="read")
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert [row[1] for row in cells if row[0] in ("导出人", "用途")] == ["孙专员", "季度隐私检查"]
    assert any(row[1] == "王医生" and row[3] == "查看时间轴" for row in cells)
    text = guard.text("/audit/exports")
    assert "季度隐私检查" in text
    assert str(Export.objects.get().id) in text
    assert AccessLine.objects.filter(action="audit.export").exists()


def test_a_forged_cursor_and_an_unreadable_filter_are_answered_in_words(office: Office) -> None:
    for query in ({"cursor": "AAAA"}, {"since": "gestern"}, {"resident": "1"}):
        answer = office.director.open("/audit", **query)
        assert answer.status_code == 422
        assert "请" in answer.content.decode()


def test_an_odd_look_is_on_the_officers_list_and_closed_on_its_page(office: Office, guard: Screen) -> None:
    now = datetime.now(UTC)
    own = residents.register(actors.SYSTEM, {"name": "赵护士"}, now, centre=office.world.centre.id)
    nurse = office.world.nurse
    access_log.line(
        None, home=own.home, actor=nurse.staff_id, action="resident.read", subjects=[own.subject], at=now
    )
    (loop,) = anomalies.look(now + timedelta(minutes=1))
    assert "查阅异常复核" in guard.text("/")
    assert "赵护士" not in guard.text("/"), "a list does not name a colleague"
    listed = guard.text("/audit/odd")
    assert "赵护士" in listed
    assert f"/loops/{loop}" in listed
    text = guard.text(f"/loops/{loop}")
    assert "疑似本人" in text
    assert f"/audit?person={nurse.staff_id}" in text
    assert office.nurse.open(f"/loops/{loop}").status_code == 403
    assert f"{loop}" not in office.nurse.text("/loops", kind="access.anomaly")
    assert "写明结论" in guard.text(f"/loops/{loop}/complete")
    assert guard.send(f"/loops/{loop}/complete", seq=1, outcome="talked_to").status_code == 422
    done = guard.send(
        f"/loops/{loop}/complete", seq=1, outcome="talked_to", note="已当面提醒，不得查看本人档案"
    )
    assert done.status_code == 302
    assert "已谈话提醒" in guard.text("/audit/odd")


def test_a_matter_of_the_centre_is_no_number_of_the_board(office: Office, guard: Screen) -> None:
    now = datetime.now(UTC)
    own = residents.register(actors.SYSTEM, {"name": "赵护士"}, now, centre=office.world.centre.id)
    access_log.line(
        None,
        home=own.home,
        actor=office.world.nurse.staff_id,
        action="resident.read",
        subjects=[own.subject],
        at=now,
    )
    before = report.closing(office.world.director, at=now)["total"]["sent"]["count"]
    (loop,) = anomalies.look(now)
    assert report.closing(office.world.director, at=now)["total"]["sent"]["count"] == before
    assert f"/loops/{loop}" not in office.director.text("/loops", set="sent")
    assert f"/loops/{loop}" in office.director.text("/loops", set="sent", kind="access.anomaly")


def test_what_happened_at_the_door_is_read_by_the_officer_with_a_filter(
    office: Office, guard: Screen
) -> None:
    account, stranger = account_of(office.world.nurse), account_of(office.world.stranger)
    Browser().first(account, "wrong")
    Browser().in_(account).post("/sign-out")
    Browser().in_(stranger)
    text = guard.text("/audit/sign-ins")
    assert text.count("<b>赵护士</b>") == 3
    assert "账号或密码不对，未能登录" in text
    assert "<b>钱医生</b>" not in text
    assert guard.text("/audit/sign-ins", kind="refused").count("<b>赵护士</b>") == 1
    assert "没有符合的登录记录" in guard.text(
        "/audit/sign-ins", kind="reset", person=str(office.world.nurse.staff_id)
    )
    assert (
        AccessLine.objects.filter(
            action="audit.sign_ins", actor=officer(office.world, datetime.now(UTC)).staff_id
        ).count()
        == 3
    )


def test_the_doors_log_is_closed_to_others_and_refuses_what_it_cannot_read(
    office: Office, guard: Screen
) -> None:
    assert office.doctor.open("/audit/sign-ins").status_code == 403
    foreign = str(office.world.stranger.staff_id)
    for query, status in (
        ({"person": foreign}, 404),
        ({"kind": "all"}, 422),
        ({"cursor": "AAAA"}, 422),
        ({"since": "x"}, 422),
    ):
        assert guard.open("/audit/sign-ins", **query).status_code == status


def test_wrong_tries_are_forgotten_after_their_term_and_the_log_keeps_them(office: Office) -> None:
    account, at = account_of(office.world.nurse), clock.real_now()
    Browser().first(account, "wrong")
    SignInAttempt.objects.update(at=at - timedelta(days=31))
    Browser().first(account, "wrong again")
    with pytest.raises(IntegrityError), atomically():
        SignInEvent.objects.filter(account=account.pk).delete()
    assert guessing.sweep(at - timedelta(days=30)) == 1
    assert SignInAttempt.objects.count() == 1
    assert SignInEvent.objects.filter(account=account.pk, kind="wrong_credentials").count() == 2
