"""指标: numbers with their words for who reads reports; names only for who may read them; each look leaves its line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.doors.web.conftest import Office
from yishe.insight.indicator_reading import folder
from yishe.insight.models import IndicatorSnapshot, IndicatorValue
from yishe.people.actors import Actor
from yishe.people.models import Staff
from yishe.trust import accounts, ids
from yishe.trust.models import AccessLine, Account

pytestmark = pytest.mark.django_db


def account_of(who: Actor) -> Account:
    return Account.objects.get(id=Staff.objects.get(id=who.staff_id).account_id)


@pytest.fixture
def counted(office: Office, settings: Any, tmp_path: Path) -> Office:
    """王秀兰 is in the denominator of the coverage and has no contract; before, half of four had one."""
    settings.HOME = tmp_path
    now, world = datetime.now(UTC), office.world
    centre, team, person = (
        world.centre.id,
        world.team.id,
        world.resident.subject,
    )
    for quarter, pair in (("2026Q3", (0, 1)), ("2026Q2", (2, 4))):
        kept = IndicatorSnapshot.objects.create(
            id=ids.new(), quarter=quarter, pack="0" * 64, exported_at=now, taken_at=now
        )
        top, bottom = pair
        IndicatorValue.objects.create(
            snapshot=kept,
            code="coverage",
            version=1,
            centre=centre,
            team=team,
            numerator=top,
            denominator=bottom,
        )
        folder(kept.id).mkdir(parents=True)
        row = {"centre": centre.hex, "team": team.hex, "person": person.hex, "hit": False}
        parquet.write_table(pa.Table.from_pylist([row]), folder(kept.id) / "coverage.parquet")
    return office


def test_a_number_stands_with_its_words_its_change_and_its_source(counted: Office) -> None:
    page = counted.doctor.text("/indicators")
    for words in (
        "签约覆盖率",
        "0 / 1&nbsp;人",
        "其中季度末有在期签约的",
        "数少，不比较",
        "2026 年第 3 季度",
        "定义第 1 版",
    ):
        assert words in page
    assert "2 / 4&nbsp;人" in counted.doctor.text("/indicators", quarter="2026Q2")
    assert "王秀兰" not in page
    assert "没有可算的" in counted.stranger.text("/indicators")


def test_the_list_behind_a_number_is_for_who_may_read_them_and_leaves_a_line(counted: Office) -> None:
    asked = {"quarter": "2026Q3", "side": "rest"}
    for reader, seen in ((counted.doctor, True), (counted.director, True), (counted.stranger, False)):
        before = AccessLine.objects.filter(action="read.indicator").count()
        assert ("王秀兰" in reader.text("/indicators/coverage", **asked)) is seen
        assert AccessLine.objects.filter(action="read.indicator").count() - before == seen
    assert counted.stranger.open("/indicators/coverage", team=counted.world.team.id).status_code == 403
    assert "王秀兰" not in counted.doctor.text("/indicators/coverage", quarter="2026Q3", side="numerator")


def test_what_cannot_be_read_is_refused_in_words(counted: Office) -> None:
    for path, asked in (
        ("/indicators", {"quarter": "2026"}),
        ("/indicators/nothing", {}),
        ("/indicators/coverage", {"side": "x"}),
    ):
        answer = counted.doctor.open(path, **asked)
        assert answer.status_code == 422
        assert "<h1" in answer.content.decode()


def test_without_a_snapshot_the_page_says_what_to_do(office: Office) -> None:
    assert "yishe analytics snapshot" in office.doctor.text("/indicators")


def test_the_numbers_are_taken_out_as_a_workbook_for_a_purpose(counted: Office) -> None:
    answer = counted.director.send("/indicators/export", purpose="季度质控会", quarter="2026Q3")
    assert (answer.status_code, answer.content[:2]) == (200, b"PK")
    assert counted.director.send("/indicators/export", purpose="").status_code == 422


def test_the_api_says_the_same_with_names_for_the_same_people(counted: Office) -> None:
    now = datetime.now(UTC)
    told = {}
    for who, screen in ((counted.world.doctor, counted.doctor), (counted.world.stranger, counted.stranger)):
        headers = {"Authorization": f"Bearer {accounts.issue_token(account_of(who), 'test', now)}"}
        got = screen.client.get("/api/v1/indicators", headers=headers).json()
        (one,) = [row for row in got["indicators"] if row["code"] == "coverage"]
        behind = screen.client.get("/api/v1/indicators/coverage/residents", headers=headers).json()
        told[who.name] = (one["numerator"], one["denominator"], [row["name"] for row in behind["residents"]])
    assert told == {"王医生": (0, 1, ["王秀兰"]), "钱医生": (0, 0, [])}
