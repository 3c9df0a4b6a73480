"""Whoever lost his password or his phone is helped from the command line, and nobody else's account is touched."""

from datetime import UTC, datetime

import pytest

from yishe.doors.cli import main, readiness
from yishe.trust import accounts, factors, recovery
from yishe.trust.models import Account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "require", lambda: None)


def made(name: str) -> Account:
    account = accounts.create_account(name, "", datetime.now(UTC), hashed=accounts.NO_PASSWORD)
    recovery.renew(account.pk, 4, datetime.now(UTC))
    return account


def test_a_new_password_is_printed_once_and_opens(capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = made("limin"), made("stranger")
    assert main.main(["account", "password", "limin"]) == 0
    said = capsys.readouterr().out.strip()
    mine.refresh_from_db(), other.refresh_from_db()
    assert accounts.proves(mine, said)
    assert not accounts.proves(other, said)


def test_factors_go_and_only_his(capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = made("limin"), made("stranger")
    assert main.main(["account", "reset-factors", "limin"]) == 0
    assert "limin" in capsys.readouterr().out
    assert (factors.of(mine.pk).codes, factors.of(other.pk).codes) == (0, 4)
    assert main.main(["account", "reset-factors", "nobody"]) == 1
