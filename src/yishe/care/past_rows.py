"""One row of a workbook of what was before the system: whose it is, and its cells as values or as questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.people import import_cells as cells
from yishe.people import particulars
from yishe.people.import_headers import Line, Table
from yishe.people.import_names import Names
from yishe.people.particulars import ZONE, Particulars, Questioned
from yishe.policy.packs import PackSet
from yishe.policy.sheets import Roster

SHOWN = 20


@dataclass(frozen=True)
class Row:
    """The cells of one row by column code. Every reader answers None for an empty cell."""

    line: Line
    said: Mapping[str, Any]
    centre: UUID
    who: Particulars
    sheet: Roster
    pack: PackSet
    names: Names
    hints: list[str]
    at: datetime
    file: str = ""

    @property
    def source(self) -> str:
        """Where it stands: the file, its sheet, the line."""
        return f"{self.file or '上传的表'}，{self.line.sheet} 第 {self.line.number} 行"

    @property
    def today(self) -> date:
        return self.at.astimezone(ZONE).date()

    def title(self, code: str) -> str:
        return self.sheet.columns[code].title.zh

    def text(self, code: str) -> str:
        return cells.optional(self.said.get(code)) or ""

    def day(self, code: str) -> date | None:
        """A full date, not after today unless it says when something ends. Questioned otherwise."""
        return cells.day(self.said.get(code), code, self.title(code))

    def past_day(self, code: str) -> date:
        """A day that has come, since she was born. Questioned when missing, in the future or before her birth."""
        found = self.day(code)
        if found is None:
            raise Questioned(code, "missing", f"没有填{self.title(code)}：请补上年月日。")
        if found > self.today:
            raise Questioned(code, "in_the_future", f"{self.title(code)} {found} 在将来：请核对年份。")
        if self.who.birth_date and found < self.who.birth_date:
            raise Questioned(
                code, "before_birth", f"{self.title(code)} {found} 早于出生日期：请核对是谁、哪一年。"
            )
        return found

    def coded(self, code: str, book: str, possible: Mapping[str, str]) -> str:
        """The code of `possible` that the cell means. Questioned when empty or meant by none, naming what is known."""
        said = self.text(code)
        found = cells.coded(said, self.pack.imports.values.get(book, {}))
        by_title = {title: one for one, title in possible.items()}
        found = by_title.get(said, found)
        if found not in possible:
            known = "、".join(possible.values())
            shown = f"“{said[:SHOWN]}”没有看懂" if said else "没有填"
            raise Questioned(code, "unknown_word", f"{self.title(code)}{shown}：请填其中一种：{known}。")
        return str(found)


@dataclass(frozen=True)
class Reader:
    """What is needed to read rows of one kind."""

    sheet: Roster
    pack: PackSet
    names: Names
    at: datetime
    file: str = ""

    def read(self, table: Table, line: Line) -> Row:
        """The row with the person it names. Questioned with the column when it names nobody or cannot be read."""
        said = {code: line.cells[index] for index, code in table.columns.items() if index < len(line.cells)}
        hints: list[str] = []
        cells.refuse_unreadable(said)
        centre = self.names.centre_of(said, hints)
        number = cells.id_number(said.get("id_number"), column_rounded=table.rounded)
        given = {
            "name": cells.named(said.get("name")), "id_number": number, "phone": cells.phone(said.get("phone")),
            "birth_date": None if number else cells.day(said.get("birth_date"), "birth_date", "出生日期"),
            "record_number": cells.optional(said.get("record_number")),
        }  # fmt: skip
        who = particulars.check(given, self.at.astimezone(ZONE).date())
        if not (who.id_number or who.record_number or who.birth_date or who.phone):
            raise Questioned(
                "id_number", "nobody", "只有姓名，认不出是谁：请补上身份证号、档案号、出生日期或电话。"
            )
        return Row(line, said, centre, who, self.sheet, self.pack, self.names, hints, self.at, self.file)
