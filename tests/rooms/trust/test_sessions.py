"""A session is welcome on the device it began on, until it ends, and not while its screen was left alone."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from yishe.people import packs
from yishe.policy.refusals import NotFound
from yishe.policy.sign_in_rules import SignInVersion
from yishe.trust import accounts, devices, sessions
from yishe.trust.models import Account, Device, Session
from yishe.trust.sessions import Arrival, Verdict

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
LIFE = timedelta(days=180)


@pytest.fixture
def rules(now: datetime) -> SignInVersion:
    return packs.in_force().sign_in(now.date())


@pytest.fixture
def owner(db: None, now: datetime) -> Account:
    return accounts.create_account("limin", "", now, hashed=accounts.NO_PASSWORD)


@pytest.fixture
def stranger(db: None, now: datetime) -> Account:
    return accounts.create_account("stranger", "", now, hashed=accounts.NO_PASSWORD)


def device(now: datetime) -> Device:
    return devices.meet("", CHROME, now, LIFE)


def begun(account: Account, on: Device, at: datetime, rules: SignInVersion) -> Session:
    row = sessions.store(f"cookie of {account.username} {Session.objects.count()}", "", None, at)
    sessions.begin(row.id, account, Arrival("password", False, on, "10.0.0.1"), at, rules)
    return Session.objects.get(id=row.id)


def judged(row: Session, on: UUID | None, at: datetime, rules: SignInVersion) -> Verdict:
    row.refresh_from_db()
    return sessions.judge(row, on, at, rules)


def test_it_is_found_by_its_cookie_which_is_kept_nowhere(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    row = sessions.store("the cookie", "data", owner.pk, now)
    assert sessions.shown("the cookie") == row
    assert sessions.shown("another") is None
    assert "the cookie" not in repr(Session.objects.values_list())


def test_it_is_welcome_on_its_own_device_only(owner: Account, now: datetime, rules: SignInVersion) -> None:
    mine, other = device(now), device(now)
    row = begun(owner, mine, now, rules)
    assert judged(row, mine.id, now, rules) is Verdict.WELCOME
    assert judged(row, other.id, now, rules) is Verdict.STRANGE
    assert judged(row, None, now, rules) is Verdict.STRANGE


def test_left_alone_it_locks_and_its_person_opens_it_again(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    mine = device(now)
    row = begun(owner, mine, now, rules)
    idle = rules.screen.idle.exact()
    assert judged(row, mine.id, now + idle - timedelta(seconds=1), rules) is Verdict.WELCOME
    assert judged(row, mine.id, now + idle, rules) is Verdict.LOCKED
    sessions.proved(row.id, now + idle)
    assert judged(row, mine.id, now + idle, rules) is Verdict.WELCOME


def test_a_sign_of_its_person_keeps_it_open_but_not_beyond_its_life(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    mine = device(now)
    row, at = begun(owner, mine, now, rules), now
    while at < now + rules.screen.life.exact():
        assert judged(row, mine.id, at, rules) is Verdict.WELCOME
        sessions.seen(row, at)
        at += timedelta(minutes=20)
    assert judged(row, mine.id, at, rules) is Verdict.ENDED


def test_locking_by_hand_needs_no_waiting(owner: Account, now: datetime, rules: SignInVersion) -> None:
    mine = device(now)
    row = begun(owner, mine, now, rules)
    sessions.lock(row.id, now)
    assert judged(row, mine.id, now, rules) is Verdict.LOCKED


def test_an_ended_one_is_not_found_and_remembers_nothing(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    row = begun(owner, device(now), now, rules)
    sessions.end(owner.pk, row.id, "signed_out", now)
    assert sessions.shown("cookie of limin 0") is None
    row.refresh_from_db()
    assert (row.data, row.ended_why) == ("", "signed_out")
    with pytest.raises(NotFound):
        sessions.end(owner.pk, row.id, "signed_out", now)


def test_a_stranger_ends_no_session_of_mine(
    owner: Account, stranger: Account, now: datetime, rules: SignInVersion
) -> None:
    row = begun(owner, device(now), now, rules)
    with pytest.raises(NotFound):
        sessions.end(stranger.pk, row.id, "ended_elsewhere", now)
    assert sessions.end_others(stranger.pk, None, "ended_elsewhere", now) == []
    assert [one.id for one in sessions.living(owner.pk, now)] == [row.id]


def test_ending_all_others_leaves_this_one(
    owner: Account, stranger: Account, now: datetime, rules: SignInVersion
) -> None:
    kept, *others = (begun(owner, device(now), now, rules) for _ in range(3))
    theirs = begun(stranger, device(now), now, rules)
    assert set(sessions.end_others(owner.pk, kept.id, "password_changed", now)) == {one.id for one in others}
    assert [one.id for one in sessions.living(owner.pk, now)] == [kept.id]
    assert [one.id for one in sessions.living(stranger.pk, now)] == [theirs.id]


def test_a_device_is_known_by_a_token_only_we_make(db: None, now: datetime) -> None:
    known = device(now)
    told = devices.token(known.id)
    assert devices.read(told) == known.id
    assert devices.meet(told, CHROME, now, LIFE).id == known.id
    other = device(now)
    for forged in (
        "", ".", "x", known.id.hex, f"{known.id.hex}.", f"{other.id.hex}.{told.partition('.')[2]}", told + "x",
        told[:-1], f"{known.id}.{told.partition('.')[2]}", "\0" * 40, "李" * 40,
    ):  # fmt: skip
        assert devices.read(forged) is None
        assert devices.meet(forged, CHROME, now, LIFE).id not in (known.id, other.id)


def test_a_device_away_for_long_is_a_new_one(db: None, now: datetime) -> None:
    known = device(now)
    token = devices.token(known.id)
    assert devices.meet(token, CHROME, now + LIFE - timedelta(days=1), LIFE).id == known.id
    assert devices.meet(token, CHROME, now + 3 * LIFE, LIFE).id != known.id


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome · Windows"),
        (f"{CHROME} Edg/126.0", "Edge · Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) Version/17.5 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/126 Mobile Safari MicroMessenger/8.0", "微信 · 安卓"),
        ("", "浏览器 · 未知系统"),
        ("\0" * 3000, "浏览器 · 未知系统"),
    ],
)
def test_a_device_is_called_as_people_call_it(agent: str, name: str) -> None:
    assert devices.described(agent) == name


def test_what_is_long_over_is_swept_and_what_lives_is_not(
    owner: Account, now: datetime, rules: SignInVersion
) -> None:
    begun(owner, device(now), now, rules)
    old = begun(owner, device(now), now, rules)
    sessions.end(owner.pk, old.id, "signed_out", now)
    sessions.store("a visitor", "", None, now)
    assert sessions.sweep(now + timedelta(hours=6), LIFE) == 0
    assert sessions.sweep(now + timedelta(days=2), LIFE) == 1
    assert sessions.sweep(now + 2 * LIFE, LIFE) == 2
