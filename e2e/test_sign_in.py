"""Second factors in a real browser: an app's code, a passkey of a virtual device, and a screen that locks over a form
without losing a word of it, and a tablet that two people use in turns."""

import base64
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.conftest import PASSWORD, WAIT_MS, Server
from e2e.test_access import _both

WITH_APP, WITH_KEY, WRITING = "mazhenhua", "songguifang", "wangjianping"
LEAD, LEAD_NAME, NURSE, NURSE_NAME = "wuguoqiang", "吴国强", "guochunyan", "郭春燕"


@pytest.fixture
def context(server: Server, browser: Browser) -> Iterator[BrowserContext]:
    """A browser at localhost, for which browsers make passkeys without TLS."""
    made = browser.new_context(
        base_url=server.url.replace("127.0.0.1", "localhost"), locale="zh-CN", reduced_motion="reduce"
    )
    made.set_default_timeout(WAIT_MS)
    yield made
    made.close()


def first_step(page: Page, username: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("账号或工号").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))


def code(letters: str, earlier: int = 0) -> str:
    secret = base64.b32decode(letters.replace(" ", ""))
    return TOTP(secret, 6, SHA1(), 30).generate(int(time.time()) - 30 * earlier).decode()  # noqa: S303 - RFC 6238


def test_an_app_is_set_up_and_asked_for_at_the_next_sign_in(context: BrowserContext) -> None:
    page = context.new_page()
    first_step(page, WITH_APP)
    page.goto("/me/security")
    page.get_by_role("link", name="添加").click()
    letters = page.locator(".secret").inner_text()
    assert not _both(page, "totp")
    page.get_by_label("把应用里显示的 6 位数字输在这里").fill(code(letters, earlier=1))
    page.get_by_role("button", name="核对并添加").click()
    expect(page.locator(".codes code")).to_have_count(10)
    paper = page.locator(".codes code").first.inner_text()
    page.get_by_role("link", name="已经收好，继续").click()
    assert not _both(page, "security")

    context.clear_cookies()
    first_step(page, WITH_APP)
    page.get_by_label("验证器上的 6 位数字").fill("000000")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("验证码不对")
    assert not _both(page, "second")
    page.get_by_label("验证器上的 6 位数字").fill(code(letters))
    page.get_by_role("button", name="登录").click()
    expect(page.locator("#work")).to_be_visible()

    context.clear_cookies()
    first_step(page, WITH_APP)
    page.get_by_label("验证器上的 6 位数字").fill(paper)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("#work")).to_be_visible()


def test_a_passkey_is_made_and_opens_without_a_password(context: BrowserContext) -> None:
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    device = tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    first_step(page, WITH_KEY)
    page.goto("/me/security")
    page.get_by_label("给这把钥匙起个名").fill("诊室电脑")
    page.get_by_role("button", name="添加通行密钥").click()
    expect(page.locator(".codes code")).to_have_count(10)
    page.goto("/me/security")
    expect(page.locator("main")).to_contain_text("通行密钥：诊室电脑")

    page.goto("/me")
    page.locator("main").get_by_role("button", name="退出登录").click()
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.locator("#work")).to_be_visible()

    tools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.locator("form[data-passkey] .error")).to_contain_text("没有完成")


def test_a_screen_locks_over_a_form_and_gives_it_back_as_it_was(context: BrowserContext) -> None:
    page = context.new_page()
    first_step(page, WRITING)
    page.goto("/residents")
    page.locator(".row.resident a.open").first.click()
    page.get_by_role("link", name="发起转介").click()
    page.locator(".pick a").first.click()
    page.get_by_label("情况和希望").fill("近一月少出门，女儿在外地。")
    page.evaluate("document.dispatchEvent(new Event('locked'))")
    expect(page.locator("#lock")).to_be_visible()
    expect(page.locator(".app")).to_be_hidden()
    assert not _both(page, "lock")
    page.keyboard.press("Escape")
    expect(page.locator("#lock")).to_be_visible()
    other = context.new_page()
    other.goto("/residents")
    assert other.url.endswith("/unlock?next=/residents")
    page.locator("#lock").get_by_label("密码").fill("wrong")
    page.locator("#lock").get_by_role("button", name="解锁").click()
    expect(page.locator("#lock-error")).to_contain_text("密码不对")
    page.locator("#lock").get_by_label("密码").fill(PASSWORD)
    page.locator("#lock").get_by_role("button", name="解锁").click()
    expect(page.locator("#lock")).to_be_hidden()
    expect(page.get_by_label("情况和希望")).to_have_value("近一月少出门，女儿在外地。")
    page.get_by_role("button", name="发出").click()
    expect(page.locator(".story")).to_contain_text("近一月少出门，女儿在外地。")


def pin_of(page: Page, digits: str) -> None:
    page.goto("/me/security/pin")
    page.get_by_label("新 PIN").fill(digits)
    page.get_by_label("再输一遍").fill(digits)
    page.get_by_role("button", name="设置 PIN").click()
    page.wait_for_url("**/me/security")


def by_pin(page: Page, name: str, digits: str) -> None:
    """Two taps: the name, and after the digits the button."""
    page.get_by_role("link", name=name).click()
    page.get_by_label("PIN").fill(digits)
    page.get_by_role("button", name="进入").click()


def test_two_people_share_a_tablet_and_neither_meets_the_others_page(
    server: Server, context: BrowserContext
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 1024, "height": 768})
    first_step(page, LEAD)
    page.goto("/me/security")
    page.get_by_label("登记为共用设备").fill("一楼诊室平板")
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator("main")).to_contain_text("共用设备：一楼诊室平板")
    pin_of(page, "739124")
    page.goto("/switch")
    page.get_by_role("link", name="用账号登录").click()
    first_step(page, NURSE)
    pin_of(page, "581936")

    page.goto("/switch")
    by_pin(page, LEAD_NAME, "739124")
    page.goto("/residents")
    page.locator(".row.resident a.open").first.click()
    page.get_by_role("link", name="发起转介").click()
    page.locator(".pick a").first.click()
    page.get_by_label("情况和希望").fill("近一月少出门，女儿在外地。")
    written, lead = page.url, page.locator("html").get_attribute("data-person")
    page.get_by_role("button", name="切换人员").first.click()
    page.wait_for_url("**/switch")
    assert not _both(page, "switch")
    by_pin(page, NURSE_NAME, "581936")
    expect(page.locator("#work")).to_be_visible()
    for _ in range(3):
        page.go_back()
        expect(page.locator("body")).not_to_contain_text("女儿在外地")
        expect(page.locator(f"html[data-person='{lead}']")).to_have_count(0)
        assert page.url != written

    page.goto("/")
    page.get_by_role("button", name="切换人员").first.click()
    page.wait_for_url("**/switch")
    by_pin(page, LEAD_NAME, "739124")
    expect(page.get_by_label("情况和希望")).to_have_value("近一月少出门，女儿在外地。")
    expect(page).to_have_url(written)
