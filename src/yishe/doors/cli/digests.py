"""yishe ledger verify, seal, export-digest: what an inspector asks for."""

import argparse
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from yishe.care import rebuild
from yishe.doors.cli import arguments
from yishe.doors.cli.printing import local, result
from yishe.trust import clock, digests
from yishe.trust.ledger import Broken

REASONS = (
    (r"entry (\d+) is missing", r"缺第 \1 条"),
    (r"does not follow the entry before it", "与上一条不相接"),
    (r"content does not match its hash", "内容与摘要值不符"),
    (r"not the entry that was sealed", "不是日摘要封存时的那一条"),
    (
        r"the row knows entry (\d+), the stream ends at (\d+)",
        r"业务表记得第 \1 条，账本只到第 \2 条或已被改写",
    ),
    (r"entry (\d+) was sealed, the stream ends at (\d+)", r"日摘要封存过第 \1 条，账本只到第 \2 条"),
)


def register(acts: Any) -> None:
    """Adds to the `ledger` group."""
    check = acts.add_parser(
        "verify", help="recompute every hash and digest; name the first that does not hold"
    )
    check.add_argument(
        "--digest", type=arguments.existing_file, metavar="FILE", help="also one that was handed outside"
    )
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=verify)
    close = acts.add_parser("seal", help="sign today's digest of all streams")
    close.add_argument("--at", type=arguments.moment, metavar="ISO", help="demo only: as of this moment")
    close.add_argument("--json", action="store_true")
    close.set_defaults(run=seal)
    give = acts.add_parser("export-digest", help="write the last digest as JSON, to hand outside")
    give.add_argument("file", type=Path, metavar="FILE")
    give.add_argument("--number", type=arguments.count, metavar="N")
    give.set_defaults(run=export)


def verify(args: argparse.Namespace) -> int:
    """Exit 1 when an entry was changed, taken out or cut off, or a digest does not hold."""
    found = digests.prove(rebuild.heads(), args.digest.read_bytes() if args.digest else None)
    broken, flaw, look = found.ledger.broken, found.flaw, found.looks.broken
    data = {
        "ok": found.whole,
        "entries": found.ledger.entries,
        "streams": found.ledger.streams,
        "digests": found.digests,
        "broken": {
            "home": broken.home,
            "stream": broken.stream,
            "seq": broken.seq,
            "reason": broken.reason,
            "at": broken.at,
        }
        if broken
        else None,
        "digest": {"number": flaw.number, "day": flaw.day, "reason": flaw.reason} if flaw else None,
        "lines": found.looks.count,
        "line": asdict(look) if look else None,
    }
    text = (
        f"账本完整：{found.ledger.entries} 条，{found.ledger.streams} 串，全部相符；"
        f"日摘要 {found.digests} 份，最近封存 {local(found.last)}；封存的访问留痕 {found.looks.count} 条，全部相符。"
    )
    faults = ([_entry(broken)] if broken else []) + (
        [f"第 {flaw.number} 份日摘要（{flaw.day or '日期不明'}）：{flaw.reason}。"] if flaw else []
    )
    if look:
        faults.append(f"访问留痕 {look.id}（{local(look.at)}，中心 {look.home}）：{look.reason}。")
    if faults:
        text = "账本不符：" + "".join(faults) + "请勿改动数据库，联系管理员。"
    result(data, text, as_json=args.json)
    return 0 if found.whole else 1


def _entry(broken: Broken) -> str:
    reason = broken.reason
    for pattern, words in REASONS:
        reason = re.sub(pattern, words, reason)
    when = f"，记于 {local(broken.at)}" if broken.at else ""
    return f"第一处在 {broken.stream} 第 {broken.seq} 条{when}（{reason}）。"


def seal(args: argparse.Namespace) -> int:
    """Once a day; a day that is sealed stays as it is."""
    row = digests.seal(clock.move_to(args.at) if args.at else clock.now())
    data = {
        "number": row.number,
        "day": row.day,
        "entries": row.entries,
        "streams": row.streams,
        "hash": bytes(row.hash).hex(),
    }
    text = f"已封存 {row.day} 的日摘要（第 {row.number} 份）：{row.entries} 条，{row.streams} 串，{bytes(row.hash).hex()}"
    result(data, text, as_json=args.json)
    return 0


def export(args: argparse.Namespace) -> int:
    content = digests.export(args.number)
    args.file.write_bytes(content)
    result(
        None,
        f"日摘要已写入 {args.file}：请交给外部保管，日后用 yishe ledger verify --digest 核对。",
        as_json=False,
    )
    return 0
