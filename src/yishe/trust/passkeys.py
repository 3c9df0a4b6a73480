"""Passkeys (WebAuthn): a key pair on the person's own device, unlocked by finger, face or PIN.

Asked for with user verification, so one passkey is two factors. Each challenge is for one use, once, for minutes. A
counter that goes back means that there are two of a key: it opens nothing any more.
"""

import json
import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from yishe.policy.refusals import Conflict, Invalid, NotFound, Unauthenticated
from yishe.trust import accounts, commit, sign_in_log
from yishe.trust.models import Account, Challenge, Passkey

ADD, PROVE = "add", "prove"
CHALLENGE_BYTES = 32
MALFORMED = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RecursionError, struct.error,
)  # fmt: skip
OUTER = ("id", "rawId", "type", "authenticatorAttachment")
INNER = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")
"""What of a browser's answer is read; all of it is text."""
"""What the library raises on answers that are no answers."""


@dataclass(frozen=True)
class Site:
    """Where passkeys are made for: the domain they are bound to, and the addresses they may be used from."""

    domain: str
    name: str
    origins: frozenset[str]

    def server(self) -> Fido2Server:
        party = PublicKeyCredentialRpEntity(id=self.domain, name=self.name)
        return Fido2Server(party, verify_origin=lambda origin: origin in self.origins)


Asked = tuple[UUID, dict[str, Any]]
"""A challenge's id, and what the browser is asked with it."""


