"""The people of the demo community that the browser tests meet, and the ways through the pages they share."""

import re
from functools import cache

from playwright.sync_api import Locator, Page, expect

DOCTOR = "wangjianping"
SOCIAL_WORKER = "limin"
NURSE = "sunxiaomei"
CENTRE, TEAM = "wanghu", "望湖一队"
"""Of all three."""
DIRECTOR = "linshichang"
OTHER_CENTRE = "wuguoqiang"
OFFICER = "zouliqun"
LIVE_MS = 10_000
ENOUGH = 8
LONELY, POVERTY, SELF_MANAGEMENT = "D12", "D10", "D16"


@cache
def _unpromised(server: str) -> list[tuple[str, str]]:
    """Filled by the first test that asks, so that nobody moves up or down by what the others do."""
    return []


def panel(page: Page) -> list[tuple[str, str]]:
    """(name, path) of residents whose doctor and social worker are the two above, and for whom nothing was open."""
    page.goto("/residents")
    found = _unpromised(page.url)
    if not found:
        rows = page.locator(".row.resident").filter(has_text="王建平 / 李敏").all()
        everyone = [
            (row.locator("b").first.inner_text(), str(row.locator("a.open").get_attribute("href")))
            for row in rows
        ]
        for one in everyone:
            page.goto(one[1])
            if page.locator("aside").filter(has_text="在办 0 件").count() and len(found) < ENOUGH:
                found.append(one)
        page.goto("/residents")
    return found


def refer(page: Page, resident: str, reason: str, words: str) -> str:
    """Send a referral; returns its path."""
    page.goto(f"{resident}/refer")
    page.get_by_role("searchbox").first.fill(reason)
    page.locator(f".pick[data-words^='{reason.lower()}'] a").click()
    page.get_by_label("情况和希望").fill(words)
    page.get_by_role("button", name="发出").click()
    page.wait_for_url(re.compile(r"/loops/[0-9a-f-]{36}$"))
    return page.url[page.url.index("/loops/") :]


def press(page: Page, words: str) -> None:
    """Press one of the loop page's actions."""
    act(page, words).click()


def act(page: Page, words: str) -> Locator:
    return page.locator("aside .stack").locator(f".btn:has-text('{words}')").first


def told(page: Page, words: str) -> None:
    """The story on this open page says so, without anybody reloading it."""
    expect(page.locator(".story")).to_contain_text(words, timeout=LIVE_MS)


def connected(page: Page) -> None:
    """The page's stream is open; only then is "without reload" a fair claim."""
    expect(page.locator("html")).to_have_attribute("data-connected", "yes", timeout=LIVE_MS)


def to_the_signatures(page: Page, findings: str) -> None:
    """A contract begun on this page's first step: at home, known in person, the basic package, reviewed; now both sign."""
    page.get_by_label("上门").check()
    page.get_by_label("已核对本人身份").check()
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("基础包").check()
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("健康审核意见").fill(findings)
    page.get_by_role("button", name="下一步").click()


def keep(page: Page, service: str, way: str, words: str) -> None:
    """Write down on her contract's tab that one item of the year was kept."""
    page.get_by_role("link", name="记一次履约").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label(service).check()
    dialog.get_by_label(way).check()
    dialog.get_by_label("情况").fill(words)
    dialog.get_by_role("button", name="记下").click()
