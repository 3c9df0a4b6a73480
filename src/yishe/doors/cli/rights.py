"""yishe rights due | erasures | held: what was erased, what is still kept by law, and its end."""

import argparse
import json
from typing import Any
from uuid import UUID

from yishe.care import erasures
from yishe.doors.cli.printing import result
from yishe.people import actors
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Invalid
from yishe.trust import clock, ids


def register(commands: Any) -> None:
    acts = commands.add_parser("rights", help="erasures, and what law obliges to keep").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    due_ = acts.add_parser(
        "due", help="erase what was kept and whose date has come (the worker does it daily)"
    )
    list_ = acts.add_parser("erasures", help="every erasure, and what is kept of it until when")
    held_ = acts.add_parser("held", help="open what is kept, on a lawful demand; leaves an access line")
    held_.add_argument("held", metavar="ID")
    held_.add_argument(
        "--by", required=True, metavar="STAFF", help="id of the member of staff who answers for it"
    )
    held_.add_argument("--reason", required=True, metavar="WORDS", help="who demands it, under which law")
    for act, run in ((due_, due), (list_, erasures_), (held_, held)):
        act.add_argument("--json", action="store_true")
        act.set_defaults(run=run)


def due(args: argparse.Namespace) -> int:
    ended = erasures.due(SYSTEM, clock.now())
    result({"erased": ended}, f"到期删除 {ended} 类封存材料。", as_json=args.json)
    return 0


def erasures_(args: argparse.Namespace) -> int:
    found = erasures.listed()
    lines = [f"{one['number']}  {one['at']:%Y-%m-%d}  封存：{one['kept'] or '无'}" for one in found]
    result(found, "\n".join(lines) or "还没有删除过。", as_json=args.json)
    return 0


def held(args: argparse.Namespace) -> int:
    wanted, by = ids.parse(args.held), ids.parse(args.by)
    if wanted is None or by is None:
        raise Invalid("bad_id", "封存材料和经办人要用 id 指明：用 yishe rights erasures 查看。")
    found = erasures.open_held(actors.actor_of(by), UUID(str(wanted)), args.reason, clock.now())
    result(found, json.dumps(found, ensure_ascii=False, indent=1), as_json=args.json)
    return 0
