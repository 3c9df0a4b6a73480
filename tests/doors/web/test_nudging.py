"""催一下, and what those who lead find on their 今日."""

from datetime import timedelta

import pytest

from tests.doors.web.conftest import Office, statements
from yishe.loops.models import Loop
from yishe.people import directory
from yishe.people.models import Staff

pytestmark = pytest.mark.django_db


def test_who_waits_asks_by_one_press_and_then_reads_when(office: Office) -> None:
    path = f"/loops/{office.refer()}"
    assert "催一下" in office.doctor.text("/")
    assert "催一下" not in office.social_worker.text("/")
    assert office.doctor.send(f"{path}/nudge", next="/").headers["Location"] == "/"
    assert "已催" in office.doctor.text("/")
    assert "起可以再催" in office.doctor.text(path)
    assert "催了一下" in office.social_worker.text(path)


def test_the_second_press_of_a_day_says_from_when_on(office: Office) -> None:
    path = f"/loops/{office.refer()}/nudge"
    office.doctor.send(path)
    answer = office.doctor.send(path)
    assert answer.status_code == 409
    assert "起可以再催" in answer.content.decode()


def test_it_is_not_for_strangers_to_ask(office: Office) -> None:
    path = f"/loops/{office.refer()}/nudge"
    for screen in (office.nurse, office.stranger):
        assert screen.send(path).status_code == 403


def test_who_leads_sees_what_is_overdue_there(office: Office) -> None:
    office.refer()
    assert "没有欠着的事" in office.director.text("/")
    late = Loop.objects.get()
    Loop.objects.update(due_at=late.promised_at - timedelta(days=2))
    for screen in (office.director, office.doctor):
        assert "我负责的范围里已逾期" in screen.text("/")
    for screen in (office.nurse, office.social_worker):
        assert "我负责的范围" not in screen.text("/")


def test_a_morning_costs_the_same_however_much_there_is(office: Office) -> None:
    office.refer("D12")
    office.doctor.open("/")
    few = statements(lambda: office.doctor.open("/"))
    for reason in ("D03", "D04", "D05", "D16"):
        office.refer(reason)
    assert statements(lambda: office.doctor.open("/")) == few <= 9


def test_where_somebody_is_late_stands_whom_to_ring(office: Office) -> None:
    path = f"/loops/{office.refer()}"
    Staff.objects.filter(name="李敏").update(phone="8003")
    directory.bump()
    Loop.objects.update(due_at=Loop.objects.get().promised_at - timedelta(days=2))
    for page in ("/", "/duty", path):
        assert 'href="tel:8003"' in office.director.text(page)
