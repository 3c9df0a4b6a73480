"""The 台账 as a workbook."""

from datetime import datetime
from io import BytesIO

import openpyxl
import pytest
from tests.rooms.care.world import World
from tests.rooms.insight.ledger import DAY, promised, served

from yishe.insight import ledger_export, workbooks
from yishe.people import actors, residents
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db


def rows(content: bytes) -> list[list[object]]:
    sheet = openpyxl.load_workbook(BytesIO(content)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_who_when_and_why_stand_on_top(world: World, now: datetime) -> None:
    promised(world, now - DAY)
    head = dict(
        tuple(row[:2])
        for row in rows(ledger_export.ledger_xlsx(world.director, {}, now, purpose="月度质控会"))[:7]
    )
    assert head["导出人"] == "周主任"
    assert str(head["导出时间"]).startswith("2026-03-02 09:00")
    assert head["用途"] == "月度质控会"
    assert head["行数"] == "1"


def test_a_row_tells_the_whole_story_with_a_masked_name(world: World, now: datetime) -> None:
    served(world, now - 30 * DAY, 8)
    found = rows(ledger_export.ledger_xlsx(world.director, {}, now, purpose="质控"))
    titles = next(row for row in found if row[0] == "编号")
    (row,) = found[found.index(titles) + 1 :]
    said = dict(zip(titles, row, strict=True))
    assert said["居民"] == "王＊兰"
    assert said["原因"].startswith("D12")
    assert (said["发起人"], said["办理人"]) == ("王医生", "李敏")
    assert said["团队"] == "德胜一队"
    assert said["确认"] == "发起人确认"
    assert said["回写结果"] == datetime(2026, 2, 8, 9, 0)  # noqa: DTZ001 - sheets know no zone


def test_the_filter_is_the_boards(world: World, now: datetime) -> None:
    served(world, now - 30 * DAY, 8)
    promised(world, now - 30 * DAY)
    for chosen, count in (
        ({"set": "open"}, "1"),
        ({"set": "served"}, "1"),
        ({}, "2"),
        ({"set": "missed"}, "1"),
    ):
        head = dict(
            tuple(row[:2])
            for row in rows(ledger_export.ledger_xlsx(world.director, chosen, now, purpose="核对"))[:7]
        )
        assert head["行数"] == count, chosen


def test_a_sensitive_reason_is_not_named(world: World, now: datetime) -> None:
    promised(world, now - DAY, reason="D01", sensitive=True)
    assert not any(
        "D01" in str(cell)
        for row in rows(ledger_export.ledger_xlsx(world.director, {}, now, purpose="核对"))
        for cell in row
    )


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_nothing_written_by_anybody_becomes_a_formula(world: World, now: datetime, evil: str) -> None:
    content = ledger_export.ledger_xlsx(world.director, {}, now, purpose=f"x{evil}")
    assert workbooks.safe(evil).startswith("'")
    sheet = openpyxl.load_workbook(
        BytesIO(ledger_export.ledger_xlsx(world.director, {}, now, purpose=evil))
    ).active
    assert sheet is not None
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert content.startswith(b"PK")


def test_an_export_leaves_one_access_line_with_everybody_in_it(world: World, now: datetime) -> None:
    other = residents.register(actors.SYSTEM, {"name": "赵建国"}, now, centre=world.centre.id)
    promised(world, now - DAY)
    promised(world, now - DAY)
    promised(world, now - DAY, subject=other.subject)
    ledger_export.ledger_xlsx(world.director, {}, now, purpose="质控")
    (line,) = AccessLine.objects.filter(action="loop.export")
    assert (line.purpose, line.actor) == ("质控", world.director.staff_id)
    assert set(line.subjects) == {str(world.resident.subject), str(other.subject)}


def test_an_export_without_a_purpose_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(Invalid):
        ledger_export.ledger_xlsx(world.director, {}, now, purpose=" ")


def test_members_and_strangers_do_not_export(world: World, now: datetime) -> None:
    promised(world, now - DAY)
    for person in (world.social_worker, world.nurse):
        with pytest.raises(Forbidden):
            ledger_export.ledger_xlsx(person, {}, now, purpose="核对")
    assert not AccessLine.objects.filter(action="loop.export").exists()


def test_an_unreadable_filter_is_refused(world: World, now: datetime) -> None:
    for chosen in (
        {"set": "all"},
        {"since": "yesterday"},
        {"team": "x"},
        {"age_from": "-1"},
        {"since": "9999-12-31", "until": "9999-12-31"},
    ):
        with pytest.raises(Invalid):
            ledger_export.ledger_xlsx(world.director, chosen, now, purpose="核对")
