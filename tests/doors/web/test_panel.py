"""The page 我的名册. 王医生 answers for 王秀兰, 钱医生 for nobody here."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.doors.web.conftest import Office, statements
from tests.rooms.care.test_contracts import signed
from yishe.care import owed_together
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import SYSTEM
from yishe.trust.models import AccessLine, Entry

pytestmark = pytest.mark.django_db


def test_the_page_names_whom_it_shows_and_leaves_one_line_for_them(office: Office) -> None:
    said = {"birth_date": date(1947, 1, 5), "traits": ("hypertension",), "phone": "13800001234"}
    residents.amend(SYSTEM, office.world.resident.resident, said, datetime.now(UTC))
    before = office.looks()
    shown = office.doctor.text("/panel", trait="hypertension", aged_from="65")
    assert ("王秀兰" in shown, "没有签约" in shown, "…1234" in shown, "13800001234" in shown) == (
        True,
        True,
        True,
        False,
    )
    line = AccessLine.objects.order_by("-at", "-id")[0]
    assert (office.looks() - before, line.action, line.purpose) == (
        1, "read.panel", "set=all&trait=hypertension&aged_from=65",
    )  # fmt: skip
    assert "王秀兰" not in office.stranger.text("/panel")
    assert statements(lambda: office.doctor.open("/panel")) <= 16


def test_a_filter_that_cannot_be_read_says_so_and_narrows_nothing(office: Office) -> None:
    shown = office.doctor.text("/panel", aged_from="-1", quiet_since="2024/13/45", trait="smi")
    assert shown.count('role="alert"') >= 3
    assert "王秀兰" in shown


def test_what_cannot_be_read_widens_neither_a_workbook_nor_what_is_done_to_everyone(office: Office) -> None:
    assert "1900 年以后" in office.doctor.text("/panel", quiet_since="0001-01-01")
    asked = [
        ("/panel/export", {}),
        ("/panel/followups", {}),
        ("/panel/batch", {"deed": "remind", "everyone": "1"}),
    ]
    for path, given in asked:
        for wrong in ({"quiet_since": "0001-01-01"}, {"aged_from": "六十五"}, {"trait": "gold"}):
            answer = office.director.send(path, **given, **wrong, purpose="核对")
            assert (answer.status_code, "读不懂，没有办" in answer.content.decode()) == (422, True), path


def test_several_are_chosen_looked_at_and_acted_on_with_what_became_of_each(office: Office) -> None:
    her, now = office.world.resident.resident, datetime.now(UTC)
    residents.amend(SYSTEM, her, {"birth_date": date(1947, 1, 5), "traits": ("hypertension",)}, now)
    signed(office.world, her, now)
    unsigned = office.world.another("李未签", now).resident
    given = {"deed": "plan", "residents": [str(her), str(unsigned)], "command_id": "p"}
    asked = office.nurse.send("/panel/batch", **given).content.decode()
    assert ("王秀兰" in asked, "约在哪天" in asked) == (True, True)
    past = office.nurse.send("/panel/batch", **given, step="go", day="2020-01-01", way="3")
    assert (past.status_code, "已经过去" in past.content.decode()) == (422, True)
    said = {"day": f"{now + timedelta(days=5):%Y-%m-%d}", "way": "3"}
    preview = office.nurse.send("/panel/batch", **given, **said, step="preview").content.decode()
    assert ("会办 " in preview, owed_together.NOTHING in preview) == (True, True)
    assert not Entry.objects.filter(kind="noted").exists()
    for _ in range(2):
        done = office.nurse.send("/panel/batch", **given, **said, step="go").content.decode()
        assert ("办了 " in done, owed_together.NOTHING in done) == (True, True)
    hers = Loop.objects.filter(kind="contract.item", performer=office.world.nurse.staff_id)
    noted = Entry.objects.filter(kind="noted").values_list("stream", flat=True)
    assert sorted(noted) == sorted(hers.values_list("id", flat=True)), "what others do is theirs to date"
    whole = office.nurse.send("/panel/batch", deed="remind", everyone="1", trait="hypertension")
    assert ("王秀兰" in whole.content.decode(), "李未签" in whole.content.decode()) == (True, False)


def test_a_stranger_acts_on_nobody_here_and_slips_name_nobody_in_full(office: Office) -> None:
    her, now = office.world.resident.resident, datetime.now(UTC)
    residents.amend(SYSTEM, her, {"birth_date": date(1947, 1, 5), "traits": ("smi",)}, now)
    signed(office.world, her, now)
    given = {"residents": str(her), "command_id": "s"}
    told = office.stranger.send("/panel/batch", **given, deed="remind").content.decode()
    assert ("王秀兰" in told, "1 位不在您的名册里" in told) == (False, True)
    assert (
        "王秀兰"
        not in office.stranger.send("/panel/batch", **given, deed="remind", step="go").content.decode()
    )
    assert not Entry.objects.filter(kind="noted").exists()
    slips = office.doctor.send("/panel/batch", **given, deed="print").content.decode()
    assert ("王＊兰" in slips, "健康评估" in slips, "精神" in slips, "打印签约协议" in slips) == (
        True, True, False, True,
    )  # fmt: skip
    assert office.doctor.send("/panel/batch", **given, deed="dance").status_code == 422
    assert office.doctor.send("/panel/batch", deed="remind").status_code == 422
