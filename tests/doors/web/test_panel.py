"""The page 我的名册. 王医生 answers for 王秀兰, 钱医生 for nobody here."""

from datetime import UTC, date, datetime

import pytest

from tests.doors.web.conftest import Office, statements
from yishe.people import residents
from yishe.people.actors import SYSTEM
from yishe.trust.models import AccessLine

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
