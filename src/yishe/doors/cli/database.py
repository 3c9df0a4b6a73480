"""yishe migrate, yishe makemigrations."""

import argparse
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command

from yishe.doors.cli.printing import remark, result
from yishe.trust import clock, guards, instance


def register(commands: Any) -> None:
    migrate_ = commands.add_parser("migrate", help="make or update the database, its guards and keys")
    migrate_.add_argument(
        "--role",
        metavar="ROLE",
        help="PostgreSQL: let this role run the system, without the right to change the ledger",
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
    call_command("migrate", interactive=False, verbosity=0)
    triggers = guards.install()
    instance.found(clock.now())
    if args.role:
        guards.grant(args.role)
        remark(f"账号 {args.role} 可以运行本系统：账本等只增表只能读和追加，不能改、删、清空，也不能建表。")
    if made:
        remark(f"已生成密钥文件 {settings.SECRET_KEY_FILE}：请与数据库分开备份，丢失后加密内容无法恢复。")
    result(None, f"数据库已就绪（{triggers} 个防篡改触发器）。", as_json=False)
    return 0


def make_migrations(args: argparse.Namespace) -> int:
    try:
        call_command(
            "makemigrations", *args.apps, check_changes=args.check, dry_run=args.dry_run, name=args.name,
            empty=args.empty, interactive=False, stdout=sys.stderr,
        )  # fmt: skip
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0
