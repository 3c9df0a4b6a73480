"""账号: an administrator helps a colleague who has lost the way in; every act is written down and told to him, and nobody
does it to himself."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.people_at_the_door import PASSWORD, Browser, account_of, news, title, with_app
from tests.rooms.care.world import World, build
from tests.rooms.insight.people import joined
from yishe.loops import kinds
from yishe.people import actors
from yishe.people.actors import Actor
from yishe.trust import accounts, clock, factors
from yishe.trust.models import AccessLine, Account, Session, SignInEvent


@pytest.fixture
def world(db: None) -> World:
    kinds.forget()
    return build(datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def keeper(world: World) -> Actor:
    """吴管理员 keeps the accounts of the centre."""
    return joined("吴管理员", "administrator", world.centre.id, datetime.now(UTC))


@pytest.fixture
def desk(keeper: Actor) -> Browser:
    return Browser().in_(account_of(keeper))


@pytest.fixture
def nurse(world: World) -> Account:
    return account_of(world.nurse)


def of(actor: Actor, act: str) -> str:
    return f"/team/accounts/{actor.staff_id}/{act}"


def test_the_page_lists_the_centres_accounts_and_nothing_of_a_resident(
    world: World, desk: Browser, nurse: Account
) -> None:
    stranger = account_of(world.stranger)
    page = title(desk.get("/team/accounts"))
    assert nurse.username in page
    assert stranger.username not in page
    assert "自己的请另一位管理员办" in page
    assert "王秀兰" not in page
    assert "王＊兰" not in page
    assert 'href="/team/accounts"' in title(desk.get("/team"))
    assert AccessLine.objects.filter(action="staff.accounts").count() == 1


def test_a_lost_password_is_replaced_by_one_for_once_and_its_person_hears_of_it(
    world: World, keeper: Actor, desk: Browser, nurse: Account
) -> None:
    hers = Browser().in_(nurse)
    page = title(desk.post(of(world.nurse, "password")))
    found = re.search(r'class="secret">([\w-]{16})<', page)
    assert found
    assert not hers.is_in()
    assert Browser().first(nurse).status_code == 401
    assert hers.first(nurse, found[1]).status_code == 302
    assert hers.get("/loops")["Location"].startswith("/sign-in/own-password")
    assert "account.password_given" in news(world.nurse)
    line = SignInEvent.objects.get(kind="password_given", account=nurse.pk)
    assert line.by == actors.actor_of(keeper.staff_id).account_id
    assert AccessLine.objects.filter(action="staff.password_given", actor=keeper.staff_id).count() == 1


def test_a_lost_phone_is_forgotten_and_every_sign_in_with_it(
    world: World, desk: Browser, nurse: Account
) -> None:
    hers = Browser().in_(nurse)
    with_app(nurse)
    assert desk.post(of(world.nurse, "factors")).status_code == 302
    assert not factors.of(nurse.pk)
    assert not hers.is_in()
    assert "account.factors_reset" in news(world.nurse)


def test_an_account_that_waits_is_let_in_at_once(world: World, desk: Browser, nurse: Account) -> None:
    for _ in range(5):
        Browser().first(nurse, "wrong")
    assert Browser().first(nurse).status_code == 401
    assert "锁定至" in title(desk.get("/team/accounts"))
    assert desk.post(of(world.nurse, "unlock")).status_code == 302
    assert Browser().first(nurse, "wrong once more").status_code == 401
    Browser().in_(nurse)
    assert {"account.locked", "account.unlocked"} <= news(world.nurse)


def test_sign_ins_are_ended_everywhere(world: World, desk: Browser, nurse: Account) -> None:
    two = [Browser().in_(nurse) for _ in range(2)]
    assert "2 处在线" in title(desk.get("/team/accounts"))
    desk.post(of(world.nurse, "sessions"))
    assert [one.is_in() for one in two] == [False, False]
    assert "account.sessions_ended" in news(world.nurse)


@pytest.mark.parametrize("act", ["password", "factors", "sessions", "unlock"])
def test_nobody_does_it_to_himself_to_a_stranger_or_without_the_duty(
    world: World, keeper: Actor, desk: Browser, nurse: Account, act: str
) -> None:
    assert "自己的账号不能自己重设" in title(desk.post(of(keeper, act)))
    assert desk.post(of(world.stranger, act)).status_code == 404
    assert "没有在用的账号" in title(desk.post(of(world.doctor, act)))
    assert Browser().in_(account_of(world.director)).post(of(world.nurse, act)).status_code == 403
    assert accounts.proves(Account.objects.get(pk=nurse.pk), PASSWORD)
    assert not SignInEvent.objects.exclude(kind="signed_in").exists()


def test_it_takes_a_proof_that_is_minutes_old(world: World, desk: Browser, nurse: Account) -> None:
    Session.objects.update(proved_at=clock.real_now() - timedelta(minutes=16))
    assert desk.post(of(world.nurse, "password"))["Location"] == "/unlock?next=/team/accounts"
    assert accounts.proves(Account.objects.get(pk=nurse.pk), PASSWORD)
