"""今日电话 by keyboard alone: a digit and Enter for a call in vain, a sentence for one that reached her, the next person at once."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e import community as c
from e2e.conftest import SignIn

SHANGHAI = ZoneInfo("Asia/Shanghai")


def asked_to_call_back(page: Page, path: str) -> None:
    """Yesterday she asked to be called an hour later, which is told now: by this she is to be called at any hour of the test."""
    then = datetime.now(SHANGHAI).replace(hour=9, minute=0) - timedelta(days=1)
    page.goto(f"{path}/attempts")
    page.get_by_label("电话", exact=True).check()
    page.get_by_label("请改时间再打").check()
    page.get_by_label("约好什么时候再打").fill(f"{then + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    page.get_by_label("什么时候联系的").fill(f"{then:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="记下").click()
    expect(page.locator("#attempts")).to_contain_text("请改时间再打", timeout=c.LIVE_MS)


def test_two_calls_by_keyboard_alone_at_the_width_of_a_telephone(signed_in: SignIn) -> None:
    nurse = signed_in(c.NURSE, width=390, height=844)
    # who was met since she asked would not be called again
    quiet = datetime.now(SHANGHAI) - timedelta(days=2)
    nurse.goto(f"/panel?duty=nurse&quiet_since={quiet:%Y-%m-%d}")
    rows = nurse.locator("tr[data-row]").filter(has_text="到 20").filter(has_not_text="已于")
    expect(rows.nth(1)).to_be_visible(timeout=c.LIVE_MS)
    paths = [str(rows.nth(n).locator("a.open").get_attribute("href")) for n in (0, 1)]
    for path in paths:
        asked_to_call_back(nurse, path)

    nurse.goto("/calls")
    name, first = nurse.locator("#call-name"), nurse.locator("[data-digit='1']")
    expect(first).to_be_focused()
    before = name.inner_text()
    assert Axe().run(nurse).response["violations"] == []
    nurse.keyboard.press("2")
    expect(nurse.get_by_label("没有联系上")).to_be_checked()
    nurse.keyboard.press("Enter")
    expect(name).not_to_have_text(before, timeout=c.LIVE_MS)
    expect(first).to_be_focused()
    second = name.inner_text()
    nurse.keyboard.press("1")
    expect(nurse.locator("#id_note")).to_be_focused()
    nurse.keyboard.type("一切都好")
    nurse.keyboard.press("Enter")
    expect(nurse.locator("body")).to_contain_text("已记：联系上了", timeout=c.LIVE_MS)
    expect(nurse.locator(".calling").filter(has_text=second)).to_have_count(0)
    for called in (before, second):
        expect(nurse.locator("ol.lines li.here").filter(has_text=called)).to_have_count(0)
