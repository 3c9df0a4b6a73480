"""yishe tick: do at once what the worker would do by now; in a demo database, move its clock first."""

import argparse
import os
from datetime import datetime
from typing import Any

from yishe.care import class_rounds, departures, rounds
from yishe.doors.cli import arguments, readiness
from yishe.doors.cli.printing import local, result
from yishe.doors.cli.working import BATCH, patience
from yishe.loops import worker
from yishe.talk import bell, delivery
from yishe.trust import clock


def register(commands: Any) -> None:
    tick_ = commands.add_parser("tick", help="run clocks and deliveries until nothing is due")
    tick_.add_argument(
        "--at", type=arguments.moment, metavar="ISO", help="demo only: move the clock forward first"
    )
    tick_.add_argument("--json", action="store_true")
    tick_.set_defaults(run=tick)


def tick(args: argparse.Namespace) -> int:
    """Refused: moving the clock outside a demo database, or backwards. Exit 1 when a loop is stuck."""
    readiness.require()
    at = clock.move_to(args.at) if args.at else clock.now()
    rounds.of_the_day(at)
    class_rounds.keep_up(at)
    swept = worker.sweep_all(at)
    departures.end(at)
    delivered = _deliver_all(at)
    bell.ring_now()
    data = {
        "at": at,
        "loops": swept.looked_at,
        "events": swept.events,
        "changes": swept.changes,
        "stuck": swept.stuck,
        "delivered": delivered,
    }
    text = (
        f"{local(at)}：{swept.looked_at} 件闭环到点，记下 {swept.events} 个事件；"
        f"人员变动 {swept.changes} 条；送达通知 {delivered} 条；卡住 {len(swept.stuck)} 件。"
    )
    result(data, text, as_json=args.json)
    return 1 if swept.stuck else 0


def _deliver_all(at: datetime) -> int:
    name, total = f"tick:{os.getpid()}", 0
    while taken := delivery.deliver(at, name, BATCH, patience=patience(at)):
        total += taken
    return total
