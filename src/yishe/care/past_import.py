"""Taking in what was before the system: contracts on paper, chronic-disease lists, past follow-ups.

The rules are the roster's: every row ends as created, unchanged, held or rejected, and none is lost; the same file again
changes nothing. Nobody is made up: who is not in the roster is named and left out.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

from yishe.care import past_conditions, past_contracts, past_entries, past_followups
from yishe.care.past_entries import Taken
from yishe.care.past_rows import Reader, Row
from yishe.people import access, directory, import_held, import_matching, packs, placements
from yishe.people.actors import Actor
from yishe.people.import_headers import Line, Table, lines, tables
from yishe.people.import_matching import HELD, REJECTED, UNCHANGED
from yishe.people.import_names import Names
from yishe.people.import_report import Done, Report
from yishe.people.import_workbooks import read, read_bytes
from yishe.people.particulars import Questioned
from yishe.policy.refusals import Invalid, Refused
from yishe.policy.sheets import Roster
from yishe.trust import commit

KINDS: dict[str, ModuleType] = {
    "contracts": past_contracts, "conditions": past_conditions, "followups": past_followups,
}  # fmt: skip
STRANGE = "名册里没有这个人：请核对身份证号；是新居民的话，先导入名册，再导入这一份。"
Progress = Callable[[int, int], None]


def run(
    actor: Actor, kind: str, source: Path | bytes, *, at: datetime, dry_run: bool = False, centre: UUID | None = None,
    file_name: str = "", progress: Progress | None = None,
) -> Report:  # fmt: skip
    """Read a workbook (a path, or an upload's bytes) of that kind (`contracts`, `conditions`, `followups`) and take it in; with
    `dry_run` nothing is written. Refused as a whole: no right, an unknown kind, no header, not a table, no rows."""
    sheet = packs.in_force().imports.of_past(kind)
    home = _home(actor, centre, at)
    found = tables(read(source) if isinstance(source, Path) else read_bytes(source), sheet)
    content = source.read_bytes() if isinstance(source, Path) else source
    report = Report(
        kind, dry_run, home, file_name, hashlib.sha256(content).hexdigest(), several=len(found) > 1
    )
    if not dry_run:
        import_held.begin(actor, report, at)
    _Intake(actor, KINDS[kind], sheet, report, at).take_in(found, progress or (lambda done, total: None))
    if not dry_run:
        import_held.keep(actor, report, at)
    return report


def _home(actor: Actor, centre: UUID | None, at: datetime) -> UUID:
    home = centre or actor.member.centre(at)
    if home is None and actor.is_system:
        home = next((one.id for one in directory.current().units("centre")), None)
    if home is None:
        raise Invalid("no_centre", "请说明是哪个中心的资料：先选中心，再导入。")
    access.require_in_organisation(actor, past_entries.IMPORT, home, at)
    return home


@dataclass
class _Intake:
    actor: Actor
    kind: ModuleType
    sheet: Roster
    report: Report
    at: datetime

    def take_in(self, found: Iterable[Table], progress: Progress) -> None:
        rows: list[tuple[Table, Line]] = []
        for table in found:
            self.report.titles[table.sheet.name] = table.titles
            rows += [(table, line) for line in lines(table, self.sheet)]
        if not rows:
            raise Invalid("no_rows", "表头下面没有任何一行数据：请核对是不是这份文件、这张工作表。")
        book = directory.current()
        fixed = not (self.actor.is_system or self.actor.member.centre(self.at) is None)
        names = Names(book, self.at, self.report.centre, fixed)
        reader = Reader(self.sheet, packs.in_force(), names, self.at, self.report.file_name)
        met: dict[tuple[object, ...], int] = {}
        for number, (table, line) in enumerate(rows, 1):
            self.report.add(self._one(reader, table, line, met))
            progress(number, len(rows))

    def _one(self, reader: Reader, table: Table, line: Line, met: dict[tuple[object, ...], int]) -> Done:
        try:
            row = reader.read(table, line)
            return self._taken(row, self.kind.read(row), met)
        except Questioned as asked:
            column = self.sheet.columns.get(asked.column)
            return Done(line, REJECTED, column.title.zh if column else "", asked.title)
        except Refused as refused:
            return Done(line, REJECTED, "", refused.title)

    def _taken(self, row: Row, claim: Any, met: dict[tuple[object, ...], int]) -> Done:
        mark = import_matching.prints(row.centre, row.who)
        verdict = import_matching.decide(mark, row.centre, (import_matching.load([mark]),))
        if verdict.known is None:
            return Done(row.line, REJECTED, "姓名", STRANGE)
        if verdict.outcome == HELD:
            return Done(row.line, HELD, verdict.column, f"{verdict.reason}补上身份证号后再导入这一行。")
        where = placements.placed(verdict.known.resident)
        before = met.setdefault((where.resident, *claim.key), row.line.number)
        if before != row.line.number:
            return Done(row.line, UNCHANGED, "", f"与本表第 {before} 行说的是同一件", resident=where.resident)
        outcome, words = self.kind.judge(claim, where, self.actor, self.at)
        done = Done(row.line, outcome, "", words, resident=where.resident, hints=tuple(row.hints))
        if outcome != import_matching.CREATED or self.report.run is None:
            return done
        with commit.atomically():
            taken: Taken = self.kind.write(claim, where, self.actor, self.at)
            import_held.took(self.report.run, done, dict(taken.made))
        return replace(done, hints=done.hints + taken.hints)
