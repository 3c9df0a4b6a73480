"""One-time codes, for those who have no password: sent to a phone, or printed on a slip at the desk.

Asking is the same act for every number, known or not; who is known is found out when the code is carried (talk.codes).
Kept is a keyed hash; a code proves once, within its life, and every typing of it or after it counts.
"""

import hashlib
import hmac
import secrets
from datetime import datetime
from uuid import UUID

from django.db.models import F

from yishe.policy.refusals import Conflict, Unauthenticated
from yishe.policy.sign_in_rules import Codes, Slips
from yishe.trust import ciphers, commit, guessing, ids, keys
from yishe.trust.commit import Bundle
from yishe.trust.guessing import Try
from yishe.trust.models import OneTimeCode

USE = "one_time_code"
CODE, SLIP = "code", "slip"
OVER = "登录码已过期、已用过，或输错太多次：请重新要一个。"
WRONG = "登录码不对：请核对后再输一次；输错几次以后要重新要一个。"


# Writers


def ask(bundle: Bundle, phone: str, person: UUID | None, at: datetime, rule: Codes) -> UUID:
    """Take down that `phone` wants a code; `person` is the relative who says it is his. Conflict when the number asked too
    often, whoever's it is."""
    seen = _blind(phone)
    if (
        OneTimeCode.objects.filter(phone_blind=seen, asked_at__gt=at - rule.within.exact()).count()
        >= rule.asked
    ):
        minutes = int(rule.within.exact().total_seconds() // 60)
        raise Conflict(
            "asked_too_often", f"这个号码要登录码的次数太多：请 {minutes} 分钟后再试，或到服务台打印登录码。"
        )
    made = ids.random()
    sealed = ciphers.lock(keys.house_key(USE), phone.encode(), made.bytes)
    bundle.insert(
        OneTimeCode, id=made, way=CODE, person=person, phone_blind=seen, phone_sealed=sealed, asked_at=at,
        ends_at=at + rule.life.exact(),
    )  # fmt: skip
    return made


def make(row: OneTimeCode, rule: Codes) -> str:
    """The code itself, told once and kept as a hash. Made again when it could not be carried."""
    code = _digits(rule.digits)
    with commit.atomically():
        OneTimeCode.objects.filter(id=row.id, proved_at=None).update(digest=_digest(row.id.hex, code))
    return code


def print_slip(bundle: Bundle, person: UUID, at: datetime, rule: Slips) -> str:
    """A code for `person` to be handed over on paper; the ones before it are void."""
    void(person)
    code = _digits(rule.digits)
    bundle.insert(
        OneTimeCode, id=ids.random(), way=SLIP, person=person, digest=_digest(SLIP, code), asked_at=at,
        ends_at=at + rule.life.exact(),
    )  # fmt: skip
    return code


def prove(code: UUID, typed: str, tried: Try, rule: Codes) -> None:
    """The code that was sent, typed. Unauthenticated when it is wrong or over; nothing tells for which number."""
    guessing.refuse_flood(tried)
    row = _typed_once_more(code, CODE, tried.at, rule.tries, proved=False)
    if row.digest is None or not hmac.compare_digest(bytes(row.digest), _digest(row.id.hex, _plain(typed))):
        raise guessing.wrong(tried, None, "wrong_code", WRONG)
    _proved(row.id, tried.at)


def prove_slip(typed: str, tried: Try) -> UUID:
    """The slip whose code was typed. It opens nothing by itself: the birth date is asked next."""
    guessing.refuse_flood(tried)
    found = OneTimeCode.objects.filter(
        way=SLIP, digest=_digest(SLIP, _plain(typed)), used_at=None, ends_at__gt=tried.at
    )
    row = found.first()
    if row is None:
        raise guessing.wrong(
            tried, None, "wrong_code", "登录码不对或已过期：请核对纸条，或到服务台再打印一张。"
        )
    OneTimeCode.objects.filter(id=row.id, proved_at=None).update(proved_at=tried.at)
    return row.id


def second_fact(code: UUID, at: datetime, tries: int) -> OneTimeCode:
    """One more typing after a proven code. Unauthenticated when there were too many, or it is over."""
    return _typed_once_more(code, None, at, tries, proved=True)


def use(code: UUID, at: datetime) -> None:
    """Somebody came in by it: it opens nothing any more. Unauthenticated when another was faster."""
    with commit.atomically():
        if not OneTimeCode.objects.filter(id=code, used_at=None, proved_at__isnull=False).update(used_at=at):
            raise Unauthenticated("code_over", OVER)


def fresh(place: str, digits: int) -> tuple[str, bytes]:
    """A code that goes with a link and is told once, and the hash it is kept as. `place` binds it to its link."""
    code = _digits(digits)
    return code, _digest(place, code)


def void(person: UUID) -> None:
    """No slip of this person opens anything any more."""
    with commit.atomically():
        OneTimeCode.objects.filter(person=person, way=SLIP).delete()


def forget(phone: str) -> None:
    """Nothing is kept of who asked from this number."""
    OneTimeCode.objects.filter(phone_blind=_blind(phone)).delete()


def sweep(at: datetime) -> None:
    """Drop what is over."""
    with commit.atomically():
        OneTimeCode.objects.filter(ends_at__lt=at).delete()


def _typed_once_more(code: UUID, way: str | None, at: datetime, tries: int, *, proved: bool) -> OneTimeCode:
    """The row, with this typing counted before it is judged: two at once count twice."""
    living = OneTimeCode.objects.filter(id=code, used_at=None, ends_at__gt=at, tries__lt=tries)
    living = living.filter(proved_at__isnull=not proved)
    living = living.filter(way=way) if way else living
    with commit.atomically():
        if not living.update(tries=F("tries") + 1):
            raise Unauthenticated("code_over", OVER)
    return OneTimeCode.objects.get(id=code)


def _proved(code: UUID, at: datetime) -> None:
    with commit.atomically():
        if not OneTimeCode.objects.filter(id=code, proved_at=None).update(proved_at=at):
            raise Unauthenticated("code_over", OVER)


# Readers


def proved(code: UUID, at: datetime) -> OneTimeCode:
    """A proven code by which nobody has come in yet. Unauthenticated when there is none."""
    row = OneTimeCode.objects.filter(id=code, proved_at__isnull=False, used_at=None, ends_at__gt=at).first()
    if row is None:
        raise Unauthenticated("code_over", OVER)
    return row


def matches(place: str, typed: str, digest: bytes) -> bool:
    """Whether what was typed is the code `fresh` made for this place."""
    return hmac.compare_digest(digest, _digest(place, _plain(typed)))


def found(code: UUID) -> OneTimeCode | None:
    return OneTimeCode.objects.filter(id=code).first()


def phone_of(row: OneTimeCode) -> str:
    """The number that asked, in the clear."""
    return ciphers.unlock(keys.house_key(USE), bytes(row.phone_sealed or b""), row.id.bytes).decode()


def _digits(length: int) -> str:
    return str(secrets.randbelow(10**length)).zfill(length)


def _plain(typed: str) -> str:
    """The digits alone, in ASCII, whatever keyboard they came from."""
    return "".join(str(int(one)) for one in typed if one.isdecimal())[:12]


def _digest(place: str, code: str) -> bytes:
    """Keyed, as six digits are guessed from any other hash at once."""
    return hmac.new(keys.house_key(USE), f"{place}|{code}".encode(), hashlib.sha256).digest()


def _blind(phone: str) -> bytes:
    return keys.blind_everywhere(USE, phone)
