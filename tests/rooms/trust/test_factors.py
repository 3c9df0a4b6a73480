"""The second step: a code of the app or of the paper, each once; guesses are counted with wrong passwords."""

import base64
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from yishe.people import packs
from yishe.policy.refusals import Conflict, Invalid, Unauthenticated, Unavailable
from yishe.policy.sign_in_rules import SignInVersion
from yishe.trust import accounts, factors, keys, recovery, totp
from yishe.trust.guessing import LockedOut, Try
from yishe.trust.models import Account, RecoveryCode, Totp

STEP = timedelta(seconds=30)


@pytest.fixture
def rules(now: datetime) -> SignInVersion:
    return packs.in_force().sign_in(now.date())


@pytest.fixture
def owner(db: None, now: datetime) -> Account:
    return accounts.create_account("limin", "", now, hashed=accounts.NO_PASSWORD)


@pytest.fixture
def stranger(db: None, now: datetime) -> Account:
    return accounts.create_account("stranger", "", now, hashed=accounts.NO_PASSWORD)


class Phone:
    """What the person's app shows, by the phone's own clock."""

    def __init__(self, letters: str) -> None:
        secret = base64.b32decode(letters)
        self._totp = TOTP(secret, 6, SHA1(), 30)  # noqa: S303 - RFC 6238

    def code(self, at: datetime) -> str:
        return self._totp.generate(int(at.timestamp())).decode()


def enrolled(account: Account, at: datetime) -> Phone:
    phone = Phone(totp.begin(account.pk, at))
    totp.confirm(account.pk, phone.code(at), 1, at)
    return phone


def second(account: Account, code: str, at: datetime, rules: SignInVersion) -> str:
    return factors.prove(account, code, Try(account.username, "10.0.0.1", at, rules.guessing), rules)


def test_a_right_code_is_the_second_step(owner: Account, now: datetime, rules: SignInVersion) -> None:
    phone, later = enrolled(owner, now), now + 2 * STEP
    assert second(owner, phone.code(later), later, rules) == "totp"


