"""Browsers that keep their own cookies, phones with an app on them, and accounts with a password, for the tests of
signing in."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.http import HttpResponse
from django.test import Client

from yishe.lab.founding import QuickHasher
from yishe.people import directory
from yishe.people.actors import Actor
from yishe.people.models import Staff
from yishe.talk import delivery
from yishe.talk.models import Notice
from yishe.trust import accounts, clock, totp
from yishe.trust.models import Account

PASSWORD = "一句只有我知道的长长的话"
BASE = Path(__file__).resolve().parents[3] / "packs" / "base"


def account_of(actor: Actor) -> Account:
    """An account with a password for this member of staff, hashed at the least cost: it is typed often here."""
    hashed = QuickHasher().encode(PASSWORD, uuid4().hex)
    made = accounts.create_account(f"u{uuid4().hex[:8]}", PASSWORD, datetime.now(UTC), hashed=hashed)
    Staff.objects.filter(id=actor.staff_id).update(account=made)
    directory.bump()
    return made


class Browser(Client):
    """One browser: its cookies, its forms."""

    def first(self, account: Account, password: str = PASSWORD, wanted: str = "/residents") -> HttpResponse:
        return self.post("/sign-in", {"username": account.username, "password": password, "next": wanted})

    def in_(self, account: Account) -> "Browser":
        assert self.first(account)["Location"] == "/residents"
        return self

    def is_in(self) -> bool:
        return self.get("/residents").status_code == 200


def title(answer: HttpResponse) -> str:
    return answer.content.decode()


def news(actor: Actor) -> set[str]:
    """The topics of what stands in this person's notices."""
    delivery.deliver(datetime.now(UTC) + timedelta(seconds=1), "w")
    return {notice.topic for notice in Notice.objects.filter(person=actor.staff_id)}


class Phone:
    """The app on the person's phone, by the real clock."""

    def __init__(self, letters: str) -> None:
        self._totp = TOTP(base64.b32decode(letters.replace(" ", "")), 6, SHA1(), 30)  # noqa: S303 - RFC 6238
        self.shown: set[str] = set()

    def at(self, moment: datetime) -> str:
        return self._totp.generate(int(moment.timestamp())).decode()

    def code(self) -> str:
        """One not shown before, within a step of now."""
        now = clock.real_now()
        near = (self.at(now + timedelta(seconds=off)) for off in (-30, 0, 30))
        fresh = next(code for code in near if code not in self.shown)
        self.shown.add(fresh)
        return fresh


def with_app(account: Account) -> Phone:
    """The account has an app, set up some minutes ago."""
    at = clock.real_now() - timedelta(minutes=5)
    phone = Phone(totp.begin(account.pk, at))
    totp.confirm(account.pk, phone.at(at), 1, at)
    return phone
