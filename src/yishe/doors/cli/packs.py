"""yishe pack check | test | schema | explain."""

import argparse
from pathlib import Path
from typing import Any

from yishe.doors.cli.printing import remark, result
from yishe.policy import packs
from yishe.policy.pack_errors import PackErrors

HEAD = "pack.yaml"


def register(commands: Any) -> None:
    acts = commands.add_parser("pack", help="policy packs").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    for name, run, told in (
        ("check", check, "read and check everything, report all mistakes with file and line"),
        ("test", test, "run the packs' own cases"),
        ("schema", schema, "print the JSON Schema of pack files for editors"),
        ("explain", explain, "say in words what the packs declare"),
    ):
        act = acts.add_parser(name, help=told)
        act.add_argument(
            "path", nargs="*", type=Path, metavar="PATH", help="pack folders; default YISHE_PACKS"
        )
        act.add_argument("--json", action="store_true")
        act.set_defaults(run=run)


def check(args: argparse.Namespace) -> int:
    """Exit 1 with every mistake when the packs do not hold."""
    checked, problems = [], []
    for layers in _stacks(args.path):
        try:
            found = packs.load(layers)
        except PackErrors as broken:
            problems += [str(problem) for problem in broken.problems]
        else:
            checked.append(
                {"id": found.id, "version": found.version, "sha256": found.sha256, "kinds": len(found.kinds)}
            )
    problems = list(dict.fromkeys(problems))
    for problem in problems:
        remark(problem)
    lines = [
        f"{one['id']} {one['version']}：{one['kinds']} 种闭环，无误（{one['sha256'][:12]}）"
        for one in checked
    ]
    if problems:
        lines.append(f"共 {len(problems)} 处错误，见上。")
    result({"ok": not problems, "packs": checked, "problems": problems}, "\n".join(lines), as_json=args.json)
    return 1 if problems else 0
