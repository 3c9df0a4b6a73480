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
    doctor.get_by_label("上门").check()
    doctor.get_by_label("已核对本人身份").check()
    doctor.get_by_role("button", name="下一步").click()
    doctor.get_by_label("基础包").check()
    doctor.get_by_role("button", name="下一步").click()
    doctor.get_by_label("健康审核意见").fill("血压平稳，适合基础包。")
    doctor.get_by_role("button", name="下一步").click()
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

    doctor.get_by_role("link", name="记一次履约").click()
    dialog = doctor.locator("#dialog")
    dialog.get_by_label("健康评估").check()
    dialog.get_by_label("上门").check()
    dialog.get_by_label("情况").fill("家访评估完成。")
    dialog.get_by_role("button", name="记下").click()
    expect(doctor.locator("#tab")).to_contain_text("已做 2", timeout=c.LIVE_MS)
    assert Axe().run(doctor).response["violations"] == []
