"""Signing in: the right password opens, guessing is slowed down, and nothing is given away."""

from datetime import datetime, timedelta

import pytest

from yishe.policy.refusals import Conflict, Invalid, NotFound, Unauthenticated
from yishe.trust import accounts
from yishe.trust.accounts import Throttle
from yishe.trust.models import Account, Token

GOOD = "correct horse battery"
THROTTLE = Throttle(failures=3, window=timedelta(minutes=15), lock=timedelta(minutes=10))


@pytest.fixture
def account(db: None, now: datetime) -> Account:
    return accounts.create_account("limin", GOOD, now)


def tried(password: str, at: datetime, name: str = "limin", source: str = "10.0.0.1") -> Account:
    return accounts.sign_in(name, password, source, at, THROTTLE)


def refused(*args: object, **more: object) -> str:
    with pytest.raises(Unauthenticated) as error:
        tried(*args, **more)  # type: ignore[arg-type]
    return error.value.code


def test_the_right_password_opens(account: Account, now: datetime) -> None:
    assert tried(GOOD, now).pk == account.pk


def test_an_unknown_name_and_a_wrong_password_sound_alike(account: Account, now: datetime) -> None:
    assert refused("wrong", now) == refused("wrong", now, name="nobody") == "wrong_credentials"


def test_after_some_wrong_guesses_even_the_right_password_waits(account: Account, now: datetime) -> None:
    for _ in range(3):
        assert refused("wrong", now) == "wrong_credentials"
    assert refused(GOOD, now + timedelta(minutes=9)) == "locked"
    assert tried(GOOD, now + timedelta(minutes=10, seconds=1)).pk == account.pk


def test_guesses_long_ago_do_not_count(account: Account, now: datetime) -> None:
    for minutes in (0, 10, 20, 30):
        assert refused("wrong", now + timedelta(minutes=minutes)) == "wrong_credentials"
    assert tried(GOOD, now + timedelta(minutes=31)).pk == account.pk


def test_one_address_trying_many_names_is_stopped(account: Account, now: datetime) -> None:
    for number in range(30):
        refused("wrong", now, name=f"name{number}")
    assert refused(GOOD, now) == "too_many"
    assert tried(GOOD, now, source="10.0.0.2").pk == account.pk


def test_a_closed_account_does_not_open(account: Account, now: datetime) -> None:
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert refused(GOOD, now) == "wrong_credentials"


def test_a_user_name_belongs_to_one_person(account: Account, now: datetime) -> None:
    with pytest.raises(Conflict):
        accounts.create_account("limin", GOOD, now)
    with pytest.raises(Invalid):
        accounts.set_password(account, "short")


def test_a_token_is_kept_only_as_its_fingerprint_and_can_be_stopped(account: Account, now: datetime) -> None:
    plain = accounts.issue_token(account, "tablet", now)
    row = Token.objects.get()
    assert bytes(row.digest) == accounts.token_digest(plain)
    assert plain.encode() not in bytes(row.digest)
    accounts.revoke_token(row.id, now)
    with pytest.raises(NotFound):
        accounts.revoke_token(row.id, now)
