"""Rosters that nobody here had seen: odd codings, lost digits, other calendars, cells that formulas left behind."""

import csv
import io
from typing import Any

import pytest

from tests.fixtures.rosters.messy import number
from tests.rooms.people.conftest import World
from yishe.people import import_, import_cells
from yishe.people.import_report import Report
from yishe.people.particulars import Questioned, name
from yishe.policy.refusals import Refused

HEADER = ["姓名", "身份证号", "联系电话"]
ZHANG = ["张小满", number("19500101", 7), "13800138000"]
LI = ["李白露", number("19500102", 8), "13800138001"]


def text(*rows: list[str], delimiter: str = ",") -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue()


def taken(world: World, content: bytes, **more: Any) -> Report:
    return import_.run(world.actor("gong"), content, at=world.now, **more)


def reasons(report: Report) -> list[str]:
    return [str(one["reason"]) for one in report.problems]


@pytest.mark.parametrize(
    "coding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"]
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_a_text_is_read_in_whatever_coding_it_was_saved(world: World, coding: str, delimiter: str) -> None:
    report = taken(world, text(HEADER, ZHANG, LI, delimiter=delimiter).encode(coding))

    assert (report.rows, report.created) == (2, 2)


def test_spoilt_bytes_spoil_their_own_row_only(world: World) -> None:
    utf8, gbk = text(HEADER, ZHANG).encode(), text(LI).encode("gbk")

    report = taken(world, utf8 + gbk)

    assert (report.rows, report.created, report.rejected) == (2, 1, 1)
    assert "乱码" in reasons(report)[0]


def test_a_line_that_cannot_be_read_is_named(world: World) -> None:
    with pytest.raises(Refused, match="第 2 行"):
        taken(world, (text(HEADER) + '"' + "长" * 200_000).encode())


def test_a_header_without_people_is_no_roster(world: World) -> None:
    with pytest.raises(Refused) as refused:
        taken(world, text(HEADER, ["合计", "0", ""]).encode())

    assert refused.value.code == "no_rows"


def test_numbers_that_went_through_a_spreadsheet_are_never_guessed(world: World) -> None:
    """Rounded to fifteen digits, one in eleven passes its check all the same."""
    people = [number(f"1950{month:02d}01", 100 + month) for month in range(1, 13)]
    rows = [[f"陈{chr(0x4E00 + n)}", one[:15] + "000", ""] for n, one in enumerate(people)]

    report = taken(world, text(HEADER, *rows).encode())

    assert report.rejected == report.rows == 12
    assert all("末几位已丢失" in one for one in reasons(report))


def test_one_number_that_happens_to_end_so_is_taken(world: World) -> None:
    lucky = next(n for order in range(100, 1000, 100) for day in range(1, 29)
                 if (n := number(f"195101{day:02d}", order)).endswith("000"))  # fmt: skip

    report = taken(world, text(HEADER, ["孙立夏", lucky, ""], ZHANG, LI).encode())

    assert report.created == 3


@pytest.mark.parametrize(
    "written",
    [
        "1950-03-05 农历",
        "1950-3-5（阴历）",
        "农历1950年正月初八",
        "民国39年3月5日",
        "1950-03-05 前后",
        "1950-03",
    ],
)
def test_another_calendar_or_half_a_date_is_questioned(written: str) -> None:
    with pytest.raises(Questioned):
        import_cells.day(written, "birth_date", "出生日期")


@pytest.mark.parametrize(
    "written", ["1950·3·5", "1950、3、5", "1950.03.05.", "1950-03-05T08:30:00+08:00", "1950年3月5号"]
)
def test_more_ways_of_writing_a_day(written: str) -> None:
    assert str(import_cells.day(written, "birth_date", "出生日期")) == "1950-03-05"


@pytest.mark.parametrize("dot", "·•・‧∙⋅.")
def test_the_dot_in_a_name_is_one_dot(dot: str) -> None:
    assert name(f"阿依古丽{dot}买买提") == "阿依古丽·买买提"


@pytest.mark.parametrize("written", ["㑇小明", "𠮷田明", "李〇", "Jean-Luc"])
def test_rare_characters_are_names(written: str) -> None:
    assert name(written) == written


@pytest.mark.parametrize("written", ["-", "·", "...", "100", "张三*"])
def test_what_has_no_letter_is_no_name(written: str) -> None:
    with pytest.raises(Questioned):
        name(written)


def test_what_a_formula_left_behind_is_no_name() -> None:
    assert import_cells.named(True) == ""
