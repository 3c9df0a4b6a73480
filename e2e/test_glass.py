"""紧急查看 in the browser: refused, broken with a reason, read under a banner, reviewed by the officer, closed on every screen."""

import re

from playwright.sync_api import expect

from e2e import community as c
from e2e.conftest import SignIn


def test_the_glass_is_broken_read_under_a_banner_and_reviewed(signed_in: SignIn) -> None:
    name, resident = c.panel(signed_in(c.DOCTOR))[3]
    page = signed_in(c.OTHER_CENTRE)
    page.goto(resident)
    expect(page.get_by_role("heading", level=1)).to_have_text("不能看或不能做")
    page.get_by_role("link", name="紧急查看").click()
    page.get_by_label("其他紧急情况").check()
    page.get_by_label("情况说明").fill("在本院门前晕倒，无家属陪同")
    page.get_by_role("button", name="打开，并留下记录").click()
    page.wait_for_url(re.compile(r"/residents/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    banner = page.locator("[data-left]")
    expect(banner).to_contain_text("紧急查看：至")
    expect(banner.locator("[data-minutes]")).to_have_text("120")

    officer = signed_in(c.OFFICER)
    officer.get_by_role("link", name="紧急查看复核").first.click()
    expect(officer.locator("main")).to_contain_text("在本院门前晕倒")
    c.press(officer, "写明结论")
    officer.get_by_label("理由成立").check()
    officer.get_by_label("做了什么、结果怎样").fill("急诊送医，已核对门诊病历")
    officer.locator("dialog, main").get_by_role("button", name="写明结论").last.click()
    expect(officer.locator(".story")).to_contain_text("已核对门诊病历")

    banner.get_by_role("button", name="现在结束").click()
    page.wait_for_url(re.compile(r"/residents$"))
    page.goto(resident)
    expect(page.get_by_role("heading", level=1)).to_have_text("不能看或不能做")
