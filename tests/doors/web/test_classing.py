"""分类 at the doors: 王医生 sees the class, why, and corrects it; 李敏 sees no diagnosis; 钱医生 is a stranger."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office
from yishe.care import conditions
from yishe.care.class_models import ClassOf

pytestmark = pytest.mark.django_db


@pytest.fixture
def ill(office: Office) -> Office:
    conditions.record(
        office.world.nurse, office.world.resident.resident, kind="disease", title="高血压", at=datetime.now(UTC),
        command_id="htn",
    )  # fmt: skip
    return office


def until(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def test_class_and_reasons_stand_on_one_tab_cut_to_the_reader(ill: Office) -> None:
    text = ill.doctor.text(ill.resident, tab="class")
    assert "慢病" in text
    assert "有在管慢性病" in text
    assert "没有出生日期" in text
    told = ill.social_worker.text(ill.resident, tab="class")
    assert "慢病" in told
    assert "有在管慢性病" not in told
    assert "另有 1 条依据由医护查看" in told
    assert ill.stranger.open(ill.resident, tab="class").status_code == 403


def test_the_doctor_corrects_by_the_form_and_takes_it_back(ill: Office) -> None:
    form = f"{ill.resident}/class/correct"
    assert "更正的原因" in ill.doctor.text(form)
    assert "已经过了" in _said(ill, form, social="high", reason="temporary", until=until(-1))
    assert "都不改就不用更正" in _said(ill, form, reason="temporary", until=until(30))
    answer = ill.doctor.send(form, social="high", reason="temporary", until=until(30), words="老伴住院")
    assert answer.status_code == 302, answer.content.decode()
    text = ill.doctor.text(ill.resident, tab="class")
    assert "老伴住院" in text
    assert "到期前提醒复核" in text
    assert ill.nurse.send(form, social="low", reason="temporary", until=until(30)).status_code == 403
    assert ill.doctor.send(f"{ill.resident}/class/uncorrect").status_code == 302
    assert "老伴住院" not in ill.doctor.text(ill.resident, tab="class")
    assert ClassOf.objects.get().until is None


def _said(office: Office, form: str, **said: str) -> str:
    answer = office.doctor.send(form, **said)
    assert answer.status_code == 422
    return str(answer.content.decode())