def ask_to_add(account: Account, name: str, site: Site, ends_at: datetime) -> Asked:
    """Options for navigator.credentials.create. `name` is what the person's device will show."""
    user = PublicKeyCredentialUserEntity(id=account.pk.bytes, name=account.username, display_name=name)
    options, _ = site.server().register_begin(
        user,
        [_attested(row) for row in of(account.pk)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=(challenge := os.urandom(CHALLENGE_BYTES)),
    )
    return _challenge(ADD, account.pk, challenge, ends_at), _plain(options)


def add(account: Account, challenge: UUID, answer: Any, label: str, site: Site, at: datetime) -> Passkey:
    """Keep the key that the browser made. Invalid when the answer does not fit what was asked."""
    credential, counter = registered(_take(challenge, ADD, at, account.pk), answer, site)
    try:
        with commit.atomically():
            row = Passkey.objects.create(
                account=account, handle=credential.credential_id, credential=bytes(credential),
                counter=counter, label=_label(label), created_at=at,
            )  # fmt: skip
            sign_in_log.note(None, "passkey_added", account.pk, at)
    except IntegrityError:
        raise Conflict("passkey_known", "这把通行密钥已经添加过。") from None
    return row


def ask_to_prove(account: UUID | None, site: Site, ends_at: datetime) -> Asked:
    """Options for navigator.credentials.get. Without an account the device offers whichever keys it holds for us."""
    rows = of(account) if account else None
    options, _ = site.server().authenticate_begin(
        [_attested(row) for row in rows] if rows is not None else None,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=(challenge := os.urandom(CHALLENGE_BYTES)),
    )
    return _challenge(PROVE, account, challenge, ends_at), _plain(options)


def prove(challenge: UUID, answer: Any, site: Site, at: datetime) -> Account:
    """Who signed the challenge. Unauthenticated when nobody we know did, or a copied key did."""
    asked = _take(challenge, PROVE, at)
    row, counter = _signed(asked, answer, site)
    account = accounts.by_id(row.account_id)
    if account is None or (asked.account is not None and asked.account != account.pk):
        raise Unauthenticated("wrong_passkey", "这把通行密钥不是这个账号的：请换一把，或用密码登录。")
    went_back = bool(counter or row.counter) and counter <= row.counter
    if row.suspect_at is not None or went_back:
        _suspect(row, at)
        raise Unauthenticated(
            "copied_passkey", "这把通行密钥的计数倒退，可能被复制，已停用：请用其他方式登录并删除它。"
        )
    with commit.atomically():
        moved = Passkey.objects.filter(id=row.id, counter=row.counter, suspect_at=None)
        if not moved.update(counter=counter, used_at=at):
            raise Unauthenticated("raced_passkey", "这把通行密钥刚在另一处使用：请再试一次。")
    return account


def remove(account: UUID, passkey: UUID, at: datetime) -> None:
    with commit.atomically():
        if not Passkey.objects.filter(id=passkey, account=account).delete()[0]:
            raise NotFound("no_passkey", "没有这把通行密钥，或它已删除。")
        sign_in_log.note(None, "passkey_removed", account, at)


def of(account: UUID) -> Sequence[Passkey]:
    """The account's keys, those under suspicion too."""
    return list(Passkey.objects.filter(account=account).order_by("created_at"))


def has(account: UUID) -> bool:
    return Passkey.objects.filter(account=account, suspect_at=None).exists()


def holders(accounts: Iterable[UUID]) -> set[UUID]:
    """Who of these has one."""
    rows = Passkey.objects.filter(account__in=list(accounts), suspect_at=None)
    return set(rows.values_list("account", flat=True))


def sweep(at: datetime, kept: timedelta) -> None:
    """Drop challenges that were over long ago."""
    with commit.atomically():
        Challenge.objects.filter(ends_at__lt=at - kept).delete()


def registered(asked: Challenge, answer: Any, site: Site) -> tuple[AttestedCredentialData, int]:
    """The key in the browser's answer, and its counter. Invalid when it does not fit what was asked."""
    try:
        made = site.server().register_complete(_state(asked), _answer(answer))
        return _required(made.credential_data), made.counter
    except MALFORMED:
        raise Invalid("bad_passkey", "这把通行密钥没有通过校验，没有添加：请重新试一次。") from None


def response(answer: Any) -> AuthenticationResponse:
    """The browser's answer, read. Unauthenticated when it is none."""
    try:
        return AuthenticationResponse.from_dict(_answer(answer))
    except MALFORMED:
        raise _unproved() from None


def _signed(asked: Challenge, answer: Any, site: Site) -> tuple[Passkey, int]:
    """The key that signed what was asked, and its counter."""
    given = response(answer)
    row, owner = Passkey.objects.filter(handle=given.raw_id).first(), given.response.user_handle
    if row is None or (owner is not None and owner != row.account_id.bytes):
        raise _unproved()
    try:
        site.server().authenticate_complete(_state(asked), [_attested(row)], given)
    except MALFORMED:
        raise _unproved() from None
    return row, given.response.authenticator_data.counter


def _unproved() -> Unauthenticated:
    return Unauthenticated("bad_passkey", "通行密钥没有通过校验：请重新试一次，或用密码登录。")


def _suspect(row: Passkey, at: datetime) -> None:
    with commit.atomically():
        if Passkey.objects.filter(id=row.id, suspect_at=None).update(suspect_at=at):
            sign_in_log.note(None, "passkey_suspect", row.account_id, at)


def _challenge(use: str, account: UUID | None, challenge: bytes, ends_at: datetime) -> UUID:
    with commit.atomically():
        return Challenge.objects.create(use=use, account=account, challenge=challenge, ends_at=ends_at).id


def _take(challenge: UUID, use: str, at: datetime, account: UUID | None = None) -> Challenge:
    """The challenge, used from now on. Invalid when it was used, is over, or was for something else."""
    found = Challenge.objects.filter(id=challenge, use=use, used_at=None, ends_at__gt=at)
    found = found.filter(account=account) if account else found
    with commit.atomically():
        if not found.update(used_at=at):
            raise Invalid("stale_challenge", "这次验证已过期或已用过：请重新按一次按钮。")
    return Challenge.objects.get(id=challenge)


def _state(asked: Challenge) -> dict[str, Any]:
    """What the library's own `begin` would have returned, kept in our table instead of the browser's session."""
    return {
        "challenge": websafe_encode(bytes(asked.challenge)),
        "user_verification": UserVerificationRequirement.REQUIRED,
    }


def _required(credential: AttestedCredentialData | None) -> AttestedCredentialData:
    if credential is None:
        raise ValueError("a registration without a key")
    return credential


def _attested(row: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(bytes(row.credential))


def _answer(answer: Any) -> Mapping[str, Any]:
    """The answer cut down to what is read. TypeError where that is not text: of a number the library would make as many
    bytes as it says, until the memory is gone."""
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise TypeError("no answer")
    return {**_texts(answer, OUTER), "response": _texts(answer["response"], INNER)}


def _texts(given: dict[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    found = {name: given[name] for name in names if given.get(name) is not None}
    if not all(isinstance(text, str) for text in found.values()):
        raise TypeError("not text")
    return found


def _plain(options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dict(options)))
    return found


def _label(label: str) -> str:
    plain = "".join(one for one in label.strip() if one.isprintable())
    return plain[:40] or "通行密钥"
