"""Accounts of those outside the service: residents sign in as themselves, relatives as themselves.

None of them is a member of staff, and no member of staff is one of them: whoever asks `whose` gets one or the other. A
resident acts under the random subject of her own record, a relative under the id that consents name, so ledger and access
lines say who it was and an erasure leaves nothing to find.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from yishe.people import cards, glimpses, placements, search
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.members import Member
from yishe.people.models import Consent, OwnAccount, Resident, Subject
from yishe.people.placements import Placement
from yishe.policy.refusals import Forbidden, Unauthenticated
from yishe.trust import accounts, codes, commit, passkeys, sessions
from yishe.trust.accounts import NO_PASSWORD
from yishe.trust.models import Account


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody outside the service who is signed in. `where` is the resident's own record; None for a relative."""

    account: UUID
    person: UUID
    where: Placement | None

    @property
    def actor(self) -> Actor:
        """In whose name something is done; holds no post anywhere."""
        words = "居民本人" if self.where else "家属"
        return Actor(self.person, self.account, words, Member(self.person, words))


# Writers


def of_resident(resident: UUID, at: datetime) -> Account:
    """The resident's account, made at her first coming."""
    row = OwnAccount.objects.filter(resident=resident).select_related("account").first()
    return row.account if row else _made(at, resident_id=resident)


def of_relative(relative: UUID, at: datetime) -> Account:
    """The relative's account, made at his first coming."""
    row = OwnAccount.objects.filter(relative=relative).select_related("account").first()
    return row.account if row else _made(at, relative=relative)


def _made(at: datetime, **whose: UUID) -> Account:
    with commit.atomically():
        account = accounts.create_account(f"my-{uuid4().hex}", "", at, hashed=NO_PASSWORD)
        OwnAccount.objects.create(account=account, created_at=at, **whose)
    return account


def shut_out(resident: UUID, at: datetime) -> None:
    """The phone on file is another one now: whoever held the one before is out, with what he may have set up."""
    account = OwnAccount.objects.filter(resident=resident).values_list("account", flat=True).first()
    if account is not None:
        for key in passkeys.of(account):
            passkeys.remove(account, key.id, at)
        sessions.end_others(account, None, "phone_changed", at)


def forget(people: Collection[UUID], subjects: Collection[UUID], phones: Iterable[str]) -> None:
    """Erase the accounts of these residents, of relatives who have nobody else, and whatever would still lead in. Inside
    the caller's transaction."""
    named = set(
        Consent.objects.filter(subject__in=subjects, grantee__isnull=False).values_list("grantee", flat=True)
    )
    others = Consent.objects.exclude(subject__in=subjects).filter(grantee__in=named)
    alone = named - set(others.filter(withdrawn_at=None, replaced_at=None).values_list("grantee", flat=True))
    rows = OwnAccount.objects.filter(resident__in=people) | OwnAccount.objects.filter(relative__in=alone)
    gone = list(rows.values_list("account", flat=True))
    OwnAccount.objects.filter(account__in=gone).delete()
    Account.objects.filter(id__in=gone).delete()
    for subject in subjects:
        codes.void(subject)
    for phone in phones:
        codes.forget(phone)


# Readers


def is_own(account: UUID) -> bool:
    """Whether an account is of somebody outside the service."""
    return OwnAccount.objects.filter(account=account).exists()


def whose(account: UUID) -> Own | None:
    """Who stands behind an account; None when it is a member of staff's. Forbidden for who has died or is not known any
    more: nobody else comes in by her account."""
    row = OwnAccount.objects.filter(account=account).first()
    if row is None:
        return None
    if row.relative is not None:
        return Own(account, row.relative, None)
    now = Subject.objects.filter(origin=row.resident_id).values_list("resident", flat=True).first()
    where = placements.placement(now) if now else None
    if where is None or where.deceased_at is not None:
        raise Forbidden("no_resident", "这个账号对应的档案已注销：需要帮助请到服务台。")
    return Own(account, where.subject, where)


def person_of(account: UUID) -> tuple[UUID, UUID] | None:
    """Under which id such a person is told something, and the home it is kept under; None for anybody else, or nobody."""
    try:
        own = whose(account)
    except Forbidden:
        return None
    return (own.person, own.where.home if own.where else own.person) if own else None


def required(account: UUID) -> Own:
    """Like `whose`, but Forbidden for anybody else."""
    found = whose(account)
    if found is None:
        raise Forbidden("not_own", "这里是居民和家属自己的页面：工作人员请用工作账号的页面。")
    return found


def with_phone(phone: str, at: datetime) -> list[Card]:
    """The living residents whose phone on file this is; several may share one. Nobody comes in by the phone of a protected
    person: it may lie in the hands she is protected from. She has slips and passkeys."""
    found = search.carrying_phone(phone, at)
    living = Resident.objects.filter(pk__in=found, merged_into=None, erased_at=None, deceased_at=None)
    return [card for card in cards.opened(living) if card.phone == phone and not card.protected]


def known(phone: str, relative: UUID | None, at: datetime) -> bool:
    """Whether a code for this number would open anything: whose phone it is, or of whom the relative may see something."""
    return bool(glimpses.residents(relative, at) if relative else with_phone(phone, at))


def told_apart(found: Iterable[Card], born: date | None) -> Card:
    """The one of that birth date. Unauthenticated when it is nobody's, or of two at once."""
    fitting = [card for card in found if card.birth_date == born]
    if born is None or len(fitting) != 1:
        raise Unauthenticated(
            "wrong_birth_date", "出生日期对不上：请按身份证上的日期再填一次，或到服务台打印登录码。"
        )
    return fitting[0]


def hears(person: UUID, subject: UUID | None, at: datetime) -> bool:
    """Whether news of a resident is still this person's business: her own, or of one who lets him see."""
    if subject is None:
        return True
    whose = dict(Subject.objects.filter(subject__in=[subject, person]).values_list("subject", "resident"))
    about = whose.get(subject)
    return about is not None and (whose.get(person) == about or bool(glimpses.of(person, about, at)))
