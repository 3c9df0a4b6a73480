"""同意与权利 at the desk: consents as forms, and who looked. 李敏 and 王医生 are her team, 钱医生 is a stranger."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.doors.web.conftest import Office
from yishe.doors.web import import_desk
from yishe.loops.models import Loop
from yishe.people import consents
from yishe.people.models import Consent
from yishe.people.own_models import CopyTicket
from yishe.trust import sealed_files

pytestmark = pytest.mark.django_db
DAUGHTER = {
    "relative_name": "王小梅", "relative_phone": "13700137000", "kinship": "3", "scope": ["loops", "medicines"],
    "given_by": "resident", "how": "paper",
}  # fmt: skip


def said(basis: str, **more: Any) -> dict[str, Any]:
    return {"sha256": consents.text(basis, datetime.now(UTC)).sha256, **more}


def test_the_text_is_read_first_and_the_yes_stands_on_the_page(office: Office) -> None:
    path = f"{office.resident}/rights"
    assert "没有生效中的同意" in office.social_worker.text(path)
    assert "看不到没有勾选的内容" in office.social_worker.text(f"{path}/consents/relative")

    assert (
        office.social_worker.send(f"{path}/consents/relative", **said("relative", **DAUGHTER)).status_code
        == 302
    )

    shown = office.social_worker.text(path)
    assert "王小梅（女）" in shown
    assert "答应您的事办到哪一步、在用的药" in shown
    assert "李敏 登记" in shown


def test_what_is_missing_is_said_in_the_form_and_what_was_typed_stays(office: Office) -> None:
    path = f"{office.resident}/rights/consents/relative"
    answer = office.social_worker.send(path, **said("relative", **{**DAUGHTER, "relative_phone": "12"}))
    assert answer.status_code == 422
    assert "不是 11 位手机号" in answer.content.decode()
    assert "王小梅" in answer.content.decode()
    forged = office.social_worker.send(path, **said("relative", **{**DAUGHTER, "scope": ["diagnosis"]}))
    assert forged.status_code == 422


def test_a_text_that_changed_meanwhile_is_shown_anew(office: Office) -> None:
    path = f"{office.resident}/rights/consents/service"
    answer = office.social_worker.send(path, given_by="resident", how="paper", sha256="0" * 64)
    assert answer.status_code == 409
    assert "重新读一遍" in answer.content.decode()
    assert consents.text("service", datetime.now(UTC)).sha256 in answer.content.decode()


def test_taken_back_it_moves_below_with_its_reason(office: Office) -> None:
    path = f"{office.resident}/rights"
    office.doctor.send(f"{path}/consents/relative", **said("relative", **DAUGHTER))
    back = f"{path}/consents/{Consent.objects.get().id}/withdraw"
    assert "对方打开着的页面会马上关闭" in office.doctor.text(back)

    assert office.doctor.send(back, reason="trust", by="resident").status_code == 302

    shown = office.doctor.text(path)
    assert "没有生效中的同意" in shown
    assert "不再信任对方" in shown
    assert office.doctor.send(back, reason="trust", by="resident").status_code == 409


def test_a_stranger_and_a_colleague_without_the_duty_may_not(office: Office) -> None:
    path = f"{office.resident}/rights"
    for wanted in (path, f"{path}/looked", f"{path}/consents/service"):
        assert office.stranger.open(wanted).status_code == 403
    given = said("service", given_by="resident", how="paper")
    assert office.stranger.send(f"{path}/consents/service", **given).status_code == 403
    assert not Consent.objects.exists()


def test_an_unknown_matter_is_said_to_be_unknown(office: Office) -> None:
    answer = office.social_worker.open(f"{office.resident}/rights/consents/goodwill")
    assert answer.status_code == 422
    assert "没有“goodwill”这种同意" in answer.content.decode()


def test_who_looked_is_told_by_name_duty_and_reason(office: Office) -> None:
    for _ in range(3):
        office.nurse.text(office.resident)
    office.doctor.text(office.resident, tab="about")

    shown = office.social_worker.text(f"{office.resident}/rights/looked")

    assert "赵护士" in shown
    assert "护士" in shown
    assert "查看您的记录" in shown
    assert "查看您的基本资料" in shown
    assert "签约团队" in shown
    assert "没有获准" not in shown
    office.stranger.open(office.resident)
    tried = office.social_worker.text(f"{office.resident}/rights/looked")
    assert "没有获准，没看到" in tried
    assert "钱医生" in tried
    assert office.social_worker.open(f"{office.resident}/rights/looked", until="yesterday").status_code == 422


def test_an_erasure_is_reviewed_by_somebody_else_and_answered_in_words(office: Office) -> None:
    path = f"{office.resident}/rights"
    assert "删除申请" in office.social_worker.text(path)
    sent = office.social_worker.send(f"{office.resident}/refer/rights.erasure/-", note="不想再被联系")
    loop = sent.headers["Location"]
    for verb in ("accept", "start"):
        office.director.send(f"{loop}/{verb}", seq=Loop.objects.get().seq)
    assert "审核并删除" in office.director.text(loop)
    assert "审核并删除" not in office.social_worker.text(loop)
    assert office.stranger.open(f"{loop}/erase").status_code == 403
    assert office.social_worker.send(f"{loop}/erase", seq=3).status_code == 403
    assert "批准并删除，不能恢复" in office.director.text(f"{loop}/erase")

    answer = office.director.send(f"{loop}/erase", seq=Loop.objects.get().seq)

    assert answer.status_code == 200
    assert "已删除，无法恢复" in answer.content.decode()
    assert office.director.open(office.resident).status_code == 404
    assert "王秀兰" not in office.director.text(loop)
    assert office.director.send(f"{loop}/erase", seq=3).status_code == 200
    assert office.director.open(f"{loop}/erase").status_code == 409
    for screen in (office.director, office.social_worker, office.doctor):
        for wanted in ("/", "/residents", "/notices", "/loops", "/loops?set=closed"):
            assert "王秀兰" not in screen.text(wanted)


def test_a_correction_is_taken_down_with_its_reason(office: Office) -> None:
    assert "更正申请：身份与联系方式有误" in office.doctor.text(f"{office.resident}/rights")


def test_a_copy_is_asked_for_and_fetched_once_in_each_form(office: Office) -> None:
    path = f"{office.resident}/rights"
    assert office.doctor.send(f"{path}/copies").status_code == 302
    assert "取 PDF" in office.doctor.text(path)
    fetch = f"{path}/copies/{CopyTicket.objects.get().id}"

    pdf, plain = office.doctor.send(f"{fetch}/pdf"), office.doctor.send(f"{fetch}/json")

    assert pdf.content.startswith(b"%PDF-")
    assert plain.json()["particulars"]["name"] == "王秀兰"
    assert office.doctor.send(f"{fetch}/json").status_code == 409
    assert office.stranger.send(f"{fetch}/pdf").status_code == 403
    assert office.doctor.open(f"{fetch}/pdf").status_code == 405
    assert office.doctor.send(f"{fetch}/exe").status_code == 404
    assert "取 PDF" not in office.doctor.text(path)


def test_rosters_lying_about_go_with_an_erasure_but_for_the_one_being_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "HOME", tmp_path)
    for name, state in (("a" * 32, "done"), ("b" * 32, "running")):
        import_desk._note(import_desk.Job(name, "staff", "名册.xlsx", state=state))
        sealed_files.write(import_desk._path(name, import_desk.RESULT), b"PK")
    import_desk.forget()
    assert {one.name.split(".")[0] for one in import_desk._folder().iterdir()} == {"b" * 32}
