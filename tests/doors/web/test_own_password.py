"""A password that somebody else gave opens one page only: the one where its person chooses his own."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.people_at_the_door import PASSWORD, Browser, title
from tests.rooms.care.world import World, build
from yishe.doors.live import who
from yishe.loops import kinds
from yishe.people import organisations
from yishe.people.actors import SYSTEM
from yishe.policy.refusals import Unauthenticated
from yishe.trust import accounts, clock
from yishe.trust.models import Account, SignInEvent

GIVEN, OWN = "slip-of-paper-7Q", "只有我自己知道的一句话"


@pytest.fixture
def world(db: None) -> World:
    kinds.forget()
    return build(datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def newcomer(world: World) -> Account:
    """A community worker just taken on, with a password on a slip of paper."""
    organisations.hire(
        SYSTEM, name="周网格", organisation=world.team.id, duties=["community_worker"], at=datetime.now(UTC),
        username="zhou", password=GIVEN,
    )  # fmt: skip
    return Account.objects.get(username="zhou")


def choose(browser: Browser, password: str, again: str = "") -> str:
    answer = browser.post(
        "/sign-in/own-password", {"password": password, "again": again or password, "next": "/loops"}
    )
    return answer.headers.get("Location", "") or title(answer)


def test_nothing_opens_until_a_newcomer_has_chosen_his_own(newcomer: Account) -> None:
    browser = Browser()
    browser.first(newcomer, GIVEN)
    assert browser.get("/loops")["Location"] == "/sign-in/own-password?next=/loops"
    assert browser.post("/team/leave", {})["Location"] == "/sign-in/own-password?next=/"
    cookie = f"sessionid={browser.cookies['sessionid'].value}; device={browser.cookies['device'].value}"
    with pytest.raises(Unauthenticated):
        who.came({"headers": [(b"cookie", cookie.encode())]})
    assert "换一个只有自己知道的" in choose(browser, GIVEN)
    assert "不一样" in choose(browser, OWN, "something else")
    assert choose(browser, OWN) == "/loops"
    assert browser.get("/loops").status_code == 200
    assert SignInEvent.objects.filter(account=newcomer.pk, kind="password_changed").count() == 1
    assert Browser().first(newcomer, OWN)["Location"] == "/residents"


def test_a_slip_of_paper_that_lay_too_long_opens_nothing(newcomer: Account) -> None:
    Account.objects.update(given_at=clock.real_now() - timedelta(days=31))
    assert "初始密码已过期" in title(Browser().first(newcomer, GIVEN))


def test_who_chose_his_password_never_meets_the_page_and_no_stranger_does(newcomer: Account) -> None:
    assert Browser().get("/sign-in/own-password")["Location"] == "/sign-in"
    accounts.set_password(newcomer, PASSWORD, who.admission.rules(clock.real_now()).password)
    browser = Browser().in_(newcomer)
    assert browser.get("/sign-in/own-password")["Location"] == "/"
    assert browser.post("/sign-in/own-password", {"password": OWN, "again": OWN})["Location"] == "/"
    assert Browser().first(newcomer, OWN).status_code == 401
