"""yishe population run: everybody classified and every running year planned by what is known now, in one go."""

import argparse
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from yishe.care import agreements, population, risk_run
from yishe.care.population import Run
from yishe.care.risk_run import Told
from yishe.doors.cli import clocks, readiness
from yishe.doors.cli.printing import result
from yishe.people import packs
from yishe.policy.class_rules import CLASS
from yishe.policy.refusals import Conflict
from yishe.policy.risks import title
from yishe.trust import clock


def register(commands: Any) -> None:
    acts = commands.add_parser("population", help="all residents at once").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    run_ = acts.add_parser(
        "run", help="classify everybody and plan the rest of every running year by what is known now"
    )
    run_.add_argument("--all", action="store_true", help="also where nothing changed since the last run")
    run_.add_argument("--dry-run", action="store_true", help="count, write nothing")
    run_.add_argument("--json", action="store_true")
    run_.set_defaults(run=run)
    risks_ = acts.add_parser("risks", help="count what every risk model says of everybody; writes nothing")
    risks_.add_argument("--json", action="store_true")
    risks_.set_defaults(run=run_risks)
    clocks_ = acts.add_parser("clocks", help="re-time every open loop by the calendar in force")
    clocks_.add_argument("--dry-run", action="store_true", help="count what would move, write nothing")
    clocks_.add_argument("--json", action="store_true")
    clocks_.set_defaults(run=run_clocks)


def run_clocks(args: argparse.Namespace) -> int:
    """Exit as `clocks.run` says."""
    with bar() as progress:
        return clocks.run(args, progress)


def run(args: argparse.Namespace) -> int:
    """Exit 1 when some contracts were being written to by others; running it again goes on with them."""
    readiness.require()
    with bar() as progress:
        found = population.run(clock.now(), everybody=args.all, dry=args.dry_run, progress=progress)
    peak = peak_mb()
    text = f"{_text(found, dry=args.dry_run)}\n内存最多用到 {peak} MB。"
    classing = {**vars(found.classing), "moved": len(found.classing.moved)}
    told = {**vars(found), "classing": classing, "dry_run": args.dry_run, "peak_mb": peak}
    result(told, text, as_json=args.json)
    if busy := found.busy + found.classing.busy:
        raise Conflict(
            "busy", f"{busy} 人没有算：资料正有人在办，或其中有读不懂的（日志里有原因）。请再运行一次。"
        )
    return 0


def run_risks(args: argparse.Namespace) -> int:
    """By model with version and source: how many have a result, of which grade, and what the others lack. Nobody is named. Exit 1
    when somebody's values cannot be read."""
    readiness.require()
    with bar() as progress:
        found = risk_run.run(clock.now(), progress=progress)
    peak = peak_mb()
    models = [_of_model(code, told) for code, told in found.models.items()]
    lines = [f"居民 {found.residents} 名，其中 {found.measured} 名有测量或问答。"]
    lines += [line for one in models for line in _of_model_in_words(one)]
    lines.append(f"没有写入任何内容。内存最多用到 {peak} MB。")
    counts = {"residents": found.residents, "measured": found.measured, "unreadable": found.unreadable}
    result({**counts, "models": models, "peak_mb": peak}, "\n".join(lines), as_json=args.json)
    if found.unreadable:
        raise Conflict(
            "unreadable",
            f"{found.unreadable} 名没有算：有的测量值不是数字，没有作估计。请在居民的时间轴里更正后再运行。",
        )
    return 0


def _of_model(code: str, told: Told) -> dict[str, Any]:
    model, inputs = told.model, packs.in_force().life.inputs
    grades = model.grading.grades if model.grading else ()
    return {
        "model": code, "title": str(model.title), "version": model.version,
        "source": model.source.section or model.source.id, "states": dict(told.states),
        "grades": {str(one.title): told.grades[n] for n, one in enumerate(grades) if told.grades[n]},
        "missing": {title(inputs, name): count for name, count in told.missing.most_common()},
    }  # fmt: skip


def _of_model_in_words(one: dict[str, Any]) -> Iterator[str]:
    states = Counter(one["states"])
    said = f"算出 {states['done']}，缺资料 {states['missing']}，不适用 {states['not_for']}，系数待核 {states['draft']}"
    yield f"{one['title']}（{one['version']}）：{said}。来源：{one['source']}"
    for words, counts in (("分级", one["grades"]), ("缺", one["missing"])):
        if counts:
            yield f"  {words}：{'、'.join(f'{name} {count}' for name, count in counts.items())}"


def peak_mb() -> int:
    """The most memory this process has held at once; the system tells it in KB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 // (1024 if sys.platform == "darwin" else 1)


@contextmanager
def bar() -> Iterator[population.Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield told


def _text(found: Run, *, dry: bool) -> str:
    done = "将" if dry else "已"
    classing = found.classing
    who = (
        f"居民 {found.residents} 名，看了 {classing.looked} 名：{classing.classified} 名的分类分级{done}写入"
    )
    said = packs.in_force().classes
    steps = [
        f"  {said.sheet.title(CLASS, code) if said else code} {count}"
        for code, count in classing.classes.most_common()
    ]
    seen = f"在期签约 {found.contracts} 份，看了 {found.looked} 份：{found.planned} 份有变化"
    lines = [f"{who}。", *steps, f"{seen}，{done}新增 {found.promises} 项、撤下 {found.withdrawn} 项。"]
    lines += [f"  {agreements.title(service)} {count}" for service, count in found.services.most_common()]
    if dry and (moved := len(found.classing.moved)):
        lines.append(f"  {moved} 名的分类分级会变；这里的年度按他们现在的分类分级算，实际运行时可能不同。")
    if found.no_birth_date:
        lines.append(f"  {found.no_birth_date} 份没有出生日期，定不了年度：请在居民资料里补上后再运行。")
    return "\n".join(lines)
