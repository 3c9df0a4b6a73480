"""At the door: a password opens where it suffices, a second step follows where there is one, and nothing is given away."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from tests.doors.web.people_at_the_door import BASE, Browser, Phone, account_of, news, title, with_app
from tests.rooms.care.world import World, build
from tests.rooms.trust.authenticator import Authenticator
from yishe.loops import kinds
from yishe.trust import clock, recovery
from yishe.trust.models import Account


@pytest.fixture
def world(db: None) -> World:
    kinds.forget()
    return build(datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def account(world: World) -> Account:
    return account_of(world.doctor)


# Password


def test_a_password_opens_and_leads_where_one_wanted_to_go(account: Account) -> None:
    browser = Browser()
    assert browser.get("/residents")["Location"] == "/sign-in?next=/residents"
    assert browser.first(account)["Location"] == "/residents"
    assert browser.is_in()


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", "http:///x"]
)
def test_it_never_leads_out_of_the_house(account: Account, wanted: str) -> None:
    assert Browser().first(account, wanted=wanted)["Location"] == "/"


def test_a_wrong_one_says_so_and_the_name_stays(account: Account) -> None:
    answer = Browser().first(account, "wrong")
    assert answer.status_code == 401
    assert "账号或密码不对" in title(answer)
    assert account.username in title(answer)
    assert "wrong" not in title(answer).split("<form")[1].split("password")[1]


def test_whoever_is_locked_out_is_told_in_words_and_by_a_notice(world: World, account: Account) -> None:
    browser = Browser()
    answers = [title(browser.first(account, "wrong")) for _ in range(5)]
    assert "请 15 分钟后再试" in answers[-1]
    assert "请 15 分钟后再试" in title(browser.first(account))
    assert news(world.doctor) == {"account.locked"}
    Account.objects.update(locked_until=None)
    browser.in_(account)
    assert "连续输错被暂时锁定" in title(browser.get("/notices"))


@pytest.mark.parametrize("field", ["username", "password", "next"])
def test_null_characters_and_endless_texts_are_wrong_and_nothing_more(account: Account, field: str) -> None:
    for value in ("\0", "a\0b", "x" * 100_000, "<script>", "\u202e"):
        given = {"username": account.username, "password": "no", "next": "/", field: value}
        assert Browser().post("/sign-in", given).status_code == (400 if "\0" in value else 401)
        Account.objects.update(locked_until=None)


def test_the_cookie_before_the_sign_in_is_worth_nothing_after_it(account: Account) -> None:
    browser, thief = Browser(), Browser()
    with_app(account)
    browser.first(account)
    planted = browser.cookies["sessionid"].value
    recovery_code = recovery.renew(account.pk, 4, clock.real_now())[0]
    browser.post("/sign-in/second", {"code": recovery_code})
    assert browser.is_in()
    thief.cookies["sessionid"] = planted
    thief.cookies["device"] = browser.cookies["device"].value
    assert not thief.is_in()


# The second step


def test_who_has_an_app_is_asked_for_its_code_and_is_not_in_before(account: Account) -> None:
    phone, browser = with_app(account), Browser()
    assert browser.first(account)["Location"] == "/sign-in/second"
    assert not browser.is_in()
    assert browser.post("/sign-in/second", {"code": "000000"}).status_code == 401
    assert browser.post("/sign-in/second", {"code": phone.code()})["Location"] == "/residents"
    assert browser.is_in()


def test_the_same_code_does_not_open_another_browser(account: Account) -> None:
    phone, mine, other = with_app(account), Browser(), Browser()
    code = phone.code()
    mine.first(account), other.first(account)
    mine.post("/sign-in/second", {"code": code})
    assert "已经用过" in title(other.post("/sign-in/second", {"code": code}))
    assert not other.is_in()


def test_the_second_step_alone_leads_nowhere(account: Account) -> None:
    phone = with_app(account)
    for path in ("/sign-in/second", "/sign-in/enrol", "/sign-in/enrol/totp"):
        answer = Browser().post(path, {"code": phone.code()})
        assert answer.status_code == 401
        assert "第一步已过期" in title(answer)


def test_a_password_alone_adds_no_further_app_to_an_account_that_has_one(account: Account) -> None:
    with_app(account)
    browser = Browser()
    browser.first(account)
    for path in ("/sign-in/enrol/totp", "/sign-in/enrol/passkey/ask", "/sign-in/enrol/passkey"):
        assert "已有第二种登录方式" in title(browser.post(path, {"code": "1"}))


def test_a_recovery_code_opens_once_and_its_person_hears_of_it(world: World, account: Account) -> None:
    with_app(account)
    code = recovery.renew(account.pk, 4, clock.real_now())[0]
    first, second = Browser(), Browser()
    first.first(account), second.first(account)
    assert first.post("/sign-in/second", {"code": code})["Location"] == "/residents"
    assert second.post("/sign-in/second", {"code": code}).status_code == 401
    assert "account.recovery_used" in news(world.doctor)


# Duties that ask for one


@pytest.fixture
def strict(settings: LazySettings) -> None:
    """The national pack alone: a doctor may not come in by a password."""
    settings.PACKS = [BASE]
    kinds.forget()


def test_a_duty_that_asks_for_a_second_factor_sets_one_up_on_the_way_in(
    account: Account, world: World, strict: None
) -> None:
    browser = Browser()
    assert browser.first(account)["Location"] == "/sign-in/enrol"
    assert not browser.is_in()
    page = title(browser.get("/sign-in/enrol/totp"))
    letters = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert letters
    assert "<svg" in page
    assert browser.post("/sign-in/enrol/totp", {"code": "000000"}).status_code == 422
    shown = title(browser.post("/sign-in/enrol/totp", {"code": Phone(letters[1]).code()}))
    assert len(re.findall(r"<code>[2-9A-Z]{5}-[2-9A-Z]{5}</code>", shown)) == 10
    assert 'href="/residents"' in shown
    assert browser.is_in()
    assert "account.factor_added" in news(world.doctor)
    assert Browser().first(account)["Location"] == "/sign-in/second"


def test_someone_already_in_by_password_is_asked_when_his_duties_change(
    account: Account, settings: LazySettings
) -> None:
    browser = Browser().in_(account)
    settings.PACKS = [BASE]
    assert browser.get("/residents")["Location"] == "/sign-in/enrol"


# Passkeys


@pytest.fixture
def site(settings: LazySettings) -> None:
    settings.ORIGINS = ["https://yishe.test"]


@pytest.fixture
def safe() -> Callable[[], Browser]:
    return lambda: Browser(headers={"host": "yishe.test"})


def asked(browser: Browser, path: str) -> dict[str, Any]:
    answer = browser.post(path)
    assert answer.status_code == 200, title(answer)
    return dict(json.loads(answer.content))


def answered(given: dict[str, Any], answer: dict[str, Any], **more: str) -> dict[str, str]:
    return {"challenge": given["challenge"], "answer": json.dumps(answer), **more}


def test_a_passkey_is_added_from_the_settings_and_opens_alone(
    account: Account, world: World, site: None, safe: Callable[[], Browser]
) -> None:
    browser, device = safe().in_(account), Authenticator()
    given = asked(browser, "/me/security/passkeys/ask")
    page = browser.post("/me/security/passkeys", answered(given, device.create(given), label="诊室电脑"))
    assert "恢复码" in title(page)
    assert "诊室电脑" in title(browser.get("/me/security"))
    other = safe()
    given = asked(other, "/sign-in/passkey/ask")
    entered = other.post("/sign-in/passkey", answered(given, device.get(given), next="/residents"))
    assert entered["Location"] == "/residents"
    assert other.is_in()


def test_a_replayed_answer_opens_nothing(account: Account, site: None, safe: Callable[[], Browser]) -> None:
    browser, device = safe().in_(account), Authenticator()
    given = asked(browser, "/me/security/passkeys/ask")
    browser.post("/me/security/passkeys", answered(given, device.create(given)))
    given = asked(safe(), "/sign-in/passkey/ask")
    answer = answered(given, device.get(given), next="/residents")
    assert safe().post("/sign-in/passkey", answer).status_code == 302
    thief = safe()
    assert thief.post("/sign-in/passkey", answer).status_code == 401
    assert not thief.is_in()


@pytest.mark.parametrize(
    "answer", ["", "null", "[]", "{}", "{", '{"id": "\\u0000"}', "[" * 3000, "x" * 70_000]
)
def test_an_answer_that_is_none_is_refused_in_words(
    account: Account, site: None, safe: Callable[[], Browser], answer: str
) -> None:
    browser = safe()
    given = asked(browser, "/sign-in/passkey/ask")
    refused = browser.post("/sign-in/passkey", {"challenge": given["challenge"], "answer": answer})
    assert refused.status_code == 401
    assert "通行密钥" in title(refused)
    assert browser.post("/sign-in/passkey", {"challenge": "no id", "answer": answer}).status_code == 401


def test_an_address_nobody_configured_offers_no_passkeys_and_says_why(account: Account) -> None:
    browser = Browser(headers={"host": "10.1.2.3"}).in_(account)
    assert "data-passkey" not in title(browser.get("/sign-in"))
    refused = browser.post("/me/security/passkeys/ask")
    assert refused.status_code == 409
    assert "YISHE_ORIGIN" in title(refused)
