"""yishe ledger verify, seal, export-digest: what an inspector asks for."""

import argparse
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from yishe.care import rebuild
from yishe.doors.cli import arguments
from yishe.doors.cli.printing import local, remark, result
from yishe.trust import clock, digests
from yishe.trust.verification import Broken, Mark, Refolding, Way

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
    check.add_argument(
        "--refold",
        type=arguments.share,
        metavar="SHARE",
        help="also fold this share of the streams anew, e.g. 1%%",
    )
    check.add_argument(
        "--seed",
        type=arguments.count,
        default=1,
        metavar="N",
        help="which ones: the same for the same number",
    )
    check.add_argument(
        "--after", type=_mark, metavar="HOME:STREAM", help="go on where an earlier run was stopped"
    )
    check.add_argument(
        "--processes", type=arguments.count, metavar="N", help="default: as many as there are cores"
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


def _mark(text: str) -> Mark:
    home, found, stream = text.partition(":")
    if not found:
        raise argparse.ArgumentTypeError(f"看不懂的位置：{text}（照上次停下时所说的填，两个编号之间是冒号）")
    return Mark(arguments.identifier(home), arguments.identifier(stream))


def verify(args: argparse.Namespace) -> int:
    """Exit 1 when an entry was changed, taken out or cut off, a digest does not hold, or a row is not what was folded anew."""
    outside = args.digest.read_bytes() if args.digest else None
    refolding = Refolding(rebuild.compared, args.refold, args.seed) if args.refold else None
    with _progress() as told:
        found = digests.prove(rebuild.heads(), outside, Way(args.after, args.processes, refolding, told))
    result(_told(found), _text(found, since=args.after), as_json=args.json)
    return 0 if found.whole else 1


@contextmanager
def _progress() -> Iterator[Callable[[int, Mark], None]]:
    """A line that counts on a terminal; where it was stopped when it is interrupted."""
    reached: list[Mark] = []
    with Console(stderr=True).status("核对账本 …") as line:
        began = time.monotonic()

        def told(count: int, mark: Mark) -> None:
            reached[:] = [mark]
            line.update(f"已核对 {count} 条，每秒 {count / (time.monotonic() - began):.0f} 条 …")

        try:
            yield told
        except KeyboardInterrupt:
            if reached:
                go_on = f"--after {reached[0].home}:{reached[0].stream}"
                remark(f"已停下；到这里为止的都相符。接着核对：yishe ledger verify {go_on}")
            raise


def _told(found: digests.Proof) -> dict[str, Any]:
    broken, flaw, look = found.ledger.broken, found.flaw, found.looks.broken
    return {
        "ok": found.whole,
        "entries": found.ledger.entries,
        "streams": found.ledger.streams,
        "digests": found.digests,
        "broken": asdict(broken) if broken else None,
        "digest": {"number": flaw.number, "day": flaw.day, "reason": flaw.reason} if flaw else None,
        "lines": found.looks.count,
        "line": asdict(look) if look else None,
        "refolded": found.ledger.refolded,
        "differences": [asdict(one) for one in found.ledger.differences],
    }


def _text(found: digests.Proof, since: Mark | None) -> str:
    ledger, flaw, look = found.ledger, found.flaw, found.looks.broken
    faults = [_entry(ledger.broken)] if ledger.broken else []
    faults += [
        f"{one.stream} {one.column}：表中 {one.row}，账本 {one.replay}。" for one in ledger.differences
    ]
    if flaw:
        faults.append(f"第 {flaw.number} 份日摘要（{flaw.day or '日期不明'}）：{flaw.reason}。")
    if look:
        faults.append(f"访问留痕 {look.id}（{local(look.at)}，中心 {look.home}）：{look.reason}。")
    if faults:
        return "账本不符：" + "".join(faults) + "请勿改动数据库，联系管理员。"
    part = f"（从 {since.home}:{since.stream} 之后起）" if since else ""
    again = f"重放 {ledger.refolded} 串，与业务表相同；" if ledger.refolded else ""
    return (
        f"账本完整{part}：{ledger.entries} 条，{ledger.streams} 串，全部相符；{again}"
        f"日摘要 {found.digests} 份，最近封存 {local(found.last)}；封存的访问留痕 {found.looks.count} 条，全部相符。"
    )


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
