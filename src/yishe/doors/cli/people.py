"""yishe people import, yishe people past."""

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from yishe.care import past_import, past_undo
from yishe.doors.cli import readiness
from yishe.doors.cli.printing import remark, result
from yishe.insight import exports
from yishe.insight.exports import Mark, Wanted
from yishe.people import actors, directory, import_, import_founding, import_results
from yishe.people.import_report import TITLES, Report
from yishe.policy.refusals import Invalid, Refused
from yishe.trust import clock

SHOWN = 20


def register(commands: Any) -> None:
    acts = commands.add_parser("people", help="residents and staff").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    told = (
        "take in a roster (.xlsx, .csv) of residents or staff; exit code 0 when every row was taken, 1 when rows "
        "are held or rejected or the file is refused (the JSON says which), 2 wrong usage"
    )
    take_in = acts.add_parser("import", help="take in a roster", description=told)
    take_in.set_defaults(run=import_roster, kind="")
    before = acts.add_parser(
        "past", help="take in contracts, chronic diseases or follow-ups of before", description=told
    )
    before.add_argument(
        "kind", choices=sorted(past_import.KINDS), metavar="KIND", help=", ".join(sorted(past_import.KINDS))
    )
    for one in (take_in, before):
        _common(one)
    before.set_defaults(run=import_roster)
    back = acts.add_parser("undo", help="take back what `past` brought in, within the pack's time")
    back.add_argument("imported", type=UUID, metavar="RUN", help="the id that the import told")
    back.add_argument("--reason", metavar="CODE", help="without it what would go is told and nothing written")
    back.add_argument("--json", action="store_true")
    back.set_defaults(run=undo)
    place = acts.add_parser("centre", help="found a centre, under the first district")
    place.add_argument("name", metavar="NAME")
    place.add_argument("--code", default="", metavar="CODE", help="default: the next free one")
    place.add_argument("--json", action="store_true")
    place.set_defaults(run=found_centre)


def _common(one: argparse.ArgumentParser) -> None:
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--dry-run", action="store_true", help="decide everything, write nothing")
    one.add_argument("--report", type=Path, metavar="OUT.xlsx", help="every row with its outcome and reason")
    one.add_argument("--centre", metavar="CODE", help="where rows belong that name no centre or team")
    one.add_argument("--json", action="store_true", help="one object on standard output, also when refused")


def import_roster(args: argparse.Namespace) -> int:
    """Exit 0 when every row was taken; 1 when rows are held or rejected, or the file is refused as a whole."""
    try:
        readiness.require()
        _require_writable(args.report)
        report = _run(args)
    except Refused as refused:
        remark(refused.title)
        result(_refused(refused), "", as_json=True) if args.json else None
        return 1
    if args.report:
        _give_out(report, args.report)
    passwords = {} if args.report else report.passwords
    said = report.to_json() | ({"passwords": passwords} if passwords else {})
    said |= {"run": report.run} if report.run and args.kind else {}
    result(said, _text(report, args.report, passwords), as_json=args.json)
    return 1 if report.held or report.rejected else 0


def undo(args: argparse.Namespace) -> int:
    """Exit 0 when every row went, or would; 1 when some stay, or it is refused."""
    readiness.require()
    actor, at = actors.SYSTEM, clock.now()
    try:
        found = (
            past_undo.undo(actor, args.imported, args.reason, at)
            if args.reason
            else past_undo.preview(actor, args.imported, at)
        )
    except Refused as refused:
        remark(refused.title)
        return 1
    stay = [one for one in found if one.refusal]
    for one in stay[:SHOWN]:
        remark(f"【{one.sheet}】第 {one.number} 行　{one.refusal}")
    gone = len(found) - len(stay)
    said = {
        "written": bool(args.reason), "undone": gone,
        "kept": [{"sheet": one.sheet, "row": one.number, "reason": one.refusal} for one in stay],
    }  # fmt: skip
    words = (
        f"撤销了 {gone} 行" if args.reason else f"预览（未写入）：可以撤销 {gone} 行；写明 --reason 才撤销"
    )
    result(said, f"{words}，{len(stay)} 行保留。", as_json=args.json)
    return 1 if stay else 0


