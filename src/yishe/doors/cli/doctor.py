"""yishe doctor: what is wrong with this installation and what to do about it."""

import argparse
from dataclasses import asdict
from typing import Any

from yishe.doors.cli import findings
from yishe.doors.cli.found import FAULT, OK, Finding
from yishe.doors.cli.printing import result
from yishe.trust import clock

MARKS = {"ok": "好  ", "watch": "留意", "fault": "要办"}


def register(commands: Any) -> None:
    doctor_ = commands.add_parser("doctor", help="what is wrong here, and what to do")
    doctor_.add_argument("--json", action="store_true")
    doctor_.set_defaults(run=doctor)


def doctor(args: argparse.Namespace) -> int:
    """Exit 1 when something has to be done."""
    found = list(findings.all_of(clock.now()))
    result([asdict(one) for one in found], "\n".join(map(_line, found)), as_json=args.json)
    return int(any(one.state == FAULT for one in found))


def _line(one: Finding) -> str:
    return f"{MARKS[one.state]}  {one.what}：{one.says}" + ("" if one.state == OK else f"\n      → {one.do}")
