"""`yishe COMMAND`: reads the arguments, calls one command, turns its outcome into an exit code.

0 all is well · 1 refused or failed, with one line of reason on standard error · 2 wrong usage. With `--json` a
command that failed before it had a result prints one object all the same: {"ok": false, "code", "title"}.
"""

import argparse
import getpass
import importlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from yishe.doors.cli.printing import remark, result, said
from yishe.policy.pack_errors import PackErrors
from yishe.policy.refusals import Refused
from yishe.trust import ids, logs, origin, straight

HERE = "yishe.doors.cli"
COMMANDS = {
    "migrate": f"{HERE}.database",
    "makemigrations": f"{HERE}.database",
    "partition": f"{HERE}.partitioning",
    "serve": f"{HERE}.serving",
    "worker": f"{HERE}.serving",
    "tick": f"{HERE}.ticking",
    "doctor": f"{HERE}.doctor",
    "metrics": f"{HERE}.metrics",
    "people": f"{HERE}.people",
    "population": f"{HERE}.population",
    "analytics": f"{HERE}.analytics",
    "pack": f"{HERE}.packs",
    "ledger": f"{HERE}.ledger",
    "keys": f"{HERE}.keys",
    "backup": f"{HERE}.backup",
    "restore": f"{HERE}.backup",
    "report": f"{HERE}.reports",
    "research": f"{HERE}.research",
    "rights": f"{HERE}.rights",
    "token": f"{HERE}.tokens",
    "account": f"{HERE}.accounts",
}

POOLED = ("serve", "worker")
"""Many and short-lived in what they ask: these go through a pooler, where there is one; all others past it."""


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """The command `wanted` with its options; all of them when it is none of ours. Only what is asked for is
    imported, so that a small command starts fast."""
    top = argparse.ArgumentParser(prog="yishe", description="Yishe 医社联动")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    homes = [COMMANDS[wanted]] if wanted in COMMANDS else [*_of_other_rooms(wanted)]
    homes = homes or [*COMMANDS.values(), *_of_other_rooms()]
    for home in dict.fromkeys(homes):
        importlib.import_module(home).register(commands)
    return top


def _of_other_rooms(wanted: str = "") -> Iterator[str]:
    """Rooms above the doors name their commands, and the module of them, in their AppConfig."""
    for room in apps.get_app_configs():
        named = getattr(room, "command_line", None)
        if named and (not wanted or wanted in getattr(room, "commands", ())):
            yield named


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    args = parser(words[0] if words else "").parse_args(words)
    command: Callable[[argparse.Namespace], int] = args.run
    try:
        if args.command not in POOLED:
            straight.take()
        with origin.coming_from(_here()):
            return command(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
    except Exception as fault:
        code, title = _words(fault)
        remark(title)
        if getattr(args, "json", False):
            result({"ok": False, "code": code, "title": title}, "", as_json=True)
    return 1


def _here() -> origin.Origin:
    """The machine's user stands behind what a command does."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return origin.Origin("cli", device=f"{user}@{socket.gethostname()}"[:40], request=ids.new())


def _words(fault: Exception) -> tuple[str, str]:
    """The code and the one sentence for what stopped a command."""
    if isinstance(fault, Refused):
        return fault.code, fault.title
    if isinstance(fault, PackErrors):
        return "packs_broken", f"政策包有 {len(fault.problems)} 处错误，未做任何事：\n{fault}"
    if isinstance(fault, DatabaseError | InterfaceError):
        return "database", database_trouble(fault)
    if isinstance(fault, OSError):
        return "files", f"读写失败：{fault.strerror or fault}（{fault.filename or '磁盘或网络'}）。"
    return "internal", _unexpected(fault)


def database_trouble(fault: Exception) -> str:
    """One sentence for what a database said."""
    words = said(fault)
    if "no such table" in words or isinstance(fault, ProgrammingError):
        return f"数据库还没有准备好：请先运行 yishe migrate。（{words}）"
    if "disk" in words or "full" in words:
        return f"磁盘已满或不可写：请腾出空间后重试，已答复的操作都已保存。（{words}）"
    if isinstance(fault, OperationalError | InterfaceError):
        return f"连不上数据库，或数据库正忙：请检查后重试。（{words}）"
    return f"数据库拒绝了这次操作：{words}"


def _unexpected(fault: Exception) -> str:
    """Keep the way it took in a file; say where that is."""
    log = settings.HOME / "errors.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(
                json.dumps({"at": str(datetime.now(UTC)), **logs.told(fault)}, ensure_ascii=False) + "\n"
            )
    except OSError:
        return f"内部错误：{type(fault).__name__}"
    return f"内部错误：{type(fault).__name__}。详情已记入 {log}"
