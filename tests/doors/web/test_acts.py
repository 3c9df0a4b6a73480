"""Forms: what a press does, what a refusal says, and that nothing is done twice."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.doors.web.conftest import D2S, Office
from yishe.loops.models import Loop
from yishe.people import consents

pytestmark = pytest.mark.django_db


def test_a_referral_is_sent_from_its_form(office: Office) -> None:
    path = f"{office.resident}/refer/{D2S}/D12"
    assert "李敏" in office.doctor.text(path)
    answer = office.doctor.send(path, note="请评估社会支持", command_id=str(uuid4()))
    assert answer.status_code == 302
    assert Loop.objects.get().performer == office.world.social_worker.staff_id


def test_the_same_form_sent_twice_is_one_referral(office: Office) -> None:
    path, command = f"{office.resident}/refer/{D2S}/D12", str(uuid4())
    first, second = (office.doctor.send(path, note="请评估", command_id=command) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Loop.objects.count() == 1


def test_a_referral_without_words_comes_back_with_what_is_missing(office: Office) -> None:
    answer = office.doctor.send(f"{office.resident}/refer/{D2S}/D12", note="")
    assert answer.status_code == 422
    assert Loop.objects.count() == 0


def test_one_press_accepts(office: Office) -> None:
    loop = office.refer()
    assert office.social_worker.send(f"/loops/{loop}/accept", seq=1).status_code == 302
    assert Loop.objects.get().state == "accepted"


def test_it_is_not_for_others_to_accept(office: Office) -> None:
    loop = office.refer()
    for screen in (office.nurse, office.stranger, office.doctor):
        assert screen.send(f"/loops/{loop}/accept", seq=1).status_code == 403
    assert Loop.objects.get().state == "requested"


def test_who_comes_second_sees_what_the_first_did(office: Office) -> None:
    loop = office.refer()
    office.social_worker.send(f"/loops/{loop}/accept", seq=1)
    answer = office.social_worker.send(f"/loops/{loop}/accept", seq=1)
    assert answer.status_code == 409
    assert "李敏 接单" in answer.content.decode()


def test_a_refusal_names_the_reasons_and_keeps_what_was_written(office: Office) -> None:
    loop = office.refer()
    answer = office.social_worker.send(f"/loops/{loop}/decline", seq=1, note="应由民政所受理")
    assert answer.status_code == 422
    assert "应由民政所受理" in answer.content.decode()


def test_a_result_keeps_its_note_as_the_proof(office: Office) -> None:
    loop = office.refer()
    office.social_worker.send(f"/loops/{loop}/accept", seq=1)
    office.social_worker.send(f"/loops/{loop}/start", seq=2)
    written = {"outcome": "O2", "note": "入户一次", "evidence": ["service_note:new"]}
    assert office.social_worker.send(f"/loops/{loop}/complete", seq=3, **written).status_code == 302
    assert Loop.objects.get().state == "completed"
    assert "入户一次" in office.social_worker.text(office.resident)


def test_consent_is_asked_for_and_noted(office: Office) -> None:
    path = f"/loops/{office.refer()}"
    assert "待补同意" in office.social_worker.text(path)
    assert "可以不同意" in office.social_worker.text(f"{path}/consent")
    said = {
        "given_by": "resident",
        "how": "paper",
        "sha256": consents.text("service", datetime.now(UTC)).sha256,
    }
    assert office.social_worker.send(f"{path}/consent", **said).status_code == 302
    assert "待补同意" not in office.social_worker.text(path)


def test_a_medicine_is_changed_by_a_doctor_only(office: Office) -> None:
    path = f"{office.resident}/record/medication"
    said = {"action": "start", "drug": "氯吡格雷", "dose": "75 mg", "frequency": "每日一次"}
    assert office.nurse.send(path, **said).status_code == 403
    assert office.doctor.send(path, **said).status_code == 302
    assert "氯吡格雷" in office.nurse.text(office.resident, tab="medicines")


def test_an_impossible_value_is_asked_about(office: Office) -> None:
    answer = office.nurse.send(f"{office.resident}/record/observation", sbp="1420", dbp="88")
    assert answer.status_code == 422
    assert "超出可能的范围" in answer.content.decode()


def test_signing_in_says_what_is_wrong_and_leads_back(office: Office) -> None:
    office.doctor.client.logout()
    answer = office.doctor.send("/sign-in", username="nobody", password="wrong")
    assert answer.status_code == 401
    assert "账号或密码不对" in answer.content.decode()


def test_a_preference_stays_with_the_person(office: Office) -> None:
    office.doctor.send("/preferences", density="dense", next="https://elsewhere.example/")
    assert 'data-density="dense"' in office.doctor.text("/")
    assert 'data-density=""' in office.nurse.text("/")
