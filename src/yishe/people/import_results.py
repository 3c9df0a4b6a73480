"""The result workbook: every row as it came, with its outcome and what to do. Nothing in it can run as a formula."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import xlsxwriter

from yishe.people.import_cells import text
from yishe.people.import_report import TITLES, Done, Report

_HEADINGS = ("原表行号", "结果", "有问题的列", "原因与办法")
_COLOURS = {"rejected": "#F9DEDC", "held": "#FFF1CC", "created": "#E3F4E8", "updated": "#E2EEFB"}


def write(report: Report, to: Path | BinaryIO, stamp: Sequence[tuple[str, str]] = ()) -> None:
    """Write the workbook of one run, a sheet for each sheet of the file and a first one with the counts. Built in
    memory: a half-built one lies on no disk. `stamp` says who takes it out, when and why."""
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    out = str(to) if isinstance(to, Path) else to
    with xlsxwriter.Workbook(out, {**options, "strings_to_numbers": False}) as book:
        _summary(book, report, stamp)
        by_sheet: dict[str, list[Done]] = {sheet: [] for sheet in report.titles}
        for one in report.in_order():
            by_sheet[one.line.sheet].append(one)
        for number, (sheet, rows) in enumerate(by_sheet.items(), 1):
            _sheet(book, report, sheet, number, rows)


def _summary(book: Any, report: Report, stamp: Sequence[tuple[str, str]]) -> None:
    sheet = book.add_worksheet("导入结果")
    sheet.set_column(0, 0, 14)
    sheet.write_string(0, 0, "文件")
    sheet.write_string(0, 1, report.file_name)
    sheet.write_string(1, 0, "方式")
    sheet.write_string(1, 1, "预览（未写入）" if report.dry_run else "已写入")
    sheet.write_string(2, 0, "总行数")
    sheet.write_number(2, 1, report.rows)
    for row, (outcome, count) in enumerate(report.counts.items(), 3):
        sheet.write_string(row, 0, TITLES[outcome])
        sheet.write_number(row, 1, count)
    for row, (label, words) in enumerate(stamp, 4 + len(report.counts)):
        sheet.write_string(row, 0, label)
        sheet.write_string(row, 1, words)


def _sheet(book: Any, report: Report, name: str, number: int, rows: list[Done]) -> None:
    sheet = book.add_worksheet(f"明细{number}" if len(report.titles) > 1 else "明细")
    bold = book.add_format({"bold": True})
    secrets = any(one.secret for one in rows)
    headings = [*_HEADINGS, *(["初始密码"] if secrets else []), *report.titles[name]]
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    sheet.freeze_panes(1, 2)
    sheet.set_column(3, 3, 48)
    shades = {outcome: book.add_format({"bg_color": colour}) for outcome, colour in _COLOURS.items()}
    for row, one in enumerate(rows, 1):
        sheet.write_number(row, 0, one.line.number)
        sheet.write_string(row, 1, TITLES[one.outcome], shades.get(one.outcome))
        sheet.write_string(row, 2, one.column)
        sheet.write_string(row, 3, "；".join(filter(None, (one.reason, *one.hints))))
        if secrets:
            sheet.write_string(row, 4, one.secret)
        start = len(headings) - len(report.titles[name])
        for column, cell in enumerate(one.line.cells, start):
            sheet.write_string(row, column, text(cell))
