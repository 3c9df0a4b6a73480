"""yishe research extract: make the data of an agreed request on the server, for a file instead of the page."""

import argparse
from pathlib import Path
from typing import Any

from yishe.doors.cli import arguments, readiness
from yishe.doors.cli.printing import result
from yishe.insight import research
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Invalid
from yishe.trust import clock


def register(commands: Any) -> None:
    acts = commands.add_parser("research", help="de-identified data for agreed requests").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    extract = acts.add_parser(
        "extract", help="make the extract of an agreed request (CSV and codebook in a zip)"
    )
    extract.add_argument(
        "request", type=arguments.identifier, metavar="REQUEST", help="the number of the request's loop"
    )
    extract.add_argument("file", type=Path, metavar="FILE.zip")
    extract.add_argument("--json", action="store_true")
    extract.set_defaults(run=make)


def make(args: argparse.Namespace) -> int:
    """Refused before the ethics step agreed, and when too few people consented."""
    readiness.require()
    if args.file.suffix.lower() != ".zip" or not args.file.parent.is_dir():
        raise Invalid("bad_file", f"写不到 {args.file}：请给一个已有文件夹里的 .zip 文件名。")
    at = clock.now()
    made = research.make(SYSTEM, args.request, at)
    args.file.write_bytes(research.given_out(SYSTEM, args.request, made, at))
    text = "\n".join([f"已写入 {args.file}。", *(f"  {label}　{said}" for label, said in made.report)])
    result(dict(made.report), text, as_json=args.json)
    return 0
