"""Every page for everybody: axe finds nothing in light and dark, on a phone and on a desk; the keyboard is enough."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from e2e import community as c
from e2e.conftest import SignIn

WIDTHS = (1440, 390)
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
PLAIN = (
    "/",
    "/residents",
    "/residents?q=zzzz",
    "/loops?set=sent",
    "/board",
    "/duty",
    "/notices",
    "/import",
    "/team",
    "/me",
    "/design",
    "/nowhere",
)


def pages(page: Page) -> list[str]:
    """Every page there is, with a resident and loops to show."""
    page.goto("/loops?set=sent")
    loops = [str(one.get_attribute("href")) for one in page.locator("td a.open").all()[:1]]
    page.goto("/loops?set=open")
    loops += [str(one.get_attribute("href")) for one in page.locator("td a.open").all()[:2]]
    _, resident = c.panel(page)[0]
    tabs = [f"{resident}?tab={tab}" for tab in ("timeline", "loops", "medicines", "observations", "about")]
    forms = [f"{resident}/refer", f"{resident}/refer/referral.doctor_to_social_worker/D18", f"{resident}/record/encounter",
             f"{resident}/record/medication", f"{resident}/record", f"{loops[-1]}/note"]  # fmt: skip
    return [*PLAIN, *loops, *tabs, *forms]


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_in_light_and_dark(signed_in: SignIn, width: int) -> None:
    page = signed_in(c.DOCTOR, width=width)
    found = []
    for path in pages(page):
        page.goto(path, wait_until="domcontentloaded")
        found += _both(page, path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{path}: {wide} px too wide"] if wide > 0 else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_at_the_door_and_in_a_dialog(signed_in: SignIn, width: int) -> None:
    page = signed_in(c.DOCTOR, width=width)
    _, resident = c.panel(page)[0]
    page.goto(resident)
    page.get_by_role("link", name="记一笔").click()
    expect(page.locator("#dialog")).to_be_visible()
    found = _both(page, "dialog")
    page.goto(
        "about:blank"
    )  # a page that is open finds out by itself that nobody is signed in, and goes to the door first
    page.context.clear_cookies()
    page.goto("/sign-in")
    found += _both(page, "/sign-in")
    assert not found, "\n".join(found)


def test_axe_finds_nothing_in_elder_mode(signed_in: SignIn) -> None:
    page = signed_in(c.DOCTOR, width=390)
    page.goto("/me")
    page.locator("main").get_by_role("button", name="长辈模式").click()
    expect(page.locator("html")).to_have_attribute("data-mode", "elder")
    found = []
    for path in ("/", "/residents", "/duty"):
        page.goto(path)
        found += _violations(page, path)
    assert not found, "\n".join(found)


def _both(page: Page, path: str) -> list[str]:
    """Everything in light; what depends on colour again in dark."""
    found = _violations(page, path)
    page.emulate_media(color_scheme="dark")
    again = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **COLOURS})
    found += [f"dark {one}" for one in _told(again, path)]
    page.emulate_media(color_scheme="light")
    return found


def _violations(page: Page, path: str) -> list[str]:
    return _told(Axe().run(page, options={"resultTypes": ["violations"]}).response, path)


def _told(response: dict[str, Any], path: str) -> list[str]:
    return [
        f"{path}: {one['id']} {node['target']}" for one in response["violations"] for node in one["nodes"][:3]
    ]


def test_the_main_path_needs_no_mouse(signed_in: SignIn) -> None:
    page = signed_in(c.DOCTOR)
    name, _ = c.panel(page)[7]
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/residents"))
    if "?s=" in page.url:
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/residents/[0-9a-f-]{36}"))
    _tab_to(page, "发起转介")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/refer$"))
    expect(page.locator("[data-picker] input")).to_be_focused()
    page.keyboard.type("gdgl")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/D12$"))
    expect(page.locator("textarea[autofocus]")).to_be_focused()
    page.keyboard.type("请评估社会支持。")
    _tab_to(page, "发出")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/loops/[0-9a-f-]{36}$"))
    expect(page.locator(".story")).to_contain_text("请评估社会支持。")


def _tab_to(page: Page, words: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if words in str(page.evaluate("document.activeElement.textContent")).strip()[:12]:
            return
    raise AssertionError(f"{words} cannot be reached by Tab")


def test_j_and_k_walk_the_rows(signed_in: SignIn) -> None:
    page = signed_in(c.SOCIAL_WORKER)
    page.goto("/residents")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    focused = page.evaluate("document.activeElement.closest('[data-row]').querySelector('b').textContent")
    assert focused == page.locator(".row.resident b").first.inner_text()


def test_density_is_remembered(signed_in: SignIn) -> None:
    page = signed_in(c.DOCTOR)
    page.goto("/me")
    page.locator("main").get_by_role("button", name="紧凑行距").click()
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-density", "dense")
    assert (
        page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--row').trim()") == "34px"
    )
