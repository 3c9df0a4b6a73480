"""One referral in two browsers: each sees the other's steps as they happen; a refusal comes back; lateness climbs."""

from playwright.sync_api import Page, expect

from e2e import community as c
from e2e.conftest import Server, SignIn


def test_a_referral_goes_to_its_confirmed_end_live(signed_in: SignIn) -> None:
    doctor, worker = signed_in(c.DOCTOR), signed_in(c.SOCIAL_WORKER)
    name, resident = c.panel(doctor)[0]
    worker.goto("/")
    c.connected(worker)

    loop = c.refer(doctor, resident, c.LONELY, "近一月少出门，女儿在外地，请评估社会支持。")
    c.connected(doctor)
    expect(worker.locator("#work")).to_contain_text(f"王建平转来：{'孤独隔离'}", timeout=c.LIVE_MS)

    worker.goto(loop)
    c.connected(worker)
    c.press(worker, "接单")
    c.told(doctor, "接单")
    expect(doctor.locator(".turn")).to_contain_text("李敏")
    c.press(worker, "已联系上居民")
    c.told(doctor, "开始办理")
    _write_back(worker, "入户一次，愿意试助餐点。")
    c.told(doctor, "回写结果：显著改善")
    expect(doctor.locator(".turn")).to_contain_text("您", timeout=c.LIVE_MS)
    c.press(doctor, "确认闭环")
    c.told(worker, "确认")
    expect(worker.locator(".turn")).to_contain_text("已闭环", timeout=c.LIVE_MS)
    expect(doctor.locator("aside .steps .done")).to_have_count(6)
    assert name in doctor.title()


def _write_back(page: Page, words: str) -> None:
    c.press(page, "回写结果")
    dialog = page.locator("#dialog")
    dialog.get_by_label("显著改善").check()
    dialog.get_by_label("做了什么、结果怎样").fill(words)
    dialog.get_by_role("button", name="回写结果").click()
    expect(dialog).not_to_be_visible()


def test_a_decline_comes_back_to_the_sender(signed_in: SignIn) -> None:
    doctor, worker = signed_in(c.DOCTOR), signed_in(c.SOCIAL_WORKER)
    _, resident = c.panel(doctor)[1]
    loop = c.refer(doctor, resident, c.LONELY, "请看看。")
    doctor.goto("/")
    c.connected(doctor)
    worker.goto(loop)
    c.press(worker, "退回")
    dialog = worker.locator("#dialog")
    dialog.get_by_role("button", name="退回").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("不属于我的职责").check()
    dialog.get_by_label("为什么退回").fill("应由民政所受理。")
    dialog.get_by_role("button", name="退回").click()
    c.told(worker, "退回：不属于我的职责")
    expect(doctor.locator("#work")).to_contain_text("李敏退回：孤独隔离", timeout=c.LIVE_MS)


def test_a_second_one_of_the_same_is_offered_for_tracking(signed_in: SignIn) -> None:
    doctor = signed_in(c.DOCTOR)
    _, resident = c.panel(doctor)[2]
    c.refer(doctor, resident, c.LONELY, "请看看。")
    doctor.goto(f"{resident}/refer/referral.doctor_to_social_worker/{c.LONELY}")
    expect(doctor.locator("main")).to_contain_text("已有一件在办")
    doctor.get_by_role("button", name="跟踪").click()
    c.told(doctor, "发出")


def test_of_two_who_act_at_once_the_second_sees_what_happened(signed_in: SignIn) -> None:
    doctor, first, second = signed_in(c.DOCTOR), signed_in(c.SOCIAL_WORKER), signed_in(c.SOCIAL_WORKER)
    _, resident = c.panel(doctor)[3]
    loop = c.refer(doctor, resident, c.LONELY, "请看看。")
    second.goto(f"{loop}/decline")
    first.goto(loop)
    c.press(first, "接单")
    c.told(first, "接单")
    second.get_by_label("不属于我的职责").check()
    second.get_by_role("button", name="退回").click()
    expect(second.locator("body")).to_contain_text("刚才有人先办了")
    expect(second.locator("body")).to_contain_text("李敏 接单")


def test_a_stranger_is_told_why_he_may_not_look(signed_in: SignIn) -> None:
    doctor, stranger = signed_in(c.DOCTOR), signed_in(c.OTHER_CENTRE)
    _, resident = c.panel(doctor)[0]
    answer = stranger.goto(resident)
    assert answer is not None
    assert answer.status == 403
    expect(stranger.locator("main")).to_contain_text("没有服务关系")


def test_the_missed_arrive_after_a_lost_connection(signed_in: SignIn) -> None:
    doctor, worker = signed_in(c.DOCTOR), signed_in(c.SOCIAL_WORKER)
    _, resident = c.panel(doctor)[4]
    loop = c.refer(doctor, resident, c.LONELY, "请看看。")
    c.connected(doctor)
    doctor.context.set_offline(True)
    expect(doctor.locator("#offline")).to_be_visible(timeout=c.LIVE_MS)
    worker.goto(loop)
    c.press(worker, "接单")
    c.told(worker, "接单")
    doctor.context.set_offline(False)
    expect(doctor.locator(".story")).to_contain_text("接单", timeout=30_000)
    expect(doctor.locator("#offline")).to_be_hidden()


def test_a_changed_medicine_reaches_the_social_worker(signed_in: SignIn) -> None:
    doctor, worker = signed_in(c.DOCTOR), signed_in(c.SOCIAL_WORKER)
    name, resident = c.panel(doctor)[5]
    worker.goto("/")
    c.connected(worker)
    doctor.goto(f"{resident}/record/medication")
    doctor.get_by_label("加用").check()
    doctor.get_by_label("药名").fill("氯吡格雷")
    doctor.get_by_label("剂量").fill("75 mg")
    doctor.get_by_label("用法").fill("每日一次")
    doctor.get_by_role("button", name="记下").click()
    row = worker.locator("#work .row").filter(has_text=name).filter(has_text="用药变更知悉")
    expect(row).to_be_visible(timeout=c.LIVE_MS)


def test_zz_an_overdue_one_climbs(signed_in: SignIn, server: Server) -> None:
    """Last, as it moves the clock for everybody."""
    doctor, worker = signed_in(c.DOCTOR), signed_in(c.SOCIAL_WORKER)
    _, resident = c.panel(doctor)[6]
    loop = c.refer(doctor, resident, c.LONELY, "请看看。")
    c.connected(doctor)
    server.forward(days=9)
    c.told(doctor, "接单已逾期")
    worker.goto("/")
    late = worker.locator("section", has=worker.get_by_role("heading", name="已逾期"))
    expect(late.locator(f"a[href='{loop}']").first).to_be_visible()
    director = signed_in(c.DIRECTOR)
    director.goto("/loops?set=overdue")
    expect(director.locator(f"a[href='{loop}']")).to_be_visible()
