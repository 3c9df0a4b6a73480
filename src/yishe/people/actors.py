"""Who acts: a signed-in member of staff, or the system itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from yishe.people import directory, packs
from yishe.people.members import Member
from yishe.policy.refusals import Forbidden, Unauthenticated
from yishe.trust import accounts, ids, quick

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in whose name something is done; `member` as the directory knew him when he came in."""

    staff_id: UUID
    account_id: UUID | None
    name: str
    member: Member

    @property
    def is_system(self) -> bool:
        return self.staff_id == ids.SYSTEM


SYSTEM = Actor(ids.SYSTEM, None, "系统", Member(ids.SYSTEM, "系统"))
"""Whatever the clock or a rule does."""


def actor_for(account_id: UUID, known: int | None = None) -> Actor:
    """The member of staff behind an account. Forbidden when the account belongs to nobody who works here."""
    member = directory.current(known).by_account(account_id)
    if member is None:
        raise Forbidden("no_staff", "这个账号没有对应的工作人员：请管理员在“机构与人员”里关联。")
    return Actor(member.id, account_id, member.name, member)


def serving(account_id: UUID, at: datetime, known: int | None = None) -> Actor:
    """Like `actor_for`, for someone who holds a post at that moment. Forbidden when he has left the service."""
    actor = actor_for(account_id, known)
    if not actor.member.held(at):
        raise Forbidden("out_of_service", "您现在没有在任岗位，不能进入：请管理员核对任职后再登录。")
    return actor


def actor_of(staff_id: UUID, known: int | None = None) -> Actor:
    """The same by staff id; `ids.SYSTEM` is the system."""
    if staff_id == ids.SYSTEM:
        return SYSTEM
    member = directory.current(known).staff(staff_id)
    return Actor(member.id, member.account, member.name, member)


_BEARER = """
SELECT account.id, (SELECT version FROM people_directoryversion WHERE id = 1)
FROM trust_token token JOIN trust_account account ON account.id = token.account_id
WHERE token.digest = %s AND token.revoked_at IS NULL AND token.created_at > %s AND account.is_active
"""


BORNE = 2
"""Columns that `bearing` puts before those of its statement."""


def for_token(plaintext: str, at: datetime) -> Actor:
    """The member of staff behind a bearer token, in one statement; Unauthenticated when the token is unknown
    or revoked, older than the pack lets it become, or its owner out of service."""
    rows = quick.rows(_BEARER, bearer(plaintext, at))
    return borne(rows[0] if rows else (None, 0), at)


@cache
def bearing(select: str) -> str:
    """A statement whose rows come behind the bearer of a token, so that both are one look: none without a good token, one
    with nulls where there is nothing else. Its values follow those of `bearer`; its order is lost."""
    return f"SELECT caller.*, asked.* FROM ({_BEARER}) caller LEFT JOIN ({select}) asked ON 1 = 1"


BEARERS = """(SELECT staff.id FROM people_staff staff JOIN trust_token bearer ON bearer.account_id = staff.account_id
    WHERE bearer.digest = %s)"""
"""The member of staff behind a token, within a statement that `bearing` puts behind the look for it."""


def bearer(plaintext: str, at: datetime) -> list[Any]:
    """What the look for a token asks with."""
    born_after = at - packs.in_force().sign_in(at.astimezone(SHANGHAI).date()).token_life.exact()
    return [accounts.token_digest(plaintext), born_after]


def borne(row: Sequence[Any], at: datetime) -> Actor:
    """The member of staff whom the look for a token found. Refused as `for_token`."""
    account, version = quick.uid(row[0]), row[1]
    if account is None:
        raise Unauthenticated(
            "bad_token", "令牌无效、已停用或已过期：请管理员重新发一个（yishe token create）。"
        )
    actor = actor_for(account, version or 0)
    if not actor.member.held(at):
        raise Unauthenticated("out_of_service", "令牌的主人现在没有在任岗位：请管理员核对任职后重试。")
    return actor
