"""yishe report closing."""

import argparse
from typing import Any

from yishe.doors.cli import arguments
from yishe.doors.cli.printing import result
from yishe.insight import report
from yishe.people import actors
from yishe.trust import clock


def register(commands: Any) -> None:
    acts = commands.add_parser("report", help="numbers").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    closing_ = acts.add_parser("closing", help="the measures of closing, by month of promise")
    closing_.add_argument("--since", type=arguments.local_day, metavar="DATE")
    closing_.add_argument("--until", type=arguments.local_day, metavar="DATE")
    closing_.add_argument("--json", action="store_true")
    closing_.set_defaults(run=closing)


def closing(args: argparse.Namespace) -> int:
    """Everything in the database; both days are included."""
    found = report.closing(actors.SYSTEM, at=clock.now(), since=args.since, until=args.until)
    result(found, _text(found), as_json=args.json)
    return 0


def _text(found: dict[str, Any]) -> str:
    lines = [
        f"{found['scope']} {found['since']} 至 {found['until']}：发出 {found['total']['sent']['count']} 件"
    ]
    for name, measure in found["total"]["measures"].items():
        top, bottom = measure["numerator"]["count"], measure["denominator"]["count"]
        share = f"{measure['share']:.0%}" if measure["share"] is not None else "—"
        lines.append(f"  {report.MEASURES.get(name, name)}　{share}（{top}/{bottom}）")
    return "\n".join(lines)
