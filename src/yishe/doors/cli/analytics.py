"""yishe analytics export | snapshot: what indicators are counted on, and the indicators of a quarter."""

import argparse
from collections import Counter
from typing import Any

from yishe.doors.cli import readiness
from yishe.doors.cli.population import bar, peak_mb
from yishe.doors.cli.printing import LOCAL, local, result
from yishe.insight import lake, snapshots
from yishe.people import packs
from yishe.policy.indicator_rules import Quarter
from yishe.trust import clock


def register(commands: Any) -> None:
    acts = commands.add_parser("analytics", help="indicators").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    export_ = acts.add_parser("export", help="bring the data that indicators are counted on up to date")
    export_.add_argument(
        "--all", action="store_true", help="read everything again, trust nothing that is there"
    )
    export_.add_argument("--json", action="store_true")
    export_.set_defaults(run=export)
    snapshot_ = acts.add_parser("snapshot", help="count the indicators of a quarter and keep them")
    snapshot_.add_argument("quarter", nargs="?", help="2026Q1; left out, the last one that is over")
    snapshot_.add_argument("--json", action="store_true")
    snapshot_.set_defaults(run=snapshot)


def export(args: argparse.Namespace) -> int:
    """What was erased since the last run is gone from data and lists after this one."""
    readiness.require()
    with bar() as progress:
        done = lake.export(clock.now(), everything=args.all, progress=progress)
    gone = snapshots.forget_gone()
    peak = peak_mb()
    text = (
        f"指标数据共 {done.rows} 行：这次读了 {done.read} 行，写了 {done.written} 个文件，去掉 {done.dropped} 个；"
        f"名单里去掉已删除居民的 {gone} 行。内存最多用到 {peak} MB。"
    )
    result({**vars(done), "gone": gone, "peak_mb": peak}, text, as_json=args.json)
    return 0


def snapshot(args: argparse.Namespace) -> int:
    """Counting again keeps both; the newest stands."""
    readiness.require()
    now = clock.now()
    quarter = Quarter.parse(args.quarter) if args.quarter else Quarter.ended(now.astimezone(LOCAL).date())
    with bar() as progress:
        kept, values = snapshots.take(now, quarter, progress=progress)
    top, bottom = Counter[str](), Counter[str]()
    for one in values:
        top[one.code] += one.numerator
        bottom[one.code] += one.denominator
    told = {code: {"numerator": top[code], "denominator": bottom[code]} for code in bottom}
    lines = [f"{quarter.said}，按 {local(kept.exported_at)} 的数据："]
    lines += [f"  {_line(code, top[code], bottom[code])}" for code in bottom]
    body = {"snapshot": str(kept.id), "quarter": str(quarter), "pack": kept.pack, "values": told}
    result(body, "\n".join(lines), as_json=args.json)
    return 0


def _line(code: str, top: int, bottom: int) -> str:
    share = f"{top / bottom:.1%}" if bottom else "—"
    return f"{packs.in_force().indicator(code).title}　{share}（{top}/{bottom}）"
