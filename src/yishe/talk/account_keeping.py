"""What the administrator of a centre does to a colleague's account, and that the colleague is told.

No resident stands here. Nobody does any of it to himself: whoever has lost his own phone asks another administrator, or
whoever keeps the machine (`yishe account`). Sign-ins live by real time, hence `real` beside the story's `at`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from yishe.people import access, directory, notes, packs
from yishe.people.actors import Actor
from yishe.people.members import Member
from yishe.policy.refusals import Forbidden, NotFound
from yishe.talk import account_news
from yishe.trust import accounts, factors, pins, sessions, sign_in_log
from yishe.trust.factors import Factors
from yishe.trust.models import Account

ACTION = "people.accounts"


@dataclass(frozen=True)
class Kept:
    """One account. `sessions` how many live now, `waiting_until` while it is locked, `given` with a password of somebody
    else's, `own` the administrator's."""

    member: Member
    username: str
    factors: Factors
    sessions: int
    last_in: datetime | None
    waiting_until: datetime | None
    given: bool
    own: bool


# Writers


def give_password(actor: Actor, staff: UUID, at: datetime, real: datetime) -> str:
    """A password made now, to be changed at the first sign-in; every sign-in and PIN ends. Returned once."""
    account = _theirs(actor, staff, at)
    made = accounts.give_password(account, real)
    _end_all(account, "password_given", at, real)
    _done(actor, staff, account, "password_given", at, real)
    return made


def reset_factors(actor: Actor, staff: UUID, at: datetime, real: datetime) -> None:
    """App, passkeys and recovery codes go, and every sign-in with them; where the duty asks for a factor, the next sign-in
    sets one up."""
    account = _theirs(actor, staff, at)
    factors.reset(account.pk, real)
    _end_all(account, "factors_reset", at, real)
    _done(actor, staff, account, "factors_reset", at, real)


def end_sessions(actor: Actor, staff: UUID, at: datetime, real: datetime) -> int:
    """Wherever the colleague is signed in, he is no more. Returns in how many places."""
    account = _theirs(actor, staff, at)
    ended = _end_all(account, "ended_by_admin", at, real)
    _done(actor, staff, account, "sessions_ended", at, real)
    return ended


def unlock(actor: Actor, staff: UUID, at: datetime, real: datetime) -> None:
    """No waiting any more after wrong tries."""
    account = _theirs(actor, staff, at)
    accounts.unlock(account)
    _done(actor, staff, account, "unlocked", at, real)


def _end_all(account: Account, why: str, at: datetime, real: datetime) -> int:
    pins.drop(account=account.pk)
    ended = sessions.end_others(account.pk, None, why, real)
    account_news.ended(account.pk, ended, at)
    return len(ended)


def _done(actor: Actor, staff: UUID, account: Account, what: str, at: datetime, real: datetime) -> None:
    """In the log of the door, among the access lines, and in the colleague's notices."""
    sign_in_log.note(None, what, account.pk, real, by=actor.account_id)
    home = directory.current().staff(staff).home(at)
    notes.deed(None, actor, f"staff.{what}", staff, at, home=home)
    account_news.tell(account.pk, what, at, urgency="orange")


def _theirs(actor: Actor, staff: UUID, at: datetime) -> Account:
    """May I: the account of somebody else who works where I keep accounts."""
    places = reach(actor, at)
    member = directory.current().people.get(staff)
    if staff == actor.staff_id:
        raise Forbidden(
            "own_account", "自己的账号不能自己重设：请另一位管理员办；只有您一位时，请机房用 yishe account 办。",
            action=ACTION,
        )  # fmt: skip
    if member is None or not _among(member, places, at):
        raise NotFound("no_such_person", "您的中心没有这位工作人员：请从名单里选。")
    account = accounts.by_id(member.account)
    if account is None:
        raise NotFound("no_account", f"{member.name} 没有在用的账号：请在人员名册里写上账号名，再导入一次。")
    return account


# Readers


def reach(actor: Actor, at: datetime) -> frozenset[UUID]:
    """The organisations whose accounts this person keeps. Forbidden when there are none."""
    places = access.organisations(actor, ACTION, at)
    if not places:
        raise Forbidden("no_relation", packs.in_force().access.actions[ACTION].refused.zh, action=ACTION)
    return places


def may(actor: Actor, at: datetime) -> bool:
    """Whether there is anything to keep for this person."""
    return bool(access.organisations(actor, ACTION, at))


def kept(actor: Actor, at: datetime, real: datetime) -> Sequence[Kept]:
    """The accounts of those who work there now, by name. Nothing of a resident in it."""
    places = reach(actor, at)
    here = [one for one in directory.current().people.values() if one.account and _among(one, places, at)]
    rows = {
        row.pk: row for row in Account.objects.filter(pk__in=[one.account for one in here], is_active=True)
    }
    living = sessions.counts(rows, real)
    has = factors.of_all(rows)
    found = [
        Kept(
            member, row.username, has[row.pk], living.get(row.pk, 0), row.last_login,
            row.locked_until if row.locked_until and row.locked_until > real else None,
            row.given_at is not None, member.id == actor.staff_id,
        )
        for member in here if member.account and (row := rows.get(member.account))
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.member.name)


def _among(member: Member, places: frozenset[UUID], at: datetime) -> bool:
    return any(post.organisation in places for post in member.held(at))
