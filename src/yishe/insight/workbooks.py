"""Workbooks that leave: the mark on top and on every printed page, text that stays text.

Nothing typed by anybody can become a formula when the sheet is opened, or saved on as CSV.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from yishe.insight.exports import Mark
from yishe.loops import sets

LEADING = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters that spreadsheet programs may take for a formula."""
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
FOOT = 255 - 20
"""Longest text that a page's foot takes."""


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(LEADING) else text


def written(
    title: str, mark: Mark, columns: Sequence[tuple[str, int]], rows: Iterable[Sequence[Any]],
) -> bytes:  # fmt: skip
    """One sheet: the mark, then `columns` (heading, width), then the rows."""
    file = BytesIO()
    with xlsxwriter.Workbook(file, OPTIONS) as workbook:
        sheet = workbook.add_worksheet(title)
        bold = workbook.add_format({"bold": True})
        moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        line = _marked(sheet, mark, bold)
        for column, (label, width) in enumerate(columns):
            sheet.set_column(column, column, width)
            sheet.write_string(line, column, label, bold)
        sheet.freeze_panes(line + 1, 0)
        for number, row in enumerate(rows, start=line + 1):
            for column, value in enumerate(row):
                _put(sheet, number, column, value, moment)
    return file.getvalue()


def _marked(sheet: Worksheet, mark: Mark, bold: Any) -> int:
    """Writes the mark; returns the line after it and an empty one."""
    for line, (label, text) in enumerate(mark.lines):
        sheet.write_string(line, 0, label, bold)
        sheet.write_string(line, 1, safe(text))
    sheet.set_footer("&L" + mark.line.replace("&", "&&")[:FOOT] + "&R&P/&N")
    return len(mark.lines) + 1


def _put(sheet: Worksheet, row: int, column: int, value: Any, moment: Any) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(sets.ZONE).replace(tzinfo=None), moment)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, safe(str(value)))
