"""Every page for the owner, a colleague and a stranger; each look leaves its line."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tests.doors.web.conftest import Office, statements
from yishe.care import conditions, medications
from yishe.people import rosters

pytestmark = pytest.mark.django_db
PLACES = ("/", "/residents", "/loops", "/board", "/duty", "/notices", "/import", "/team", "/me")


@pytest.mark.parametrize("path", PLACES)
def test_each_place_opens_for_who_works_here(office: Office, path: str) -> None:
    office.refer()
    for screen in (office.doctor, office.nurse, office.director):
        assert screen.open(path).status_code == 200


@pytest.mark.parametrize("path", [*PLACES, "/residents/00000000-0000-7000-8000-000000000000"])
def test_nobody_gets_in_without_signing_in(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("tab", ["timeline", "loops", "medicines", "observations", "about"])
def test_a_resident_opens_to_the_team_and_not_to_a_stranger(office: Office, tab: str) -> None:
    for screen in (office.doctor, office.nurse):
        assert "王秀兰" in screen.text(office.resident, tab=tab)
    answer = office.stranger.open(office.resident, tab=tab)
    assert answer.status_code == 403
    assert "王秀兰" not in answer.content.decode()


@pytest.mark.parametrize("path", ["", "?tab=about", "/refer", "/refer/referral.doctor_to_social_worker/D12"])
def test_each_look_leaves_one_access_line(office: Office, path: str) -> None:
    before = office.looks()
    assert office.doctor.open(office.resident + path).status_code == 200
    assert office.looks() == before + 1


def test_a_masked_number_is_shown_when_asked_for_and_the_asking_is_kept(office: Office) -> None:
    before = office.looks()
    assert office.doctor.open(f"{office.resident}/reveal/phone").status_code == 200
    assert office.looks() == before + 1
    assert office.stranger.open(f"{office.resident}/reveal/phone").status_code == 403
    assert office.doctor.open(f"{office.resident}/reveal/password").status_code == 404


def test_a_loop_opens_to_those_it_concerns(office: Office) -> None:
    path = f"/loops/{office.refer()}"
    assert "孤独隔离" in office.social_worker.text(path)
    assert "现在轮到" in office.nurse.text(path)
    assert office.stranger.open(path).status_code == 403


def test_who_may_do_nothing_is_told_whom_to_ring(office: Office) -> None:
    text = office.nurse.text(f"/loops/{office.refer()}")
    assert "着急时找" in text
    assert "李敏" in text


def test_a_sensitive_reason_is_not_named_in_lists(office: Office) -> None:
    office.refer("D22")
    for path in ("/", "/loops"):
        text = office.social_worker.text(path)
        assert "王秀兰" in text
        assert "D22" not in text


def test_protected_detail_stands_on_no_page_of_those_who_need_it_not(office: Office) -> None:
    world, about = office.world, office.world.resident.resident
    medications.record(
        world.doctor, about, action="start", drug="拉米夫定", dose="1片", frequency="每日一次", at=datetime.now(UTC),
        command_id="1",
    )  # fmt: skip
    conditions.record(
        world.doctor, about, kind="disease", title="艾滋病", code="B20", at=datetime.now(UTC), command_id="2"
    )
    tabs = ("timeline", "loops", "medicines", "observations", "about")
    assert "拉米夫定" in office.doctor.text(office.resident, tab="medicines")
    assert "艾滋病" in office.doctor.text(office.resident, tab="about")
    for screen in (office.nurse, office.social_worker, office.director):
        text = "".join(screen.text(office.resident, tab=tab) for tab in tabs)
        assert "拉米夫定" not in text
        assert "艾滋" not in text
    assert "有受保护的内容" in office.nurse.text(office.resident, tab="medicines")
    assert "有受保护的内容" not in office.director.text(office.resident, tab="medicines")


def test_a_note_form_lets_its_writer_mark_what_it_is_about(office: Office) -> None:
    given = {"stage": "intake", "text": "说到流产", "label": "reproductive"}
    assert office.nurse.send(f"{office.resident}/record/note", **given).status_code in (200, 302)
    assert "说到流产" in office.nurse.text(office.resident)
    assert "说到流产" not in office.social_worker.text(office.resident)
    assert "有受保护的内容" in office.social_worker.text(office.resident)
    assert "说到流产" not in office.director.text(office.resident)


def test_what_is_not_there_is_said_in_words(office: Office) -> None:
    answer = office.doctor.open("/nowhere")
    assert answer.status_code == 404
    assert "回到今日" in answer.content.decode()


def test_no_page_carries_anything_inline(office: Office) -> None:
    for path in PLACES:
        answer = office.doctor.open(path)
        text = answer.content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert "<script>" not in text
        assert " onclick" not in text
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("sort", ["age", "-age", "due", "-due", "team", "-team", "state", "-state"])
def test_the_ledger_sorts_by_what_the_address_says(office: Office, sort: str) -> None:
    for reason in ("D12", "D16"):
        office.refer(reason)
    answer = office.director.open("/loops", sort=sort)
    assert len(answer.context["rows"]) == 2
    assert answer.content.decode().count('aria-sort="') == 1
    assert f'name="sort" value="{sort}"' in answer.content.decode()


def test_the_ledger_costs_the_same_however_long_it_is(office: Office) -> None:
    office.refer("D12")
    office.director.open("/loops")
    few = statements(lambda: office.director.open("/loops", sort="due"))
    for reason in ("D03", "D04", "D05", "D16"):
        office.refer(reason)
    assert statements(lambda: office.director.open("/loops", sort="due")) == few <= 7


def test_a_resident_says_at_a_glance_what_is_open_and_taken(office: Office) -> None:
    office.refer()
    said = {
        "action": "start",
        "drug": "氯吡格雷",
        "dose": "75 mg",
        "frequency": "每日一次",
        "reason": "支架术后",
    }
    office.doctor.send(f"{office.resident}/record/medication", **said)
    text = office.nurse.text(office.resident)
    for words in ("在办 2 件", "在用的药 1 种", "李敏", "氯吡格雷"):
        assert words in text
    assert "支架术后" in office.nurse.text(office.resident, tab="medicines")


def test_a_disease_is_named_to_those_who_may_see_diagnoses(office: Office) -> None:
    said = {"kind": "disease", "title": "抑郁症", "code": "F32"}
    assert office.doctor.send(f"{office.resident}/record/condition", **said).status_code == 302
    for tab in ("timeline", "about"):
        assert "抑郁症" in office.doctor.text(office.resident, tab=tab)
        assert "抑郁症" not in office.social_worker.text(office.resident, tab=tab)
        assert "有诊断" in office.social_worker.text(office.resident, tab=tab)


def test_a_resident_costs_the_same_however_much_there_is(office: Office) -> None:
    office.refer("D12")
    office.doctor.open(office.resident)
    few = statements(lambda: office.doctor.open(office.resident))
    for reason in ("D03", "D04", "D05", "D16"):
        office.refer(reason)
    assert statements(lambda: office.doctor.open(office.resident)) == few <= 14


@pytest.mark.parametrize(
    "path",
    [
        "/residents/00000000-0000-7000-8000-000000000000",
        "/loops/00000000-0000-7000-8000-000000000000",
        "/nowhere",
    ],
)
def test_who_is_signed_in_is_refused_inside_the_frame(office: Office, path: str) -> None:
    answer = office.doctor.open(path)
    assert answer.status_code == 404
    assert 'class="rail"' in answer.content.decode()
    assert 'class="rail"' not in Client().get("/nowhere").content.decode()


def test_leave_that_is_coming_stands_on_the_team_page(office: Office) -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    rosters.take_leave(
        office.world.director, office.world.social_worker.staff_id, starts_at=soon, ends_at=soon + timedelta(days=2),
        substitute=office.world.nurse.staff_id, at=datetime.now(UTC),
    )  # fmt: skip
    text = office.doctor.text("/team")
    assert "两周内请假" in text
    assert "赵护士 代" in text


@pytest.mark.parametrize(("path", "most"), [("/duty", 10), ("/notices", 4), ("/board", 9), ("loop", 12)])
def test_a_page_costs_the_same_however_much_there_is(office: Office, path: str, most: int) -> None:
    page = f"/loops/{office.refer('D12')}" if path == "loop" else path
    for _ in range(2):
        office.director.open(page)
    few = statements(lambda: office.director.open(page))
    for reason in ("D03", "D04", "D05", "D16"):
        office.refer(reason)
    assert statements(lambda: office.director.open(page)) == few <= most


def test_the_ledger_narrows_by_state_and_age(office: Office) -> None:
    office.refer()
    assert office.director.open("/loops", status="requested").context["count"] == 1
    assert office.director.open("/loops", status="completed").context["count"] == 0
    assert office.director.open("/loops", age_from="3").context["count"] == 0
