"""yishe population clocks: what the calendar in force makes of the clocks of every open loop."""

import argparse
from collections.abc import Callable

from yishe.doors.cli import readiness
from yishe.doors.cli.printing import LOCAL, result
from yishe.loops import retiming
from yishe.people import packs
from yishe.policy.refusals import Conflict
from yishe.trust import clock

Told = Callable[[str, int, int], None]
WHAT = "闭环时钟"


def run(args: argparse.Namespace, told: Told) -> int:
    """Exit 1 when loops cannot be decided: they are shown as 卡住 and tried again by the worker."""
    readiness.require()
    at = clock.now()
    part = packs.in_force().settings(at.astimezone(LOCAL).date()).clocks.chunk
    looked, stuck = _foretold(args, part, told) if args.dry_run else _retimed(args, part, told)
    if stuck:
        raise Conflict("stuck", f"{stuck} 件闭环算不出新的时钟（共看了 {looked} 件）：见“值班”的卡住一栏。")
    return 0


def _foretold(args: argparse.Namespace, part: int, told: Told) -> tuple[int, int]:
    found = retiming.foreseen(clock.now(), part, lambda done, total: told(WHAT, done, total))
    moved = found.moved.total()
    text = f"在办闭环 {found.looked_at} 件：{moved} 件的时钟会改（下一次提醒提前 {found.earlier} 件，推后 {found.later} 件）。"
    lines = [text, *(f"  {kind} {count}" for kind, count in found.moved.most_common())]
    result({**vars(found), "dry_run": True}, "\n".join(lines), as_json=args.json)
    return found.looked_at, found.stuck


def _retimed(args: argparse.Namespace, part: int, told: Told) -> tuple[int, int]:
    """As the worker does it, only at once: what a killed run reached stands, and the next one goes on behind it."""
    looked, stuck, total = 0, 0, retiming.count()
    while True:
        some, held = retiming.retime(clock.now(), part)
        if not some:
            break
        looked, stuck = looked + some, stuck + len(held)
        told(WHAT, looked, max(total, looked))
    result(
        {"looked_at": looked, "stuck": stuck, "dry_run": False},
        f"看了 {looked} 件在办闭环，时钟已按现行日历。",
        as_json=args.json,
    )
    return looked, stuck
