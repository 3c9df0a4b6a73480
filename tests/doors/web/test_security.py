"""登录与设备: one sees where one is signed in and ends it; a stolen cookie, a screen left alone, an old password open
nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.web.people_at_the_door import PASSWORD, Browser, account_of, news, title, with_app
from tests.rooms.care.world import World, build
from yishe.loops import kinds
from yishe.trust import accounts, clock
from yishe.trust.models import Account, Session, SignInEvent

NEW = "另一句谁也猜不到的长长的话"


@pytest.fixture
def world(db: None) -> World:
    kinds.forget()
    return build(datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def account(world: World) -> Account:
    return account_of(world.doctor)


def session_of(browser: Browser) -> Session:
    return Session.objects.filter(device__isnull=False, ended_at=None).order_by("-began_at")[0]


def left_alone(browser: Browser) -> None:
    """Half an hour without a sign of its person."""
    Session.objects.update(seen_at=clock.real_now() - timedelta(minutes=31))


def long_ago() -> None:
    """The last proof is older than what changes of the way in ask for."""
    Session.objects.update(proved_at=clock.real_now() - timedelta(minutes=16))


# Where I am signed in


def test_one_sees_ones_devices_and_ends_one_of_them(account: Account) -> None:
    desk, phone = Browser().in_(account), Browser(headers={"user-agent": "iPhone Safari/6"}).in_(account)
    page = title(desk.get("/me/security"))
    assert page.count("结束这次登录") == 1
    assert "Safari · iPhone" in page
    assert "这一台" in page
    assert phone.is_in()
    assert desk.post(f"/me/security/sessions/{session_of(phone).id}/end").status_code == 302
    assert not phone.is_in()
    assert desk.is_in()


def test_one_ends_all_others_at_once(account: Account) -> None:
    mine, *others = (Browser().in_(account) for _ in range(3))
    mine.post("/me/security/sessions/end-others")
    assert mine.is_in()
    assert [browser.is_in() for browser in others] == [False, False]


def test_a_colleague_ends_no_session_of_mine_and_sees_none(world: World, account: Account) -> None:
    mine, colleague = Browser().in_(account), Browser().in_(account_of(world.nurse))
    row = Session.objects.get(account=account, ended_at=None)
    assert str(row.id) not in title(colleague.get("/me/security"))
    assert colleague.post(f"/me/security/sessions/{row.id}/end").status_code == 404
    colleague.post("/me/security/sessions/end-others")
    assert mine.is_in()


def test_a_sign_in_on_a_new_device_is_told_but_the_first_one_is_not(world: World, account: Account) -> None:
    first = Browser().in_(account)
    assert news(world.doctor) == set()
    first.post("/sign-out")
    first.in_(account)
    assert news(world.doctor) == set()
    Browser().in_(account)
    assert news(world.doctor) == {"account.new_device"}


def test_signing_out_ends_the_session_and_not_only_the_cookie(account: Account) -> None:
    browser, thief = Browser().in_(account), Browser()
    for name in ("sessionid", "device"):
        thief.cookies[name] = browser.cookies[name].value
    assert thief.is_in()
    browser.post("/sign-out")
    assert not thief.is_in()


# A stolen session


def test_a_cookie_shown_from_another_device_ends_for_both_and_its_person_is_told(
    world: World, account: Account
) -> None:
    mine, thief = Browser().in_(account), Browser()
    thief.cookies["sessionid"] = mine.cookies["sessionid"].value
    assert not thief.is_in()
    assert not mine.is_in()
    assert "account.stolen" in news(world.doctor)
    assert SignInEvent.objects.filter(kind="session_stolen", account=account.pk).count() == 1


def test_another_persons_device_cookie_does_not_help_the_thief(world: World, account: Account) -> None:
    mine, thief = Browser().in_(account), Browser().in_(account_of(world.nurse))
    thief.cookies["sessionid"] = mine.cookies["sessionid"].value
    assert not thief.is_in()


# A screen left alone


def test_a_screen_left_alone_locks_and_the_password_brings_the_page_back(account: Account) -> None:
    browser = Browser().in_(account)
    left_alone(browser)
    locked = browser.get("/residents?q=wang")
    assert locked["Location"] == "/unlock?next=/residents%3Fq%3Dwang"
    assert "王秀兰" not in title(browser.get("/unlock?next=/residents"))
    assert browser.post("/unlock", {"password": "wrong", "next": "/residents"}).status_code == 401
    assert not browser.is_in()
    assert browser.post("/unlock", {"password": PASSWORD, "next": "/residents?q=wang"})["Location"] == "/residents?q=wang"  # fmt: skip
    assert browser.is_in()


def test_what_a_page_asks_by_itself_does_not_keep_a_screen_open(account: Account) -> None:
    browser = Browser().in_(account)
    nearly = clock.real_now() - timedelta(minutes=29)
    Session.objects.update(seen_at=nearly)
    browser.get("/residents", headers={"X-By-Itself": "1"})
    assert Session.objects.get(ended_at=None).seen_at == nearly
    browser.get("/residents")
    assert Session.objects.get(ended_at=None).seen_at > nearly


def test_a_part_of_a_page_asked_for_while_locked_tells_the_page_to_lock(account: Account) -> None:
    browser = Browser().in_(account)
    left_alone(browser)
    answer = browser.get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Trigger"], answer.content) == (204, "locked", b"")


def test_what_was_being_sent_waits_sealed_and_is_sent_after_the_proof(account: Account) -> None:
    browser = Browser().in_(account)
    left_alone(browser)
    locked = browser.post(
        "/preferences", {"theme": "dark", "note": "近一月少出门", "password": "x", "next": "/me"}
    )
    assert locked.status_code == 423
    page = title(locked)
    assert "近一月少出门" not in page
    kept = page.split('name="kept" value="')[1].split('"')[0]
    again = title(browser.post("/unlock", {"password": PASSWORD, "kept": kept}))
    assert 'action="/preferences"' in again
    assert 'name="note" value="近一月少出门"' in again
    assert 'name="password"' not in again


def test_what_is_kept_opens_in_no_other_session(world: World, account: Account) -> None:
    mine, colleague = Browser().in_(account), Browser().in_(account_of(world.nurse))
    left_alone(mine)
    page = title(mine.post("/preferences", {"note": "近一月少出门"}))
    kept = page.split('name="kept" value="')[1].split('"')[0]
    for forged in (kept, "", "x", kept[:-4], "A" * 1000):
        answer = colleague.post("/unlock", {"password": PASSWORD, "kept": forged})
        assert answer.status_code == 302
        assert "近一月少出门" not in title(answer)


def test_a_locked_screen_counts_guesses_like_the_door(world: World, account: Account) -> None:
    browser = Browser().in_(account)
    browser.post("/lock")
    answers = [title(browser.post("/unlock", {"password": "wrong"})) for _ in range(5)]
    assert "锁定" in answers[-1]
    assert browser.post("/unlock", {"password": PASSWORD}).status_code == 401


def test_one_may_leave_a_locked_screen_to_somebody_else(world: World, account: Account) -> None:
    browser = Browser().in_(account)
    browser.post("/lock")
    assert browser.post("/sign-out")["Location"] == "/sign-in"
    browser.in_(account_of(world.nurse))


# An open page of somebody else


def test_an_open_page_of_who_was_here_before_shows_and_sends_nothing_as_the_next(
    world: World, account: Account
) -> None:
    browser = Browser().in_(account)
    before = title(browser.get("/")).split('data-person="')[1].split('"')[0]
    browser.post("/sign-out")
    browser.in_(account_of(world.nurse))
    old = {"X-Person": before, "HX-Request": "true"}
    shown = browser.get("/", headers=old)
    assert (shown.status_code, shown["HX-Refresh"], shown.content) == (204, "true", b"")
    sent = browser.post("/notices/read", headers=old)
    assert sent.status_code == 409
    assert "换了人登录" in title(sent)


# Changing the way in


def test_a_new_password_ends_every_other_session(world: World, account: Account) -> None:
    mine, other = Browser().in_(account), Browser().in_(account)
    answer = mine.post("/me/security/password", {"password": NEW, "again": NEW})
    assert answer["Location"] == "/me/security"
    assert mine.is_in()
    assert not other.is_in()
    assert "account.password_changed" in news(world.doctor)
    assert Browser().first(account).status_code == 401
    assert Browser().first(account, NEW)["Location"] == "/residents"


@pytest.mark.parametrize(
    ("password", "again"), [("short", "short"), (NEW, NEW + "x"), ("password123", "password123")]
)
def test_a_bad_new_password_changes_nothing(account: Account, password: str, again: str) -> None:
    browser = Browser().in_(account)
    answer = browser.post("/me/security/password", {"password": password, "again": again})
    assert answer.status_code == 422
    assert password not in title(answer)
    assert Browser().first(account)["Location"] == "/residents"


@pytest.mark.parametrize(
    ("path", "method"),
    [("password", "get"), ("password", "post"), ("totp", "get"), ("totp/remove", "post"), ("passkeys/ask", "post"),
     ("passkeys", "post"), ("recovery", "post")],
)  # fmt: skip
def test_whatever_changes_the_way_in_asks_for_a_fresh_proof(account: Account, path: str, method: str) -> None:
    with_app(account)
    browser = Browser()
    browser.force_login(account)
    long_ago()
    answer = getattr(browser, method)(f"/me/security/{path}", {"password": NEW, "again": NEW})
    assert answer["Location"].startswith("/unlock?next=/me/security")
    browser.post("/unlock", {"password": PASSWORD})
    assert (
        not getattr(browser, method)(f"/me/security/{path}").headers.get("Location", "").startswith("/unlock")
    )


def test_the_last_second_factor_stays_where_a_duty_asks_for_one(account: Account, settings) -> None:  # type: ignore[no-untyped-def]
    phone, browser = with_app(account), Browser()
    browser.first(account)
    browser.post("/sign-in/second", {"code": phone.code()})
    page = title(browser.get("/me/security"))
    assert "移除" in page
    assert browser.post("/me/security/totp/remove")["Location"] == "/me/security"
    phone = with_app(account)
    settings.PACKS = settings.PACKS[:1]
    refused = browser.post("/me/security/totp/remove")
    assert refused.status_code == 409
    assert "必须有第二种登录方式" in title(refused)


# Tokens


def test_ones_tokens_are_listed_with_their_end_and_stopped_by_oneself_only(
    world: World, account: Account
) -> None:
    plain = accounts.issue_token(account, "护士站大屏", datetime.now(UTC))
    mine, colleague = Browser().in_(account), Browser().in_(account_of(world.nurse))
    page = title(mine.get("/me/security"))
    assert "护士站大屏" in page
    assert "到期" in page
    assert plain not in page
    token = page.split("/me/security/tokens/")[1].split("/")[0]
    assert colleague.post(f"/me/security/tokens/{token}/revoke").status_code == 404
    heads = {"authorization": f"Bearer {plain}"}
    assert mine.get("/api/v1/me", headers=heads).status_code == 200
    mine.post(f"/me/security/tokens/{token}/revoke")
    assert mine.get("/api/v1/me", headers=heads).status_code == 401


def test_a_token_older_than_the_pack_lets_it_become_opens_nothing(account: Account) -> None:
    born = datetime.now(UTC)
    for days, status in ((364, 200), (366, 401)):
        plain = accounts.issue_token(account, "t", born - timedelta(days=days))
        answer = Browser().get("/api/v1/me", headers={"authorization": f"Bearer {plain}"})
        assert answer.status_code == status
