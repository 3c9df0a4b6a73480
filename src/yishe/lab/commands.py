"""yishe demo load, crowd, accounts, families; yishe world."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from yishe.doors.cli import arguments, readiness
from yishe.doors.cli.printing import result
from yishe.lab import crowd, demo
from yishe.lab.world import making
from yishe.trust import clock


def register(commands: Any) -> None:
    group = commands.add_parser("demo", help="the demo community: invented people, honest history")
    verbs = group.add_subparsers(dest="demo", required=True, metavar="VERB")
    load_ = verbs.add_parser("load", help="fill an empty database")
    load_.add_argument("--residents", type=arguments.count, default=demo.RESIDENTS, metavar="N")
    load_.add_argument("--seed", type=int, default=demo.SEED, metavar="S")
    load_.add_argument("--json", action="store_true")
    load_.set_defaults(run=load)
    crowd_ = verbs.add_parser(
        "crowd", help="fill an empty database with residents under contract, without history"
    )
    crowd_.add_argument("--residents", type=arguments.count, default=demo.RESIDENTS, metavar="N")
    crowd_.add_argument("--seed", type=int, default=demo.SEED, metavar="S")
    crowd_.add_argument("--json", action="store_true")
    crowd_.set_defaults(run=gather)
    who = verbs.add_parser("accounts", help="who can sign in")
    who.add_argument("--json", action="store_true")
    who.set_defaults(run=accounts)
    own = verbs.add_parser("families", help="the resident and the relative who can sign in to /my")
    own.add_argument("--json", action="store_true")
    own.set_defaults(run=families)
    world = commands.add_parser("world", help="fill an empty database with an invented district of any size")
    world.add_argument("--residents", "--scale", type=arguments.count, default=demo.RESIDENTS, metavar="N")
    world.add_argument("--seed", type=int, default=demo.SEED, metavar="S")
    world.add_argument(
        "--at", type=arguments.moment, metavar="TIME", help="the moment it stands at (default: now)"
    )
    world.add_argument("--processes", type=arguments.count, default=2, metavar="N")
    world.add_argument(
        "--lively", action="store_true", help="loops as various as people make them: thrice the entries"
    )
    world.add_argument("--json", action="store_true")
    world.set_defaults(run=make)


def make(args: argparse.Namespace) -> int:
    """Refused unless the database is empty; marks it demo."""
    readiness.require()
    at = args.at or clock.now()
    with _bar() as progress:
        made = making.world(
            args.residents,
            args.seed,
            at,
            lambda done, whole: progress(done, whole, "居民与闭环"),
            args.processes,
        )
    rows, staff = made.rows, len(list(made.frame.employees()))
    text = (
        f"已装入虚构的区：{args.residents} 名居民，{len(made.frame.centres)} 个中心，{staff} 名工作人员，"
        f"{rows['loops_loop']} 件闭环，{rows['trust_entry']} 条账本，历史从 {made.frame.opening:%Y-%m-%d} 起。"
    )
    result(
        {"residents": args.residents, "staff": staff, "at": at.isoformat(), "rows": rows},
        text,
        as_json=args.json,
    )
    return 0


def load(args: argparse.Namespace) -> int:
    """Refused unless the database is empty."""
    readiness.require()
    with _bar() as progress:
        loaded = demo.load(args.residents, args.seed, at=clock.now(), progress=progress)
    text = (
        f"演示社区已就绪：{loaded.residents} 名居民，{loaded.staff} 名工作人员，"
        f"{loaded.loops} 件闭环（在办 {loaded.open_loops} 件），历史从 {loaded.since:%Y-%m-%d} 起。"
    )
    result(asdict(loaded), text, as_json=args.json)
    return 0


def gather(args: argparse.Namespace) -> int:
    """Refused unless the database is empty; marks it demo."""
    readiness.require()
    with _bar() as progress:
        made = crowd.gather(
            args.residents, args.seed, clock.now(), lambda done, whole: progress(done, whole, "居民与签约")
        )
    text = f"已装入 {made.residents} 名虚构居民，其中 {made.contracts} 份在期签约；年度由 yishe population run 写出。"
    result(asdict(made), text, as_json=args.json)
    return 0


@contextmanager
def _bar() -> Iterator[demo.Progress]:
    columns = (
        TextColumn("装入演示社区"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True)) as bar:
        task = bar.add_task("")
        yield lambda done, total, words: bar.update(task, completed=done, total=total, description=words)


def accounts(args: argparse.Namespace) -> int:
    """Refused outside a demo database."""
    readiness.require()
    rows = demo.accounts(clock.now())
    if args.json:
        result(rows, "", as_json=True)
        return 0
    table = Table("账号", "密码", "姓名", "职责", "团队", "中心", title="演示账号", title_justify="left")
    for row in rows:
        cells = (
            row["username"],
            row["password"],
            row["name"],
            "、".join(row["titles"]),
            row["team"],
            row["centre"],
        )
        table.add_row(*(cell or "" for cell in cells))
    Console(width=140).print(table)
    return families(args)


def families(args: argparse.Namespace) -> int:
    """Refused outside a demo database."""
    readiness.require()
    rows = demo.own_accounts(clock.now())
    if args.json:
        result(rows, "", as_json=True)
        return 0
    title = "居民和家属从 /my 登录；登录码由本窗口的服务打印"
    table = Table("身份", "姓名", "手机号", "出生日期", "是谁的家属", title=title, title_justify="left")
    for row in rows:
        table.add_row(row["who"], row["name"], row["phone"], row["birth_date"], row["of"])
    if rows:
        Console(width=140).print(table)
    return 0
