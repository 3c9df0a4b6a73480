"""yishe migrate, yishe makemigrations."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from psycopg.errors import LockNotAvailable

from yishe.doors.cli import arguments
from yishe.doors.cli.printing import remark, result
from yishe.policy.refusals import Unavailable
from yishe.trust import clock, guards, instance, storage, straight

MIGRATING = 0x59697368
"""The lock of whoever changes tables."""


def register(commands: Any) -> None:
    migrate_ = commands.add_parser("migrate", help="make or update the database, its guards and keys")
    migrate_.add_argument(
        "--role",
        metavar="ROLE",
        help="PostgreSQL: let this role run the system, without the right to change the ledger",
    )
    migrate_.add_argument(
        "--lock-wait", type=arguments.seconds, default=3.0, metavar="SECONDS", help="for a table"
    )
    migrate_.add_argument(
        "--tries", type=arguments.count, default=20, metavar="N", help="when a table is held"
    )
    migrate_.add_argument(
        "--pause", type=arguments.seconds, default=5.0, metavar="SECONDS", help="between them"
    )
    migrate_.set_defaults(run=migrate)
    make = commands.add_parser("makemigrations", help="for developers: write migrations from the models")
    make.add_argument("apps", nargs="*", metavar="APP")
    make.add_argument("--check", action="store_true", help="exit 1 when a migration is missing")
    make.add_argument("--dry-run", action="store_true")
    make.add_argument("-n", "--name", default=None)
    make.add_argument("--empty", action="store_true")
    make.set_defaults(run=make_migrations)


def migrate(args: argparse.Namespace) -> int:
    """Tables, then triggers, then the key and the first rows; safe to run again."""
    settings.HOME.mkdir(parents=True, exist_ok=True)
    made = instance.prepare_key()
    with _alone():
        triggers = _in_gaps(args.lock_wait, args.tries, args.pause)
    instance.found(clock.now())
    if args.role:
        guards.grant(args.role)
        remark(f"账号 {args.role} 可以运行本系统：账本等只增表只能读和追加，不能改、删、清空，也不能建表。")
    if made:
        remark(f"已生成密钥文件 {settings.SECRET_KEY_FILE}：请与数据库分开备份，丢失后加密内容无法恢复。")
    result(None, f"数据库已就绪（{triggers} 个防篡改触发器）。", as_json=False)
    return 0


def _in_gaps(wait: float, tries: int, pause: float) -> int:
    """Each step takes its locks within `wait` seconds or lets go and comes back: whoever stands in line behind a lock that is
    waited for waits, too. Returns how many triggers there are. Unavailable when there was no gap in all tries."""
    for attempt in range(1, tries + 1):
        _set_wait(wait)
        try:
            call_command("migrate", interactive=False, verbosity=0)
            triggers = guards.install()
            storage.install()
            _set_wait(0)
            return triggers
        except OperationalError as fault:
            if not isinstance(fault.__cause__, LockNotAvailable):
                raise
            if attempt < tries:
                remark(f"有表正被长时间占用，{pause:.0f} 秒后再试（第 {attempt} 次，共 {tries} 次）。")
                time.sleep(pause)
    raise Unavailable(
        "tables_held", f"试了 {tries} 次都等不到空隙，升级停在原处，服务照常：请停掉长时间的查询或批次后再运行 yishe migrate。"
    )  # fmt: skip


def _set_wait(seconds: float) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {round(seconds * 1000)}")


@contextmanager
def _alone() -> Iterator[None]:
    """Two machines that begin at once go one after the other."""
    if connection.vendor != "postgresql":
        yield
        return
    with straight.line() as line:
        got = line.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATING]).fetchone()
        if got != (True,):
            remark("另一台机器正在升级数据库，等它做完…")
            line.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        yield


def make_migrations(args: argparse.Namespace) -> int:
    try:
        call_command(
            "makemigrations", *args.apps, check_changes=args.check, dry_run=args.dry_run, name=args.name,
            empty=args.empty, interactive=False, stdout=sys.stderr,
        )  # fmt: skip
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0