def test_a_code_is_taken_once_even_when_it_set_up_the_app(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    phone = enrolled(owner, now)
    with pytest.raises(Unauthenticated, match="已经用过"):
        second(owner, phone.code(now), now, rules)
    later = now + 2 * STEP
    second(owner, phone.code(later), later, rules)
    with pytest.raises(Unauthenticated):
        second(owner, phone.code(later), later, rules)


def test_a_code_older_than_the_last_one_taken_is_refused_though_its_time_would_do(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    phone, later = enrolled(owner, now), now + 4 * STEP
    second(owner, phone.code(later), later, rules)
    with pytest.raises(Unauthenticated):
        second(owner, phone.code(later - STEP), later, rules)


@pytest.mark.parametrize(("off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off_and_no_more(
    owner: Account, now: datetime, rules: SignInVersion, off: int, taken: bool
) -> None:
    phone, later = enrolled(owner, now), now + 10 * STEP
    code = phone.code(later + off * STEP)
    if taken:
        assert second(owner, code, later, rules) == "totp"
    else:
        with pytest.raises(Unauthenticated):
            second(owner, code, later, rules)


@pytest.mark.parametrize("shape", ["{0} {1}", " {0}{1} ", "wide"])
def test_a_code_may_be_typed_with_blanks_or_in_wide_digits(
    owner: Account, now: datetime, rules: SignInVersion, shape: str
) -> None:
    phone, later = enrolled(owner, now), now + 2 * STEP
    code = phone.code(later)
    wide = code.translate({ord(digit): chr(ord(digit) + 0xFEE0) for digit in code})
    typed = wide if shape == "wide" else shape.format(code[:3], code[3:])
    assert second(owner, typed, later, rules) == "totp"


@pytest.mark.parametrize("code", ["", "\0", "12345", "1234567", "abcdef", "１２a456", "1" * 5000, "٣٣٣٣٣٣"])
def test_what_is_no_code_opens_nothing(
    owner: Account, now: datetime, rules: SignInVersion, code: str
) -> None:
    enrolled(owner, now)
    with pytest.raises(Unauthenticated):
        second(owner, code, now + 2 * STEP, rules)


def test_guessing_codes_locks_the_account(owner: Account, now: datetime, rules: SignInVersion) -> None:
    phone, later = enrolled(owner, now), now + 2 * STEP
    for _ in range(rules.guessing.failures - 1):
        with pytest.raises(Unauthenticated):
            second(owner, "000000", later, rules)
    with pytest.raises(LockedOut):
        second(owner, "000000", later, rules)
    owner.refresh_from_db()
    with pytest.raises(Unauthenticated, match="锁定"):
        second(owner, phone.code(later), later, rules)


def test_one_persons_code_is_not_anothers(
    owner: Account, stranger: Account, now: datetime, rules: SignInVersion
) -> None:
    mine, later = enrolled(owner, now), now + 2 * STEP
    enrolled(stranger, now)
    with pytest.raises(Unauthenticated):
        second(stranger, mine.code(later), later, rules)


def test_an_app_counts_only_after_its_first_right_code(owner: Account, now: datetime) -> None:
    phone = Phone(totp.begin(owner.pk, now))
    assert not factors.of(owner.pk)
    with pytest.raises(Invalid, match="手机时间"):
        totp.confirm(owner.pk, "000000", 1, now)
    assert not totp.proves(owner.pk, phone.code(now), 1, now)
    totp.confirm(owner.pk, phone.code(now), 1, now)
    assert factors.of(owner.pk).totp
    with pytest.raises(Conflict):
        totp.confirm(owner.pk, phone.code(now), 1, now)


def test_a_new_phone_replaces_the_old_one_only_when_it_works(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    old, later = enrolled(owner, now), now + 2 * STEP
    new = Phone(totp.begin(owner.pk, later))
    assert second(owner, old.code(later), later, rules) == "totp"
    totp.confirm(owner.pk, new.code(later), 1, later)
    after = later + 4 * STEP
    with pytest.raises(Unauthenticated):
        second(owner, old.code(after), after, rules)
    assert second(owner, new.code(after), after, rules) == "totp"


def test_the_secret_lies_sealed_and_opens_at_its_own_row_only(
    owner: Account, stranger: Account, now: datetime
) -> None:
    letters = totp.begin(owner.pk, now)
    secret = base64.b32decode(letters)
    row = Totp.objects.get()
    assert secret not in bytes(row.secret_sealed)
    assert letters.encode() not in bytes(row.secret_sealed)
    totp.begin(stranger.pk, now)
    Totp.objects.filter(account=stranger).update(secret_sealed=row.secret_sealed)
    with pytest.raises(Unavailable, match="恢复码"):
        totp.pending(stranger.pk)


def test_a_recovery_code_opens_once_and_only_for_its_owner(
    owner: Account, stranger: Account, now: datetime, rules: SignInVersion
) -> None:
    first, *others = recovery.renew(owner.pk, 10, now)
    recovery.renew(stranger.pk, 10, now)
    with pytest.raises(Unauthenticated):
        second(stranger, first, now, rules)
    assert second(owner, first.lower().replace("-", " "), now, rules) == "recovery"
    with pytest.raises(Unauthenticated):
        second(owner, first, now, rules)
    assert recovery.left(owner.pk) == len(others) == 9


def test_new_recovery_codes_end_the_old_ones_and_none_lies_in_the_clear(
    owner: Account, now: datetime
) -> None:
    old = recovery.renew(owner.pk, 10, now)
    new = recovery.renew(owner.pk, 10, now)
    assert len(set(new)) == 10
    assert not recovery.proves(owner.pk, old[0], now)
    digests = b"".join(bytes(row.digest) for row in RecoveryCode.objects.all())
    assert not any(code.replace("-", "").encode() in digests for code in new)


def test_recovery_codes_still_open_after_the_root_key_was_read_anew(owner: Account, now: datetime) -> None:
    code = recovery.renew(owner.pk, 4, now)[0]
    keys.forget()
    assert recovery.proves(owner.pk, code, now)


def test_resetting_takes_every_second_factor(owner: Account, now: datetime, rules: SignInVersion) -> None:
    phone, codes = enrolled(owner, now), recovery.renew(owner.pk, 4, now)
    factors.reset(owner.pk, now)
    assert not factors.of(owner.pk)
    later = now + 2 * STEP
    for code in (phone.code(later), codes[0]):
        with pytest.raises(Unauthenticated):
            second(owner, code, later, rules)
