"""签约 in four steps and one item ticked off. 王医生 and 赵护士 are her team, 李敏 its social worker, 钱医生 a stranger."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office, Screen
from yishe.care import rebuild
from yishe.care.models import Contract, Owed
from yishe.people import directory, residents
from yishe.people.actors import SYSTEM
from yishe.people.models import Organisation

pytestmark = pytest.mark.django_db
NAMES = {"signer": "resident", "resident_name": "王秀兰", "staff_name": "王医生"}


@pytest.fixture
def her(office: Office) -> str:
    # 75 in whatever year this runs: at 80 she is owed more.
    said = {"birth_date": date(datetime.now(UTC).year - 75, 1, 5), "traits": ("hypertension",)}
    residents.amend(SYSTEM, office.world.resident.resident, said, datetime.now(UTC))
    return office.resident


def signed(screen: Screen, her: str, package: str = "basic") -> str:
    assert screen.send(f"{her}/contract", way="home", known="on")["Location"].endswith("package?way=home")
    review = screen.send(f"{her}/contract/package", package=package, way="home")["Location"]
    sign = screen.send(review, findings="血压尚可，适合基础包")["Location"]
    answer = screen.send(sign, **NAMES, resident_path="M10 10 L20 30 ")
    assert answer["Location"] == f"{her}?tab=contract", answer.content.decode()
    return sign.rsplit("/", 1)[0]


def test_four_steps_at_home_and_the_year_stands_on_her_page(office: Office, her: str) -> None:
    assert "还没有签约" in office.doctor.text(her, tab="contract")
    first = office.doctor.text(f"{her}/contract")
    assert "第 1 步，共 4 步" in first
    contract = signed(office.doctor, her)

    shown = office.doctor.text(her, tab="contract")
    assert "本年应有 <b>7</b> 项 · 已做 <b>0</b>" in shown
    assert "高血压患者每年至少 4 次面对面随访" in shown
    pdf = office.doctor.open(f"{contract}/agreement")
    assert (pdf["Content-Type"], pdf.content[:4]) == ("application/pdf", b"%PDF")
    assert office.stranger.open(f"{contract}/agreement").status_code == 403


def test_a_step_that_lacks_something_says_so_and_keeps_what_was_typed(office: Office, her: str) -> None:
    unchecked = office.doctor.send(f"{her}/contract", way="home")
    assert (unchecked.status_code, "请填写“已核对本人身份" in unchecked.content.decode()) == (422, True)
    review = office.nurse.send(f"{her}/contract/package", package="basic", way="home")["Location"]
    assert "适合所选服务包" in office.nurse.text(review)
    assert office.nurse.open(review.replace("review", "sign")).status_code == 200
    sign = office.nurse.send(review, findings="可签")["Location"]
    shown = office.nurse.text(sign)
    assert "不自动续签" in shown
    assert "高血压随访" in shown
    forged = office.nurse.send(sign, **NAMES, resident_path="<script>")
    assert (forged.status_code, "读不出来" in forged.content.decode()) == (422, True)
    unseen = office.nurse.send(sign, **{**NAMES, "staff_name": "\u202e"})
    assert (unseen.status_code, "看不见的字符" in unseen.content.decode()) == (422, True)
    assert Contract.objects.get().signed_at is None


def test_for_a_child_the_guardian_is_asked_to_sign(office: Office, her: str) -> None:
    residents.amend(
        SYSTEM, office.world.resident.resident, {"birth_date": datetime.now(UTC).date() - timedelta(days=600)}, datetime.now(UTC)
    )  # fmt: skip
    review = office.doctor.send(f"{her}/contract/package", package="basic", way="home")["Location"]
    sign = office.doctor.send(review, findings="可签")["Location"]
    (guardian,) = re.findall(r'<input[^>]*value="guardian"[^>]*>', office.doctor.text(sign))
    assert "checked" in guardian
    assert office.doctor.send(sign, **NAMES).status_code == 422
    assert office.doctor.send(sign, **{**NAMES, "signer": "guardian"}).status_code == 302


def test_one_contact_is_ticked_off_and_a_second_says_from_when_on(office: Office, her: str) -> None:
    signed(office.doctor, her)
    form = office.nurse.text(f"{her}/keep")
    assert "高血压随访（第 1/4 次" in form
    given = {"services": ["htn_followup"], "how": "2", "summary": "家访，136/82"}
    assert office.nurse.send(f"{her}/keep", **given).status_code == 302
    shown = office.nurse.text(her, tab="contract")
    assert "已做 <b>2</b>" in shown
    assert "赵护士" in shown
    by_phone = office.nurse.send(f"{her}/keep", services=["annual_exam"], how="3", summary="电话")
    assert (by_phone.status_code, "才算数" in by_phone.content.decode()) == (422, True)
    for stranger in (office.social_worker, office.stranger):
        assert stranger.send(f"{her}/keep", **given).status_code == 403
    assert Owed.objects.exclude(kept_on=None).count() == 2


def test_the_social_worker_ticks_off_her_own_share_and_is_offered_nothing_else(
    office: Office, her: str
) -> None:
    signed(office.doctor, her, package="support")
    shown = office.social_worker.text(her, tab="contract")
    assert "现在由您做的 2 项" in shown
    assert "记一次履约" in shown
    form = office.social_worker.text(f"{her}/keep")
    assert "社工会谈与支持（第 1/12 次" in form
    assert "健康评估（" not in form
    assert "社工会谈与支持（" not in office.nurse.text(f"{her}/keep")
    given = {"services": ["social_support"], "how": "3", "summary": "电话里谈了近况"}
    assert office.doctor.send(f"{her}/keep", **given).status_code == 422, "it is not offered to him"
    assert office.stranger.send(f"{her}/keep", **given).status_code == 403
    assert office.social_worker.send(f"{her}/keep", **given).status_code == 302
    shown = office.nurse.text("/year", set="open", duty="social_worker")
    assert "社会心理评估" in shown
    assert "健康评估" not in shown
    assert "王秀兰" in office.social_worker.text("/panel", duty="social_worker")
    assert "医务社工" in office.director.text("/workload")


def test_ended_it_stands_below_with_its_reason(office: Office, her: str) -> None:
    contract = signed(office.doctor, her)
    assert office.social_worker.open(f"{contract}/end").status_code == 403
    assert office.doctor.send(f"{contract}/end", reason="asked", words="搬家").status_code == 302
    assert "已结束：本人主动解约" in office.doctor.text(her, tab="contract")


def test_another_team_takes_over_by_who_leads_and_by_nobody_else(office: Office, her: str) -> None:
    contract = signed(office.doctor, her)
    second = Organisation.objects.create(level="team", code="t9", name="德胜二队", parent=office.world.centre)
    directory.bump()
    assert office.nurse.open(f"{contract}/team").status_code == 403
    assert "德胜二队" in office.director.text(f"{contract}/team")
    assert office.director.send(f"{contract}/team", team=str(second.id)).status_code == 302
    assert "德胜二队" in office.director.text(her, tab="contract")
    assert rebuild.differences() == []


def test_the_team_sees_numerator_denominator_and_the_lines(office: Office, her: str) -> None:
    signed(office.doctor, her)
    Owed.objects.filter(service="htn_followup", nth=1).update(due=datetime.now(UTC) - timedelta(days=2))
    shown = office.doctor.text("/year", set="overdue")
    assert "到期应做 1 项，按时做了 0 项" in shown
    assert "王秀兰" in shown
    assert "王秀兰" not in office.stranger.text("/year", set="overdue")
    assert office.doctor.open("/year", set="gold").status_code == 422


def test_what_shames_is_owed_without_being_named_to_who_sees_no_diagnosis(office: Office, her: str) -> None:
    residents.amend(SYSTEM, office.world.resident.resident, {"traits": ("smi",)}, datetime.now(UTC))
    signed(office.doctor, her)
    assert "精神障碍随访" in office.doctor.text(her, tab="contract")
    shown = office.social_worker.text(her, tab="contract")
    assert "敏感项目" in shown
    assert "精神障碍" not in shown.split('id="tab"')[1]
    assert "精神障碍" not in office.doctor.text("/year", set="open")


def test_what_the_coming_months_ask_for_is_told_with_the_rules_behind_each_number(
    office: Office, her: str
) -> None:
    assert "还没有在期的签约" in office.doctor.text("/workload")
    signed(office.doctor, her)

    shown = office.doctor.text("/workload")
    assert "1 份签约，今后 12 个月要联系居民 5 次" in shown
    month, duty = re.findall(r"month=(\d{4}-\d\d)&amp;duty=(nurse)[^>]*>1<", shown)[0]
    behind = office.doctor.text("/workload", month=month, duty=duty)
    assert "高血压患者每年至少 4 次面对面随访 <b>1</b>" in behind
    assert "若启用全部草案" in office.doctor.text("/workload", drafts="on", month="never", duty="gold")
    assert "0 份" not in office.doctor.text("/workload", drafts="on")
