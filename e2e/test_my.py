"""A resident and her daughter come in by codes to their phones; what she takes back closes the daughter's open screen."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e.conftest import POLICY, WAIT_MS, Server

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
HERS = (
    "/my",
    "/my/promises",
    "/my/looked",
    "/my/questionnaires",
    "/my/consents",
    "/my/consents/relative",
    "/my/rights",
    "/my/security",
)
AT_THE_DOOR = (
    "/my/sign-in",
    "/my/sign-in/resident",
    "/my/sign-in/relative",
    "/my/sign-in/slip",
    "/my/sign-in/born",
)
Open = Callable[[], Page]


@pytest.fixture
def on_a_phone(server: Server, browser: Browser) -> Iterator[Open]:
    contexts: list[BrowserContext] = []
    forbidden: list[str] = []

    def opened() -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport=PHONE,
            locale="zh-CN",
            reduced_motion="reduce",  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.set_default_timeout(WAIT_MS)
        context.on("console", lambda said: forbidden.append(said.text) if POLICY in said.text else None)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert not forbidden, "a page did what its content policy forbids"


def code_sent(server: Server, page: Page, phone: str) -> str:
    """The code as the demo's console shows it, once the worker has carried it."""
    log, shown = Path(server.environment["YISHE_HOME"]) / "serve.log", f"{phone[:3]}****{phone[-4:]}"
    for _ in range(WAIT_MS // 100):
        found = re.findall(rf"{re.escape(shown)}：.*登录码 (\d{{6}})", log.read_text(encoding="utf-8"))
        if found:
            return str(found[-1])
        page.wait_for_timeout(100)
    raise AssertionError("no code was carried")


def sign_in(server: Server, page: Page, who: dict[str, Any], door: str) -> None:
    page.goto("/my/sign-in")
    page.get_by_role("link", name=door).click()
    if who["of"]:
        page.get_by_label("您自己的姓名").fill(who["name"])
    page.get_by_label("手机号").fill(who["phone"])
    page.get_by_role("button", name="要登录码").click()
    expect(page.get_by_role("heading", name="填登录码")).to_be_visible()
    page.get_by_label("登录码").fill(code_sent(server, page, who["phone"]))
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"{server.url}/my")


def faults(page: Page, path: str) -> list[str]:
    """What axe finds, what is wider than the screen, and words that are too small."""
    page.goto(path, wait_until="domcontentloaded")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    said = [f"{path}: {one['id']} {node['target']}" for one in found for node in one["nodes"][:3]]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    small = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.offsetParent && !e.matches('.hush, .hush *') && "
        "[...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && parseFloat(getComputedStyle(e).fontSize) < 18)"
        ".map(e => e.tagName + ' ' + e.textContent.slice(0, 20))"
    )
    return [
        *said,
        *([f"{path}: {wide} px too wide"] if wide > 0 else []),
        *(f"{path}: small {one}" for one in small),
    ]


def test_a_withdrawal_closes_the_daughters_open_screen(server: Server, on_a_phone: Open) -> None:
    mother, daughter = json.loads(server.yishe("demo", "families", "--json"))
    hers, his = on_a_phone(), on_a_phone()
    found = [fault for path in AT_THE_DOOR for fault in faults(hers, path)]
    sign_in(server, hers, mother, "我是居民本人")
    expect(hers.get_by_role("heading", name=mother["name"])).to_be_visible()
    hers.get_by_role("link", name="谁在帮我").click()
    expect(hers.get_by_role("heading", name="谁在帮我")).to_be_visible()
    for path in HERS:
        found += faults(hers, path)
    hers.set_viewport_size(DESK)  # type: ignore[arg-type]
    found += faults(hers, "/my/looked")
    assert not found, "\n".join(found)

    sign_in(server, his, daughter, "我是家属")
    his.locator("nav.big a").first.click()
    his.get_by_role("link", name="替您填写问卷").click()
    his.get_by_role("button", name="跌倒").click()
    expect(his.get_by_role("heading", name="还有 3 题没有答")).to_be_visible()
    his.locator("nav.big a").first.click()
    expect(his.get_by_role("heading", name="第 1 题，共 3 题")).to_be_visible()
    found = faults(his, his.url) + faults(his, his.url.split("/questionnaires")[0] + "/questionnaires")
    assert not found, "\n".join(found)
    his.goto("/my")
    his.locator("nav.big a").first.click()
    his.get_by_role("link", name="在用的药").click()
    expect(his.locator("html")).to_have_attribute("data-connected", "yes")
    expect(his.get_by_role("heading", name="在用的药")).to_be_visible()

    hers.goto("/my/consents")
    hers.get_by_role("link", name=re.compile("撤回.*家属查看")).click()
    hers.get_by_role("button", name="撤回，马上生效").click()
    expect(hers.get_by_role("heading", name="我的同意")).to_be_visible()

    expect(his.get_by_text("没有同意您查看")).to_be_visible()
    expect(his.get_by_role("heading", name="在用的药")).to_have_count(0)
