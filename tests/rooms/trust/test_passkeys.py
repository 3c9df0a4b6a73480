"""Passkeys: the person's own device signs a fresh challenge; a copy, a replay or another site's answer opens nothing."""

import base64
import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.rooms.trust.authenticator import Authenticator
from yishe.policy.refusals import Conflict, Invalid, NotFound, Refused, Unauthenticated
from yishe.trust import accounts, ids, passkeys
from yishe.trust.models import Account, Challenge, Passkey
from yishe.trust.passkeys import Site

SITE = Site("yishe.test", "Yishe", frozenset({"https://yishe.test"}))
LIFE = timedelta(minutes=5)


@pytest.fixture
def owner(db: None, now: datetime) -> Account:
    return accounts.create_account("limin", "", now, hashed=accounts.NO_PASSWORD)


@pytest.fixture
def stranger(db: None, now: datetime) -> Account:
    return accounts.create_account("stranger", "", now, hashed=accounts.NO_PASSWORD)


def added(owner: Account, now: datetime, device: Authenticator | None = None) -> Authenticator:
    device = device or Authenticator()
    challenge, asked = passkeys.ask_to_add(owner, "李敏", SITE, now + LIFE)
    passkeys.add(owner, challenge, device.create(asked), "我的手机", SITE, now)
    return device


def proved(device: Authenticator, at: datetime, account: Account | None = None) -> Account:
    challenge, asked = passkeys.ask_to_prove(account.pk if account else None, SITE, at + LIFE)
    return passkeys.prove(challenge, device.get(asked), SITE, at)


def test_a_passkey_opens_its_owners_account_without_a_name_or_password(owner: Account, now: datetime) -> None:
    device = added(owner, now)
    assert proved(device, now).pk == owner.pk
    assert proved(device, now, owner).pk == owner.pk
    assert Passkey.objects.get().used_at == now


def test_the_same_answer_never_counts_twice(owner: Account, now: datetime) -> None:
    device = added(owner, now)
    challenge, asked = passkeys.ask_to_prove(None, SITE, now + LIFE)
    answer = device.get(asked)
    passkeys.prove(challenge, answer, SITE, now)
    with pytest.raises(Invalid, match="已用过"):
        passkeys.prove(challenge, answer, SITE, now)
    another, _ = passkeys.ask_to_prove(None, SITE, now + LIFE)
    with pytest.raises(Unauthenticated):
        passkeys.prove(another, answer, SITE, now)


def test_a_challenge_is_over_after_its_minutes(owner: Account, now: datetime) -> None:
    device = added(owner, now)
    challenge, asked = passkeys.ask_to_prove(None, SITE, now + LIFE)
    with pytest.raises(Invalid, match="过期"):
        passkeys.prove(challenge, device.get(asked), SITE, now + LIFE)


def test_a_challenge_for_adding_proves_nothing_and_one_for_another_account_adds_nothing(
    owner: Account, stranger: Account, now: datetime
) -> None:
    device = added(owner, now)
    challenge, asked = passkeys.ask_to_add(owner, "李敏", SITE, now + LIFE)
    with pytest.raises(Invalid):
        passkeys.prove(challenge, device.get(asked), SITE, now)
    with pytest.raises(Invalid):
        passkeys.add(stranger, challenge, Authenticator(handle=b"second").create(asked), "x", SITE, now)


def test_a_counter_that_goes_back_stops_the_key_for_good(owner: Account, now: datetime) -> None:
    device = added(owner, now)
    copied = copy.copy(device)
    proved(device, now)
    with pytest.raises(Unauthenticated, match="可能被复制"):
        proved(copied, now)
    assert Passkey.objects.get().suspect_at == now
    assert not passkeys.has(owner.pk)
    device.counter = 100
    with pytest.raises(Unauthenticated, match="可能被复制"):
        proved(device, now)


def test_a_device_that_never_counts_is_taken_as_it_is(owner: Account, now: datetime) -> None:
    device = added(owner, now, Authenticator(counts=False))
    assert proved(device, now).pk == proved(device, now).pk == owner.pk


@pytest.mark.parametrize(
    "twist",
    [
        lambda device: setattr(device, "origin", "https://yishe.test.evil.example"),
        lambda device: setattr(device, "origin", "http://yishe.test"),
        lambda device: setattr(device, "domain", "evil.example"),
        lambda device: setattr(device, "verifies", False),
        lambda device: setattr(device, "key", Authenticator().key),
        lambda device: setattr(device, "handle", b"nobody knows this one"),
        lambda device: setattr(device, "owner", b"somebody else at all"),
    ],
    ids=["other-origin", "no-tls", "other-domain", "nobody-verified", "other-key", "unknown", "other-owner"],
)
def test_an_answer_from_elsewhere_opens_nothing(
    owner: Account, now: datetime, twist: Callable[[Authenticator], None]
) -> None:
    device = added(owner, now)
    twist(device)
    with pytest.raises(Unauthenticated):
        proved(device, now)


def test_one_persons_key_does_not_answer_for_another(
    owner: Account, stranger: Account, now: datetime
) -> None:
    device = added(owner, now)
    with pytest.raises(Unauthenticated, match="不是这个账号"):
        proved(device, now, stranger)


def test_a_key_of_someone_who_left_opens_nothing(owner: Account, now: datetime) -> None:
    device = added(owner, now)
    Account.objects.filter(pk=owner.pk).update(is_active=False)
    with pytest.raises(Unauthenticated):
        proved(device, now)


def test_a_key_is_added_once_and_only_when_its_person_was_verified(owner: Account, now: datetime) -> None:
    device = added(owner, now)
    with pytest.raises(Conflict):
        added(owner, now, device)
    with pytest.raises(Invalid):
        added(owner, now, Authenticator(handle=b"second", verifies=False))
    assert [key.label for key in passkeys.of(owner.pk)] == ["我的手机"]


def test_only_its_owner_removes_it(owner: Account, stranger: Account, now: datetime) -> None:
    device = added(owner, now)
    key = passkeys.of(owner.pk)[0]
    with pytest.raises(NotFound):
        passkeys.remove(stranger.pk, key.id, now)
    passkeys.remove(owner.pk, key.id, now)
    with pytest.raises(Unauthenticated):
        proved(device, now)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": JSON, "rawId": JSON, "type": JSON,
        "response": JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(
            ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"), JSON)),
    },
)  # fmt: skip


MUCH = 10**12
DEEP = base64.urlsafe_b64encode(b"\x81" * 20_000).decode()
DATA = base64.urlsafe_b64encode(b'{"type":"webauthn.create","challenge":"AA","origin":"x"}').decode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answer=FIELDS)
@example(answer={"rawId": MUCH, "response": {"clientDataJSON": DATA, "attestationObject": "AA"}})
@example(
    answer={"rawId": "AA", "response": {"clientDataJSON": DATA, "authenticatorData": MUCH, "signature": MUCH}}
)
@example(answer={"id": "AA", "rawId": "AA", "response": {"clientDataJSON": DATA, "attestationObject": DEEP}})
def test_whatever_a_browser_sends_ends_as_a_refusal(answer: Any) -> None:
    """Without the database: the two places where an answer is read."""
    account = Account(id=ids.new(), username="x")
    asked = Challenge(challenge=bytes(32), account=account.pk)
    for read in (
        lambda: passkeys.registered(asked, answer, SITE),
        lambda: passkeys.response(answer),
    ):
        with pytest.raises(Refused):
            read()
