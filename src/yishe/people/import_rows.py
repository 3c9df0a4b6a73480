"""One row of a residents' roster into particulars, or into the column and reason why not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from yishe.people import import_cells as cells
from yishe.people import particulars
from yishe.people.import_headers import Line, Table
from yishe.people.import_names import Names
from yishe.people.particulars import Particulars, Questioned
from yishe.policy import id_number
from yishe.policy.packs import PackSet
from yishe.policy.refusals import Invalid


@dataclass(frozen=True, slots=True)
class Read:
    """A row read. Without `said` it is rejected for `reason` in `column`. `hints` go back with the row: what was
    not understood but stands in nobody's way. `denied` are traits the row says no to."""

    line: Line
    centre: UUID
    said: Particulars | None = None
    denied: frozenset[str] = frozenset()
    neighbourhood: str = ""
    hints: tuple[str, ...] = ()
    column: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """What is needed to read rows of one table."""

    pack: PackSet
    names: Names
    today: date

    def read(self, table: Table, line: Line) -> Read:
        """Never raises: what does not hold is the row's reason."""
        row = {code: line.cells[index] for index, code in table.columns.items() if index < len(line.cells)}
        hints: list[str] = []
        centre = self.names.default
        try:
            cells.refuse_unreadable(row)
            centre = self.names.centre_of(row, hints)
            number = cells.id_number(row.get("id_number"), column_rounded=table.rounded)
            said, denied, place = self._said(row, number, centre, hints)
        except Questioned as refused:
            column = self._title(table, refused.column)
            return Read(line, centre, column=column, reason=_named(column, refused.title))
        return Read(line, centre, said, denied, place, tuple(hints))

    def _title(self, table: Table, code: str) -> str:
        """The column as this very sheet calls it; for one that is not there, as the pack does."""
        for index, found in table.columns.items():
            if found == code:
                return table.titles[index]
        known = self.pack.imports.columns.get(code)
        return known.title.zh if known else code

    def _said(
        self, row: Mapping[str, Any], number: str | None, centre: UUID, hints: list[str]
    ) -> tuple[Particulars, frozenset[str], str]:
        traits, denied = self._traits(row, hints)
        given = {
            "name": cells.named(row.get("name")),
            "id_number": number,
            "sex": cells.coded(row.get("sex"), self.pack.imports.values.get("sex", {})),
            "birth_date": self._born(row.get("birth_date"), number),
            "phone": cells.phone(row.get("phone")),
            "address": cells.optional(row.get("address")),
            "record_number": cells.optional(row.get("record_number")),
            "household": cells.optional(row.get("household")),
            "traits": traits,
            "allergies": cells.listed(row.get("allergies")),
        }
        said = particulars.check(given, self.today)
        if not (said.id_number or said.record_number or said.birth_date or said.phone):
            raise Questioned(
                "id_number",
                "nobody",
                "只有姓名，认不出是谁：请补上身份证号、出生日期、电话或档案号中的任一项。",
            )
        team, doctor, social_worker = self.names.answering(row, centre, hints)
        place, unknown = self.names.neighbourhood(cells.optional(row.get("neighbourhood")), centre)
        return (
            replace(
                said,
                team=team,
                doctor=doctor,
                social_worker=social_worker,
                neighbourhood=place,
                workplace=self.names.workplace(cells.optional(row.get("workplace")), centre),
            ),
            denied - set(said.traits),
            unknown,
        )

    def _born(self, cell: Any, number: str | None) -> date | None:
        """A half date (1947 年 3 月) is enough beside a valid ID number, which has the day."""
        try:
            return cells.day(cell, "birth_date", "出生日期")
        except Questioned:
            if number is None:
                raise
            known = _by_number(number, self.today)
            if known is None:
                raise
            half = "".join(c if c.isdigit() else " " for c in cells.text(cell)).split()
            parts = [int(part) for part in half]
            if len(half) == 1 and len(half[0]) == 6:
                parts = [int(half[0][:4]), int(half[0][4:])]
            if parts not in ([known.year, known.month], [known.year]):
                raise
            return known

    def _traits(self, row: Mapping[str, Any], hints: list[str]) -> tuple[tuple[str, ...], frozenset[str]]:
        found: set[str] = set()
        denied: set[str] = set()
        answers = self.pack.imports.values.get("yes", {})
        for code, column in self.pack.imports.columns.items():
            if column.trait is None or code not in row:
                continue
            answer = cells.coded(row[code], answers) or _plain_no(row[code])
            if answer == "true" or (answer and column.trait in self._codes(answer)):
                found.add(column.trait)
            elif answer == "false":
                denied.add(column.trait)
            elif answer:
                hints.append(f"“{column.title.zh}”一栏的“{answer[:12]}”没有看懂，未采用")
        for code in ("diseases", "traits"):
            for part in cells.listed(row.get(code)):
                codes = self._codes(part)
                found |= codes
                if not codes:
                    hints.append(f"“{part[:12]}”不在人群分类和病种表里，未采用")
        return tuple(found), frozenset(denied)

    def _codes(self, words: str) -> set[str]:
        folded = words.lower()
        return {
            code
            for code, trait in self.pack.traits.items()
            if folded in (code, trait.title.zh.lower(), *(one.lower() for one in trait.synonyms))
        }


def _plain_no(cell: Any) -> str | None:
    """无 and / are a no in a yes-or-no column, though elsewhere they mean nothing was said."""
    return "false" if cells.text(cell) in ("无", "否认", "×") else None


def _by_number(number: str, today: date) -> date | None:
    try:
        return id_number.check(number, today).birth_date
    except Invalid:
        return None


def _named(column: str, reason: str) -> str:
    """The reason names its column once."""
    return reason if column and column in reason else f"{column}：{reason}"
