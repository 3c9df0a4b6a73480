"""yishe keys rotate, yishe keys status."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from yishe.doors.cli.printing import remark, result
from yishe.trust import clock, keys, root_key, rotation
from yishe.trust.models import Rotation

STAGES = {
    "root": "根密钥换包",
    "centres": "中心密钥换新",
    "subjects": "个人密钥换包",
    "installing": "等待换上新的根密钥",
    "finished": "完成",
}


def register(commands: Any) -> None:
    group = commands.add_parser("keys", help="change keys while the system runs")
    verbs = group.add_subparsers(dest="keys", required=True, metavar="VERB")
    turn = verbs.add_parser("rotate", help="new keys; run it again to go on after an interruption")
    source = turn.add_mutually_exclusive_group()
    source.add_argument(
        "--new-file", type=Path, metavar="FILE", help="the new root key; made when there is none"
    )
    source.add_argument("--new-command", metavar="COMMAND", help="a command that prints the new root key")
    turn.add_argument("--hold", action="store_true", help="stop before the new root key is put in place here")
    turn.add_argument("--json", action="store_true")
    turn.set_defaults(run=rotate)
    status_ = verbs.add_parser("status", help="how far a rotation has come")
    status_.add_argument("--json", action="store_true")
    status_.set_defaults(run=status)


def rotate(args: argparse.Namespace) -> int:
    """Without a new root key only the centres' keys turn. Exit 1 while the new root key is not in place."""
    keys.verify_root()
    with _bar() as bar:
        task = bar.add_task("换钥", total=None)

        def progress(stage: str, done: int, total: int) -> None:
            bar.update(task, description=STAGES[stage], completed=done, total=total or None)

        run = rotation.rotate(clock.now(), _new(args), hold=args.hold, progress=progress)
    _say(run, as_json=args.json)
    return 0 if run.stage == "finished" else 1


def _new(args: argparse.Namespace) -> bytes | None:
    if args.new_command:
        return root_key.from_command(args.new_command)
    if not args.new_file:
        return None
    if root_key.create(args.new_file.expanduser()):
        remark(f"已生成新的根密钥 {args.new_file}：请离线保存一份。")
    return root_key.read(args.new_file.expanduser())


def status(args: argparse.Namespace) -> int:
    run = rotation.running()
    if run is None:
        result({"running": False}, "没有正在进行的换钥。", as_json=args.json)
        return 0
    _say(run, as_json=args.json)
    return 0


def _say(run: Rotation, *, as_json: bool) -> None:
    data = {"stage": run.stage, "done": run.done, "total": run.total, "running": bool(run.running)}
    text = f"换钥：{STAGES[run.stage]}，个人密钥 {run.done} / {run.total}。"
    if run.stage == "installing":
        text += (
            "新旧密钥此刻都能用。请在每台机器上换成新的根密钥，再运行一次 yishe keys rotate，旧密钥即失效。"
        )
    if run.stage == "finished":
        text += "旧的根密钥已打不开任何内容；用它做的备份仍需它，请离线保存到备份过期。"
    result(data, text, as_json=as_json)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
