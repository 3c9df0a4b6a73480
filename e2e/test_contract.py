"""A contract signed at home on a tablet, with a drawn name, and the first item of its year ticked off there."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from e2e import community as c
from e2e.conftest import SignIn


def test_signed_at_home_on_a_tablet_and_one_item_of_the_year_done(signed_in: SignIn) -> None:
    doctor = signed_in(c.DOCTOR, width=820, height=1180)
    _, resident = c.panel(doctor)[2]
    doctor.goto(f"{resident}?tab=contract")
    doctor.get_by_role("link", name="签约", exact=True).last.click()
    c.to_the_signatures(doctor, "血压平稳，适合基础包。")
    pad = doctor.get_by_role("img", name="居民手写签名")
    expect(pad).to_be_visible()
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    doctor.mouse.move(box["x"] + 30, box["y"] + 30)
    doctor.mouse.down()
    doctor.mouse.move(box["x"] + 120, box["y"] + 60)
    doctor.mouse.up()
    expect(doctor.locator("#id_resident_path")).to_have_value(re.compile(r"^M\d+ \d+ L"))
    assert Axe().run(doctor).response["violations"] == []
    doctor.get_by_role("button", name="双方签字").click()
    expect(doctor.locator("#tab")).to_contain_text("已做 0", timeout=c.LIVE_MS)

    c.keep(doctor, "健康评估", "上门", "家访评估完成。")
    expect(doctor.locator("#tab")).to_contain_text("已做 2", timeout=c.LIVE_MS)
    assert Axe().run(doctor).response["violations"] == []
