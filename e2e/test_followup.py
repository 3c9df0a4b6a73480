"""A nurse follows up blood pressure twice by the keyboard: unsatisfactory both times, she sends the referral that is proposed, and
the family doctor takes it."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from e2e import community as c
from e2e.conftest import SignIn


def test_twice_unsatisfactory_a_referral_is_proposed_sent_and_taken(signed_in: SignIn) -> None:
    nurse = signed_in(c.NURSE)
    resident = _with_hypertension(nurse)
    _followed_up(nurse, resident, days_ago=9)
    expect(nurse.locator("main")).to_contain_text("控制不满意")
    expect(nurse.get_by_role("link", name="填转诊单")).to_have_count(0)

    _followed_up(nurse, resident, days_ago=0)
    expect(nurse.locator("main")).to_contain_text("控制不满意（连续 2 次）")
    nurse.get_by_role("link", name="填转诊单").click()
    expect(nurse.get_by_label("情况和希望")).to_have_value(re.compile("收缩压 166 mmHg"))
    nurse.get_by_role("button", name="发出").click()
    nurse.wait_for_url(re.compile(r"/loops/[0-9a-f-]{36}$"))

    doctor = signed_in(c.DOCTOR)
    doctor.goto(nurse.url)
    c.press(doctor, "接单")
    expect(doctor.locator(".story")).to_contain_text("接单")


def _with_hypertension(page: Page) -> str:
    """The path of somebody of the nurse's panel who has hypertension and is old enough for the form."""
    page.goto("/residents")
    rows = page.locator(".row.resident").filter(has_text="高血压").filter(has_text="王建平 / 李敏")
    return str(rows.locator("a.open").first.get_attribute("href"))


def _followed_up(page: Page, resident: str, *, days_ago: int) -> None:
    """One form, filled without the mouse."""
    page.goto(f"{resident}/followups/new/htn?how=1")
    day = datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=days_ago)
    page.locator("[name=a-on]").fill(f"{day:%Y-%m-%d}")
    state, pressure = page.locator("#assessment-state"), page.locator("[name=a-sbp]")
    expect(state).to_contain_text("已答 1 / ")
    pressure.focus()
    for item, keys in (("sbp", "166"), ("dbp", "96"), ("danger", "1")):
        expect(page.locator(f"[data-item={item}] :focus")).to_have_count(1)
        page.keyboard.type(keys)
        page.keyboard.press("Enter")
    for item in ("adverse", "complication", "adherence"):
        expect(page.locator(f"[data-item={item}] :focus")).to_have_count(1)
        page.keyboard.press("1")
    expect(page.locator("[data-item=symptoms] :focus")).to_have_count(1)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/followups/[0-9a-f-]{36}$"))
