"""yishe ledger …: prove the ledger (doors.cli.digests) and what is folded from it."""

import argparse
from typing import Any

from yishe.care import rebuild as refolding
from yishe.doors.cli import digests
from yishe.doors.cli.printing import result


def register(commands: Any) -> None:
    acts = commands.add_parser("ledger", help="prove the ledger and what is folded from it").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    digests.register(acts)
    act = acts.add_parser("rebuild", help="refold every loop, consent and contract and report any difference")
    act.add_argument("--json", action="store_true")
    act.set_defaults(run=rebuild)


def rebuild(args: argparse.Namespace) -> int:
    """Exit 1 when a row differs from what its events say."""
    found = refolding.differences()
    of = refolding.counts()
    rows = [
        {"stream": one.stream, "column": one.column, "row": one.row, "ledger": one.replay} for one in found
    ]
    lines = [f"{one.stream} {one.column}：表中 {one.row}，账本 {one.replay}" for one in found]
    of_what = (
        f"{of['loops']} 件闭环、{of['consents']} 份同意、{of['contracts']} 份签约、{of['classes']} 人的分类"
    )
    text = "\n".join([f"重放 {of_what}，{len(lines)} 处不同。", *lines])
    result({"ok": not found, **of, "differences": rows}, text, as_json=args.json)
    return 1 if found else 0
