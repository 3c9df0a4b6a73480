"""Taking in a roster: every row ends as created, updated, unchanged, held or rejected, and none is lost.

Rows are written in batches, each in one transaction. After a crash whole batches are there; the same file again
finishes the rest and changes nothing of what was done.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import IntegrityError

from yishe.people import (
    access,
    directory,
    import_founding,
    import_held,
    import_matching,
    import_staff,
    import_writing,
    packs,
    records,
)
from yishe.people.actors import Actor
from yishe.people.import_headers import RESIDENTS, STAFF, Table, lines, tables
from yishe.people.import_matching import (
    CREATED,
    HELD,
    MATCHED,
    REJECTED,
    UNCHANGED,
    UPDATED,
    Index,
    Known,
    Prints,
    Verdict,
)
from yishe.people.import_names import Names
from yishe.people.import_report import Done, Report
from yishe.people.import_rows import Read, Reader
from yishe.people.import_workbooks import read, read_bytes
from yishe.people.import_writing import Writing
from yishe.people.models import Neighbourhood
from yishe.people.particulars import ZONE, Particulars
from yishe.policy.refusals import Invalid, Unavailable
from yishe.trust import commit, ids, ledger

IMPORT = "people.import"
BATCH = 500

Progress = Callable[[int, int], None]


def run(
    actor: Actor,
    source: Path | bytes,
    *,
    at: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
    centre: UUID | None = None,
    file_name: str = "",
) -> Report:
    """Read a workbook of residents or of staff, told apart by its headers, and take it in.

    `source` is a path or an upload's bytes; `centre` where rows belong that name none (by default the actor's).
    With `dry_run` all is read and decided and nothing is written. `progress(done, total)` is called after each
    batch. Refused as a whole: no right, no header, not a table; a bad row never stops the others.
    """
    content = source.read_bytes() if isinstance(source, Path) and source.is_file() else b""
    sheets = read(source) if isinstance(source, Path) else read_bytes(source)
    name = file_name or (source.name if isinstance(source, Path) else "")
    found = tables(sheets, packs.in_force().imports)
    if not any(True for table in found for _ in lines(table, packs.in_force().imports)):
        raise Invalid("no_rows", "表头下面没有任何一行数据：请核对是不是这份文件、这张工作表。")
    digest = hashlib.sha256(content if isinstance(source, Path) else source).hexdigest()
    with import_founding.ground(actor, found, at, dry_run=dry_run):
        start = _Start(actor, at, dry_run, progress or (lambda done, total: None), _home(actor, centre, at))
        report = Report(RESIDENTS, dry_run, start.centre, name, digest, several=len(found) > 1)
        _take_in(start, found, report)
    return report


def _take_in(start: "_Start", found: list[Table], report: Report) -> None:
    """Staff first: residents may name them."""
    staff = [table for table in found if table.kind == STAFF]
    if staff:
        report.kind = STAFF
        import_staff.take_in(
            start.actor, staff, at=start.at, dry_run=start.dry_run, centre=start.centre, fixed=start.fixed,
            report=report,
        )  # fmt: skip
    residents = [table for table in found if table.kind == RESIDENTS]
    if residents:
        report.kind = RESIDENTS
        _Intake(start, report).take_in(residents)


@dataclass(frozen=True)
class _Start:
    actor: Actor
    at: datetime
    dry_run: bool
    progress: Progress
    centre: UUID

    @property
    def fixed(self) -> bool:
        """Only the system, and people above the centres, may load several centres from one file."""
        return not (self.actor.is_system or self.actor.member.centre(self.at) is None)


def _home(actor: Actor, centre: UUID | None, at: datetime) -> UUID:
    book = directory.current()
    found = centre or actor.member.centre(at)
    if found is None:
        centres = book.units("centre")
        if not centres:
            raise Invalid("no_centre", "还没有任何中心：请先在“机构与人员”建立中心，再导入名册。")
        found = centres[0].id
    if book.organisation(found).level != "centre":
        raise Invalid("not_a_centre", "名册要导入到一个中心：请选择中心。")
    access.require_in_organisation(actor, IMPORT, found, at)
    return found


@dataclass
class _Intake:
    start: _Start
    report: Report
    touched: dict[UUID, int] = field(default_factory=dict)
    """Residents this run has met → the row where."""
    fingerprints: dict[UUID, records.Fingerprint] = field(default_factory=dict)
    planned: Index = field(default_factory=Index)
    imagined: dict[UUID, Particulars] = field(default_factory=dict)
    """In a preview: what records would say by now."""

    def take_in(self, found: list[Table]) -> None:
        rows = list(self._rows(found))
        good = [row for row in rows if row.said is not None]
        for row in rows:
            if row.said is None:
                self.report.add(Done(row.line, REJECTED, row.column, row.reason))
        if not self.start.dry_run:
            good = _settled(good)
        self.start.progress(len(rows) - len(good), len(rows))
        done = 0
        while done < len(good):
            done += self._batch_safely(good[done : done + BATCH])
            self.start.progress(len(rows) - len(good) + done, len(rows))
        if not self.start.dry_run:
            import_held.keep(self.start.actor, self.report, self.start.at)

    def _rows(self, found: list[Table]) -> Iterator[Read]:
        pack, book = packs.in_force(), directory.current()
        names = Names(book, self.start.at, self.start.centre, self.start.fixed)
        reader = Reader(pack, names, self.start.at.astimezone(ZONE).date())
        for table in found:
            self.report.titles[table.sheet.name] = table.titles
            for line in lines(table, pack.imports):
                yield reader.read(table, line)

    def _batch_safely(self, rows: list[Read]) -> int:
        """Two imports at once may meet in one person: then this batch is decided again, on what is there now."""
        for last in (False, True):
            before = len(self.report.done)
            try:
                if self.start.dry_run:
                    return self._batch(rows)
                with commit.atomically():
                    return self._batch(rows)
            except (IntegrityError, commit.Duplicate):
                del self.report.done[before:]
                if last:
                    break
        raise Unavailable("import_collided", "另一份名册正在同时导入同一批居民：请等它结束后再导入一次。")

    def _batch(self, rows: list[Read]) -> int:
        """Decide and write; returns how many rows were taken (a row about someone of this batch starts anew)."""
        marks = [import_matching.prints(r.centre, r.said, r.denied, r.neighbourhood) for r in rows if r.said]
        index = import_matching.load(marks)
        if not self.start.dry_run:
            self.planned = Index()
        writing = Writing(self.start.actor, self.start.at, self.fingerprints)
        matched: list[tuple[Read, Prints, Known]] = []
        fresh: set[UUID] = set()
        done: list[Done] = []
        taken = 0
        for row, mark in zip(rows, marks, strict=True):
            verdict = import_matching.decide(mark, row.centre, (index, self.planned))
            known = verdict.known
            if verdict.outcome == MATCHED and known and known.resident in fresh:
                break
            taken += 1
            if verdict.outcome == MATCHED and known:
                matched.append((row, mark, known))
                fresh.add(known.resident)
            elif verdict.outcome == CREATED and row.said:
                resident = self._create(writing, row, row.said, mark)
                fresh.add(resident)
                done.append(Done(row.line, CREATED, resident=resident, hints=row.hints))
            else:
                done.append(self._as_decided(row, mark, verdict))
        done += self._compared(writing, matched)
        if not self.start.dry_run:
            writing.write()
        for one in done:
            self.report.add(one)
        return taken

    def _create(self, writing: Writing, row: Read, said: Particulars, mark: Prints) -> UUID:
        if self.start.dry_run:
            resident = ids.new()
            self.imagined[resident] = said
        else:
            resident = writing.create(row.centre, said, mark)
        self.planned.add(
            Known(
                resident,
                row.centre,
                mark.id_blind,
                mark.record_blind,
                mark.person_blind,
                mark.contact_blind,
                mark.row_blind,
            )
        )
        self.touched[resident] = row.line.number
        return resident

    def _as_decided(self, row: Read, mark: Prints, verdict: Verdict) -> Done:
        if verdict.known and verdict.outcome == UNCHANGED:
            self.touched.setdefault(verdict.known.resident, row.line.number)
        title = self._title(verdict.column)
        known = verdict.known.resident if verdict.known else None
        held = verdict.outcome == HELD
        return Done(
            row.line,
            verdict.outcome,
            title,
            verdict.reason,
            resident=None if held else known,
            candidate=known if held and known not in self.imagined else None,
            hints=row.hints,
            read=row if held else None,
        )

    def _title(self, code: str) -> str:
        known = packs.in_force().imports.columns.get(code)
        return known.title.zh if known else code

    def _compared(self, writing: Writing, matched: list[tuple[Read, Prints, Known]]) -> list[Done]:
        wanted = [known.resident for _, _, known in matched if known.resident not in self.imagined]
        opened = import_writing.open_all(wanted) if wanted else {}
        heads = import_writing.heads(one.subject for one in opened.values()) if opened else {}
        return [self._compare(writing, met, opened, heads) for met in matched]

    def _compare(
        self,
        writing: Writing,
        met: tuple[Read, Prints, Known],
        opened: dict[UUID, import_writing.Opened],
        heads: dict[UUID, ledger.Head],
    ) -> Done:
        row, mark, known = met
        said, resident = row.said or Particulars(), known.resident
        there = opened.get(resident)
        before = self.imagined.get(resident) or (there.before if there else Particulars())
        found = import_writing.compare(before, row, said)
        if found.conflicts and resident in self.touched:
            return self._contradicts(row, found, resident)
        self.touched.setdefault(resident, row.line.number)
        if self.start.dry_run:
            self.imagined[resident] = found.after
        elif there and found.changed:
            writing.update(there, found, mark, heads.get(there.subject, ledger.Head()))
        elif there:
            writing.remember(resident, mark)
        outcome = UPDATED if found.changed else UNCHANGED
        return Done(row.line, outcome, resident=resident, hints=row.hints)

    def _contradicts(self, row: Read, found: import_writing.Difference, resident: UUID) -> Done:
        columns = "、".join(self._title(code) for code in found.conflicts)
        reason = (
            f"与本表第 {self.touched[resident]} 行是同一个人，但{columns}不同：请核对后并成一行，再导入一次。"
        )
        return Done(row.line, HELD, columns, reason, candidate=None, hints=row.hints, read=None)


def _settled(rows: list[Read]) -> list[Read]:
    """Make the neighbourhoods a roster names for the first time, and put the rows there."""
    wanted = {(row.centre, row.neighbourhood) for row in rows if row.neighbourhood}
    if not wanted:
        return rows
    book = directory.current()
    made: dict[tuple[UUID, str], UUID] = {}
    with commit.atomically():
        for centre, name in sorted(wanted, key=lambda pair: (pair[0].int, pair[1])):
            code = f"{book.organisation(centre).code}-{name}"[:40]
            row, _ = Neighbourhood.objects.get_or_create(
                code=code, defaults={"id": ids.new(), "name": name[:120], "centre_id": centre}
            )
            made[centre, name] = row.id
        directory.bump()
    return [
        replace(
            row, said=replace(row.said, neighbourhood=made[row.centre, row.neighbourhood]), neighbourhood=""
        )
        if row.said and row.neighbourhood
        else row
        for row in rows
    ]
