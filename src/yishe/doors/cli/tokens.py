"""yishe token create: a bearer token for the API, printed once and alone."""

import argparse
from typing import Any

from yishe.doors.cli.printing import result
from yishe.people import actors
from yishe.trust import accounts, clock


def register(commands: Any) -> None:
    token = commands.add_parser("token", help="bearer tokens for the API").add_subparsers(
        dest="act", required=True, metavar="ACT"
    )
    create_ = token.add_parser("create", help="print a new token for a member of staff")
    create_.add_argument("--staff", required=True, metavar="USERNAME")
    create_.add_argument("--label", default="yishe token create")
    create_.set_defaults(run=create)


def create(args: argparse.Namespace) -> int:
    """Refused when nobody in service has this user name."""
    account = accounts.named(args.staff)
    actors.actor_for(account.id)
    result(None, accounts.issue_token(account, args.label, clock.now()), as_json=False)
    return 0