def _give_out(report: Report, to: Path) -> None:
    """The result workbook leaves the system: it is written down like every export."""
    wanted = Wanted("import_result", "yishe people import --report", report.rows, home=report.centre)
    to.write_bytes(exports.take_out(actors.SYSTEM, wanted, clock.now(), lambda mark: _marked(report, mark)))


def _marked(report: Report, mark: Mark) -> bytes:
    workbook = io.BytesIO()
    import_results.write(report, workbook, mark.lines)
    return workbook.getvalue()


def found_centre(args: argparse.Namespace) -> int:
    """Refused when the name is empty or the code is taken."""
    readiness.require()
    code = args.code.strip()
    made = import_founding.centre(actors.SYSTEM, args.name, clock.now(), code=code)
    unit = directory.current().organisation(made)
    result(
        {"id": unit.id, "code": unit.code, "name": unit.name},
        f"已建立 {unit.name}（代码 {unit.code}）。",
        as_json=args.json,
    )
    return 0


def _refused(refused: Refused) -> dict[str, Any]:
    """A file refused as a whole, in the shape of a report: no row was taken, and why."""
    nothing = dict.fromkeys(("rows", "created", "updated", "unchanged", "held", "rejected"), 0)
    return {**nothing, "problems": [{"row": None, "column": None, "reason": refused.title}]}


def _run(args: argparse.Namespace) -> Report:
    with _bar() as bar:
        if args.kind:
            return past_import.run(
                actors.SYSTEM, args.kind, args.file, at=clock.now(), dry_run=args.dry_run, centre=_centre(args.centre),
                file_name=args.file.name, progress=_steps(bar),
            )  # fmt: skip
        return import_.run(
            actors.SYSTEM,
            args.file,
            at=clock.now(),
            dry_run=args.dry_run,
            progress=_steps(bar),
            centre=_centre(args.centre),
        )


def _centre(code: str | None) -> UUID | None:
    if code is None:
        return None
    for unit in directory.current().units("centre"):
        if code in (unit.code, unit.name, str(unit.id)):
            return unit.id
    raise Invalid("no_such_centre", f"没有代码为 {code} 的中心：请核对“机构与人员”里的代码。")


def _require_writable(path: Path | None) -> None:
    """Before a long import, not after it."""
    if path and (path.suffix.lower() != ".xlsx" or not path.parent.is_dir()):
        raise Invalid("bad_report_path", f"结果表 {path} 写不了：应为已有文件夹里的 .xlsx 文件。")


def _text(report: Report, path: Path | None, passwords: dict[str, str]) -> str:
    counts = "，".join(f"{TITLES[name]} {count}" for name, count in report.counts.items())
    for one in report.problems[:SHOWN]:
        remark(f"第 {one['row']} 行　{one['column']}　{one['reason']}")
    if len(report.problems) > SHOWN:
        remark(f"……另有 {len(report.problems) - SHOWN} 处，见结果表（--report）。")
    where = f"结果表：{path}" if path else ""
    first = [f"  {account}　{password}" for account, password in passwords.items()]
    where += "\n".join(["\n新账号的初始密码（只显示这一次）：", *first]) if first else ""
    if report.run and report.kind in past_import.KINDS:
        where += f"\n要整批撤销：yishe people undo {report.run}"
    return f"{'预览（未写入）：' if report.dry_run else ''}共 {report.rows} 行：{counts}。{where}"


def _bar() -> Progress:
    columns = (TextColumn("导入"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty())


def _steps(bar: Progress) -> Callable[[int, int], None]:
    task = bar.add_task("import", total=None)

    def step(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return step
