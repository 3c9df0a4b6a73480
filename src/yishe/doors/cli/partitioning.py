"""yishe partition: divide a large table by the centre its rows were born in (docs/decisions/0015)."""

import argparse
from typing import Any

from yishe.doors.cli import arguments
from yishe.doors.cli.printing import result
from yishe.trust import partitions


def register(commands: Any) -> None:
    parser = commands.add_parser(
        "partition", help="PostgreSQL: divide large insert-only tables by their centre, in a quiet hour"
    )
    parser.add_argument(
        "--table", action="append", metavar="TABLE", help=f"default: {', '.join(partitions.USUAL)}"
    )
    parser.add_argument("--parts", type=arguments.count, default=16, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=partition)


def partition(args: argparse.Namespace) -> int:
    """One table after the other, each in a transaction of its own; one that is divided already ends it with a word."""
    for table in args.table or partitions.USUAL:
        rows = partitions.divide(table, args.parts)
        told = {"table": table, "parts": args.parts, "rows": rows}
        result(told, f"{table}：{rows} 行已按中心分成 {args.parts} 份。", as_json=args.json)
    return 0
