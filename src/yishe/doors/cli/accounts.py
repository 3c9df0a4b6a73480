"""yishe account password, yishe account reset-factors: for whoever has lost his password or his phone."""

import argparse
from typing import Any

from yishe.doors.cli import readiness
from yishe.doors.cli.printing import result
from yishe.talk import account_news
from yishe.trust import accounts, clock, factors, sessions, sign_in_log


def register(commands: Any) -> None:
    acts = commands.add_parser("account", help="a new password, or new factors, for someone").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    for name, what, run in (
        ("password", "print a new password, once and alone", password),
        ("reset-factors", "take away app, passkeys and recovery codes", reset_factors),
    ):
        act = acts.add_parser(name, help=what)
        act.add_argument("username", metavar="USERNAME")
        act.set_defaults(run=run)


def password(args: argparse.Namespace) -> int:
    """Every session ends with the old one; the new one is changed at the first sign-in."""
    readiness.require()
    account, at = accounts.named(args.username), clock.real_now()
    new = accounts.give_password(account, at)
    sign_in_log.note(None, "password_given", account.pk, at, source="cli")
    sessions.end_others(account.pk, None, "password_given", at)
    account_news.tell(account.pk, "password_given", clock.now(), urgency="orange")
    result(None, new, as_json=False)
    return 0


def reset_factors(args: argparse.Namespace) -> int:
    """He sets up new ones at the next sign-in where his duty asks for them."""
    readiness.require()
    account, at = accounts.named(args.username), clock.real_now()
    factors.reset(account.pk, at)
    sign_in_log.note(None, "factors_reset", account.pk, at, source="cli")
    account_news.tell(account.pk, "factors_reset", clock.now(), urgency="orange")
    sessions.end_others(account.pk, None, "factors_reset", at)
    result(None, f"{account.username} 的验证器、通行密钥和恢复码已移除，登录已结束。", as_json=False)
    return 0
