"""A social worker sends a questionnaire; answered red on a phone, it calls both professions before it is handed in."""

import re

from playwright.sync_api import Page, expect

from e2e import community as c
from e2e.conftest import SignIn
from e2e.test_my import Open, faults, on_a_phone

__all__ = ["on_a_phone"]
PHQ9 = "phq9"


def sent(worker: Page) -> tuple[str, str]:
    """Link and code for the last of the panel who is grown up and was not asked today."""
    for _, resident in reversed(c.panel(worker)[4:]):
        worker.goto(f"{resident}/assessments/new/{PHQ9}")
        worker.get_by_label("发链接").check()
        worker.get_by_role("button", name="开始").click()
        expect(worker.locator(".slip .code, main .banner b").first).to_be_visible()
        if worker.locator(".slip").count():
            return worker.locator(".slip .address").inner_text(), worker.locator(".slip .code").inner_text()
    raise AssertionError("nobody of the panel could be asked")


def test_a_questionnaire_on_her_phone_calls_both_before_it_is_handed_in(
    signed_in: SignIn, on_a_phone: Open
) -> None:
    worker, phone = signed_in(c.SOCIAL_WORKER, width=820, height=1180), on_a_phone()
    link, code = sent(worker)
    found = faults(phone, link)
    phone.get_by_label("问卷码").fill(code)
    phone.get_by_role("button", name="打开").click()
    expect(phone.get_by_label("我是居民本人")).to_be_visible()
    found += faults(phone, phone.url)
    phone.get_by_label("我是居民本人").check()
    phone.get_by_role("button", name="开始").click()
    expect(phone.get_by_role("heading", name="第 1 题，共 10 题")).to_be_visible()
    base = phone.url.removesuffix("/ask/p1")
    phone.goto(f"{base}/ask/p9")
    phone.get_by_label("好几天").check()
    phone.get_by_role("button", name="存下，下一步").click()
    expect(phone.get_by_role("alert")).to_contain_text("12356")
    expect(phone.locator("main")).to_contain_text("已经通知您的")
    found += faults(phone, phone.url) + faults(phone, f"{base}/end")
    assert not found, "\n".join(found)

    worker.goto("/")
    row = worker.locator("#work .row").filter(has_text=re.compile("转介社工")).first
    expect(row).to_be_visible()
    doctor = signed_in(c.DOCTOR)
    expect(doctor.locator("#work")).to_contain_text("转介医生")
