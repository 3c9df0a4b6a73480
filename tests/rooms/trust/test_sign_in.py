"""Signing in: the right password opens, guessing is slowed down, and nothing is given away."""

from datetime import datetime, timedelta

import pytest

from yishe.policy.durations import parse
from yishe.policy.refusals import Conflict, Invalid, NotFound, Unauthenticated
from yishe.policy.sign_in_rules import Guessing, Password
from yishe.trust import accounts, guessing
from yishe.trust.guessing import LockedOut, Try
from yishe.trust.models import Account, Token

GOOD = "correct horse battery"
RULE = Guessing(
    failures=3, window=parse("15 min"), locked=parse("10 min"), source_failures=30, kept=parse("1 d")
)
PASSWORD = Password(least=10, most=128, given_life=parse("30 d"))


@pytest.fixture
def account(db: None, now: datetime) -> Account:
    return accounts.create_account("limin", GOOD, now)


def tried(password: str, at: datetime, name: str = "limin", source: str = "10.0.0.1") -> Account:
    return accounts.sign_in(password, Try(name, source, at, RULE))


def refused(*args: object, **more: object) -> str:
    with pytest.raises(Unauthenticated) as error:
        tried(*args, **more)  # type: ignore[arg-type]
    return error.value.code


def test_the_right_password_opens(account: Account, now: datetime) -> None:
    assert tried(GOOD, now).pk == account.pk


def test_an_unknown_name_and_a_wrong_password_sound_alike(account: Account, now: datetime) -> None:
    assert refused("wrong", now) == refused("wrong", now, name="nobody") == "wrong_credentials"


def test_after_some_wrong_guesses_even_the_right_password_waits(account: Account, now: datetime) -> None:
    assert [refused("wrong", now) for _ in range(3)] == ["wrong_credentials", "wrong_credentials", "locked"]
    assert refused(GOOD, now + timedelta(minutes=9)) == "locked"
    assert tried(GOOD, now + timedelta(minutes=10, seconds=1)).pk == account.pk


def test_the_guess_that_locks_says_whom_to_tell(account: Account, now: datetime) -> None:
    refused("wrong", now), refused("wrong", now)
    with pytest.raises(LockedOut) as locked:
        tried("wrong", now)
    assert locked.value.account == account.pk
    assert "10 分钟" in locked.value.title


def test_a_name_nobody_has_is_never_locked_nor_told_of(account: Account, now: datetime) -> None:
    assert {refused("wrong", now, name="nobody") for _ in range(5)} == {"wrong_credentials"}


def test_guesses_long_ago_do_not_count(account: Account, now: datetime) -> None:
    for minutes in (0, 10, 20, 30):
        assert refused("wrong", now + timedelta(minutes=minutes)) == "wrong_credentials"
    assert tried(GOOD, now + timedelta(minutes=31)).pk == account.pk


def test_guesses_before_a_whole_sign_in_do_not_count_but_a_password_alone_resets_nothing(
    account: Account, now: datetime
) -> None:
    refused("wrong", now), refused("wrong", now)
    guessing.right(tried(GOOD, now + timedelta(minutes=1)), now + timedelta(minutes=1))
    later = now + timedelta(minutes=2)
    assert refused("wrong", later) == refused("wrong", later) == "wrong_credentials"
    tried(GOOD, later)  # the first step only
    assert refused("wrong", later) == "locked"


def test_one_address_trying_many_names_is_stopped(account: Account, now: datetime) -> None:
    for number in range(30):
        refused("wrong", now, name=f"name{number}")
    assert refused(GOOD, now) == "too_many"
    assert tried(GOOD, now, source="10.0.0.2").pk == account.pk


def test_a_closed_account_does_not_open(account: Account, now: datetime) -> None:
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert refused(GOOD, now) == "wrong_credentials"


def test_an_account_without_a_password_opens_to_none(db: None, now: datetime) -> None:
    accounts.create_account("resident", "", now, hashed=accounts.NO_PASSWORD)
    for guess in ("", "!", "\0"):
        assert refused(guess, now, name="resident", source=f"10.0.1.{len(guess)}") in (
            "wrong_credentials",
            "locked",
        )


@pytest.mark.parametrize(
    "name", ["limin\0", "\0", "l" * 65, "li min", "", " ", "lіmin", "liмin", "李min", "li/min"]
)
def test_names_that_are_none_or_only_look_like_one_open_nothing(
    account: Account, now: datetime, name: str
) -> None:
    assert refused(GOOD, now, name=name) == "wrong_credentials"


def test_a_name_typed_in_full_width_letters_is_the_same_name(account: Account, now: datetime) -> None:
    assert tried(GOOD, now, name=" ｌｉｍｉｎ ").pk == account.pk


@pytest.mark.parametrize("name", ["lіmin", "李min", "", "a\0b", "a b", "x" * 65, "ａ\u202eb"])
def test_an_account_cannot_be_named_to_look_like_another(db: None, now: datetime, name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.create_account(name, GOOD, now)
    assert "账号名" in refusal.value.title


@pytest.mark.parametrize("length", [1025, 2_000_000])
def test_a_password_too_long_to_be_one_costs_no_more_than_a_wrong_one(
    account: Account, now: datetime, length: int
) -> None:
    assert refused("x" * length, now) == "wrong_credentials"


def test_a_user_name_belongs_to_one_person_however_it_is_written(account: Account, now: datetime) -> None:
    for name in ("limin", "LIMIN", "ｌｉｍｉｎ"):
        with pytest.raises(Conflict):
            accounts.create_account(name, GOOD, now)


@pytest.mark.parametrize("password", ["short", "x" * 129, "password123", "my limin word", "null\0null\0"])
def test_a_password_not_worth_having_is_refused_with_its_reason(account: Account, password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.set_password(account, password, PASSWORD)
    assert "密码" in refusal.value.title
    assert password not in refusal.value.title


def test_a_new_password_opens_and_the_old_one_does_not(account: Account, now: datetime) -> None:
    accounts.set_password(account, "一句只有我知道的长长的话", PASSWORD)
    assert refused(GOOD, now) == "wrong_credentials"
    assert tried("一句只有我知道的长长的话", now).pk == account.pk


def test_a_token_is_kept_only_as_its_fingerprint_and_can_be_stopped(account: Account, now: datetime) -> None:
    plain = accounts.issue_token(account, "tablet", now)
    row = Token.objects.get()
    assert bytes(row.digest) == accounts.token_digest(plain)
    assert plain.encode() not in bytes(row.digest)
    accounts.revoke_token(row.id, now)
    with pytest.raises(NotFound):
        accounts.revoke_token(row.id, now)


def test_a_stranger_stops_no_token_of_mine(account: Account, now: datetime) -> None:
    stranger = accounts.create_account("stranger", GOOD, now)
    accounts.issue_token(account, "tablet", now)
    with pytest.raises(NotFound):
        accounts.revoke_token(Token.objects.get().id, now, stranger.pk)
    assert [one.label for one in accounts.tokens(account.pk, now - timedelta(days=1))] == ["tablet"]
    assert accounts.tokens(account.pk, now) == []
