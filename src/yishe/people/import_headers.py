"""Where a sheet's header is, which column means what, and which rows below it are data."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from yishe.people.import_cells import rounded
from yishe.people.import_workbooks import Sheet
from yishe.people.particulars import tidy
from yishe.policy.refusals import Invalid
from yishe.policy.sheets import Column, Roster

RESIDENTS, STAFF = "residents", "staff"
_BLANK = frozenset({None, ""})
_TELLING = frozenset({"id_number", "birth_date", "record_number"})
_DIGITS = re.compile(r"\d{4}")
_BRACKETED = re.compile(r"[(\[{【「<].*?[)\]}】」>]")
_NOISE = re.compile(r"[\s*:：()\[\]{}【】「」<>、,.。?？/\\_-]")


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet understood: `columns` maps a column's index to its code, `header` is the header's row number."""

    sheet: Sheet
    kind: str
    header: int
    columns: Mapping[int, str]
    titles: tuple[str, ...]
    rounded: bool = False
    """Whether the column of ID numbers lost its last digits on its way."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of data with its number in the sheet, from 1."""

    sheet: str
    number: int
    cells: list[Any]


def word(text: object) -> str:
    """A header text as it is compared: narrow, small, without blanks, stars, colons and brackets."""
    folded = unicodedata.normalize("NFKC", tidy(text)).lower()
    return _NOISE.sub("", folded)


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    """The header text whole, and without what stands in brackets: 身份证号（必填）."""
    folded = unicodedata.normalize("NFKC", text)
    return word(text), word(_BRACKETED.sub("", folded))


def synonyms(columns: Mapping[str, Column]) -> dict[str, str]:
    """Header word → column code."""
    found: dict[str, str] = {}
    for code, column in columns.items():
        for text in (column.title.zh, *column.synonyms):
            found.setdefault(word(text), code)
    return found


def tables(sheets: list[Sheet], roster: Roster) -> list[Table]:
    """Every sheet with a header. Refused when there is none in the whole workbook."""
    known = {RESIDENTS: synonyms(roster.columns), STAFF: synonyms(roster.staff)}
    found = [table for sheet in sheets if (table := _table(sheet, roster, known)) is not None]
    if not found:
        titles = "、".join(column.title.zh for column in roster.columns.values())
        raise Invalid(
            "no_header",
            f"前 {roster.header_within_rows} 行里找不到表头：至少要有“姓名”和另外一列，能认的列有 {titles}。",
        )
    return found


def _table(sheet: Sheet, roster: Roster, known: Mapping[str, Mapping[str, str]]) -> Table | None:
    best: tuple[int, int, str, dict[int, str]] | None = None
    for index, cells in enumerate(sheet.rows[: roster.header_within_rows]):
        for kind in (RESIDENTS, STAFF):
            columns = _columns(cells, known[kind])
            codes = set(columns.values())
            if not _is_header(kind, codes):
                continue
            if best is None or len(columns) > best[0]:
                best = (len(columns), index, kind, columns)
    if best is None:
        return None
    _, index, kind, columns = best
    titles = tuple(tidy(cell) for cell in sheet.rows[index])
    return Table(sheet, kind, index + 1, columns, titles, _rounded(sheet.rows[index + 1 :], columns))


def _rounded(rows: list[list[Any]], columns: Mapping[int, str]) -> bool:
    column = next((index for index, code in columns.items() if code == "id_number"), None)
    return column is not None and rounded(row[column] for row in rows if column < len(row))


def _is_header(kind: str, codes: set[str]) -> bool:
    """Staff lists name a duty and nothing that only residents have."""
    if "name" not in codes or len(codes) < 2:
        return False
    return "duty" in codes if kind == STAFF else True


def _columns(cells: list[Any], known: Mapping[str, str]) -> dict[int, str]:
    """The first column of each meaning; a second 电话 is kept as it stands and not read."""
    found: dict[int, str] = {}
    for index, cell in enumerate(cells):
        if not isinstance(cell, str) or not cell.strip():
            continue
        code = next((known[one] for one in _words(cell) if one in known), None)
        if code is not None and code not in found.values():
            found[index] = code
    return found


def lines(table: Table, roster: Roster) -> Iterator[Line]:
    """The rows of data under the header: no blank rows, no repeated headers, no footers."""
    known = synonyms(roster.staff if table.kind == STAFF else roster.columns)
    footers = tuple(word(text) for text in roster.footers)
    for index, cells in enumerate(table.sheet.rows[table.header :], table.header + 1):
        filled = [cell for cell in cells if cell not in _BLANK and tidy(cell)]
        if _is_nothing(table, cells, filled) or _is_footer(table, cells, filled, footers):
            continue
        if _names_itself(table, cells, known):
            continue
        yield Line(table.sheet.name, index, cells)


def _names_itself(table: Table, cells: list[Any], known: Mapping[str, str]) -> bool:
    """The header again: what stands under 姓名 is 姓名."""
    named = next((index for index, code in table.columns.items() if code == "name"), 0)
    return named < len(cells) and any(known.get(one) == "name" for one in _words(tidy(cells[named])))


def _is_nothing(table: Table, cells: list[Any], filled: list[Any]) -> bool:
    """Blank, or only numbered in advance."""
    read = {code for index, code in table.columns.items() if index < len(cells) and tidy(cells[index])}
    return not filled or (not read - {"number"} and len(filled) == 1)


def _is_footer(table: Table, cells: list[Any], filled: list[Any], footers: tuple[str, ...]) -> bool:
    """A row that begins with 合计, 填表人 … and tells nothing that identifies anyone."""
    if len(filled) > 6 or not word(filled[0]).startswith(footers):
        return False
    telling = [tidy(cells[i]) for i, code in table.columns.items() if code in _TELLING and i < len(cells)]
    return not any(_DIGITS.search(text) and ":" not in text for text in telling)
