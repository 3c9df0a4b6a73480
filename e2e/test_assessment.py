"""An assessment on a tablet turns red with one answer, before it is finished, and both professions are called."""

from playwright.sync_api import expect

from e2e import community as c
from e2e.conftest import SignIn


def test_a_red_answer_calls_doctor_and_social_worker_before_the_form_is_finished(signed_in: SignIn) -> None:
    worker = signed_in(c.SOCIAL_WORKER, width=820, height=1180)
    doctor = signed_in(c.DOCTOR)
    _, resident = c.panel(worker)[2]
    worker.goto(f"{resident}/assessments/new/phq9")
    worker.get_by_role("button", name="开始").click()
    state = worker.locator("#assessment-state")
    expect(state).to_contain_text("已答 0 / 10")
    worker.locator("fieldset[data-item=p1] label", has_text="好几天").click()
    expect(state).to_contain_text("已答 1 / 10")
    expect(state).to_contain_text("已存")
    worker.locator("fieldset[data-item=p9] label", has_text="好几天").click()
    alarm = state.get_by_role("alert")
    expect(alarm).to_contain_text("12356")
    expect(alarm).to_contain_text("王建平")
    expect(alarm).to_contain_text("李敏")
    worker.reload()
    expect(worker.locator("#p9-1")).to_be_checked()
    doctor.goto("/")
    expect(doctor.locator("#work")).to_contain_text("李敏转来：转介医生（原因请打开看）")
