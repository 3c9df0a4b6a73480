"""yishe ledger verify, yishe ledger rebuild."""

import argparse
from typing import Any

from yishe.doors.cli.printing import result
from yishe.loops import rebuild as refolding
from yishe.trust import ledger


def register(commands: Any) -> None:
    acts = commands.add_parser("ledger", help="prove the ledger and what is folded from it").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    for name, run, told in (
        ("verify", verify, "recompute every hash; name the first broken entry"),
        ("rebuild", rebuild, "refold every loop and report any difference"),
    ):
        act = acts.add_parser(name, help=told)
        act.add_argument("--json", action="store_true")
        act.set_defaults(run=run)


def verify(args: argparse.Namespace) -> int:
    """Exit 1 when an entry was changed, taken out or cut off."""
    found = ledger.verify(refolding.heads())
    broken = found.broken
    data = {
        "ok": broken is None,
        "entries": found.entries,
        "streams": found.streams,
        "broken": {"home": broken.home, "stream": broken.stream, "seq": broken.seq, "reason": broken.reason}
        if broken
        else None,
    }
    text = f"账本完整：{found.entries} 条，{found.streams} 串，全部相符。"
    if broken:
        text = f"账本不符：第一处在 {broken.stream} 第 {broken.seq} 条（{broken.reason}）。请勿改动数据库，联系管理员。"
    result(data, text, as_json=args.json)
    return 1 if broken else 0


def rebuild(args: argparse.Namespace) -> int:
    """Exit 1 when a row differs from what its events say."""
    found = refolding.differences()
    loops = sum(1 for _ in refolding.heads())
    rows = [{"loop": one.loop, "column": one.column, "row": one.row, "ledger": one.replay} for one in found]
    lines = [f"{one.loop} {one.column}：表中 {one.row}，账本 {one.replay}" for one in found]
    text = "\n".join([f"重放 {loops} 件闭环，{len(lines)} 处不同。", *lines])
    result({"ok": not found, "loops": loops, "differences": rows}, text, as_json=args.json)
    return 1 if found else 0
