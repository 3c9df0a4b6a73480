"""分类 at the doors: 王医生 sees the class, why, and corrects it; 李敏 sees no diagnosis; 钱医生 is a stranger."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office
from yishe.care import class_rounds, conditions, timeline
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


def test_class_and_tiers_stand_at_a_glance_and_each_change_is_a_line_of_the_story(ill: Office) -> None:
    assert "还没有判定" in ill.doctor.text(ill.resident)
    class_rounds.keep_up(datetime.now(UTC))
    said = {"social": "high", "reason": "temporary", "until": until(30)}
    assert ill.doctor.send(f"{ill.resident}/class/correct", **said).status_code == 302
    text = ill.nurse.text(ill.resident)
    for words in (
        "分类：慢病 · 医疗中 · 社会低", "医生更正分类：慢病 · 医疗中 · 社会高", "暂时情况", "分类与分级", "医生更正",
    ):  # fmt: skip
        assert words in text, words
    assert ill.doctor.send(f"{ill.resident}/class/uncorrect").status_code == 302
    shown = timeline.page(
        ill.world.doctor, ill.world.resident.resident, at=datetime.now(UTC), kinds=("class",), limit=2
    )
    assert [one.title.partition("：")[0] for one in shown.items] == ["更正结束，按规则分类", "医生更正分类"]
    rest = timeline.page(
        ill.world.doctor,
        ill.world.resident.resident,
        at=datetime.now(UTC),
        kinds=("class",),
        cursor=shown.next,
    )
    assert [(one.author_name, one.text) for one in rest.items] == [("系统", "")]


def test_the_list_of_residents_is_narrowed_by_class_and_tier(ill: Office) -> None:
    class_rounds.keep_up(datetime.now(UTC))
    ill.world.another("李健康", datetime.now(UTC))
    assert "慢病 · 医疗中" in ill.doctor.text("/residents")
    chronic = ill.doctor.text("/residents", resident_class="chronic", medical="medium")
    assert ("王秀兰" in chronic, "李健康" in chronic) == (True, False)
    assert "没有符合的居民" in ill.doctor.text("/residents", resident_class="key")
    assert "王秀兰" not in ill.stranger.text("/residents", resident_class="chronic")
    answer = ill.doctor.send("/residents", q="王秀兰", resident_class="key")
    found = ill.doctor.client.get(answer["Location"]).content.decode()
    assert "没有符合的居民" in found
    assert 'name="s"' in found
    assert "李健康" in ill.doctor.text("/residents", resident_class="nonsense")


def _said(office: Office, form: str, **said: str) -> str:
    answer = office.doctor.send(form, **said)
    assert answer.status_code == 422
    return str(answer.content.decode())
