"""A tablet used in turns: two taps change the person, nobody meets the page of the one before, and a PIN is only ever a
short way back to a full sign-in on that tablet."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse

from tests.doors.web.people_at_the_door import BASE, PASSWORD, Browser, account_of, news, title, with_app
from tests.rooms.care.world import World, build
from yishe.doors import admission
from yishe.loops import kinds
from yishe.policy.refusals import Invalid
from yishe.trust import accounts, clock, pins, shared_devices
from yishe.trust.models import AccessLine, Account, Draft, Pin, Session, SharedDevice, SignInEvent

DOCTORS, NURSES = "739124", "581936"


@pytest.fixture
def world(db: None) -> World:
    kinds.forget()
    return build(datetime.now(UTC) - timedelta(minutes=1))


@pytest.fixture
def doctor(world: World) -> Account:
    return account_of(world.doctor)


@pytest.fixture
def nurse(world: World) -> Account:
    return account_of(world.nurse)


@pytest.fixture
def director(world: World) -> Account:
    return account_of(world.director)


@pytest.fixture
def tablet(director: Account, doctor: Account, nurse: Account) -> Browser:
    """The director enrols it; doctor and nurse have each signed in on it once and set a PIN. The nurse is in."""
    browser = Browser().in_(director)
    assert browser.post("/me/security/shared", {"name": "一楼诊室平板"}).status_code == 302
    for account, pin in ((doctor, DOCTORS), (nurse, NURSES)):
        browser.post("/sign-out")
        browser.in_(account)
        assert browser.post("/me/security/pin", {"pin": pin, "again": pin}).status_code == 302
    return browser


def enter(browser: Browser, account: Account, pin: str) -> HttpResponse:
    return browser.post(f"/switch/{Pin.objects.get(account=account).id}", {"pin": pin})


def who(browser: Browser) -> str:
    page = title(browser.get("/me/security"))
    return next((name for name in ("王医生", "赵护士", "周主任") if f"{name} · 账号" in page), "nobody")


# Two taps


def test_two_taps_change_the_person_and_the_one_before_is_signed_out(
    world: World, tablet: Browser, doctor: Account, nurse: Account
) -> None:
    assert "切换人员" in title(tablet.get("/residents"))
    assert tablet.post("/switch")["Location"] == "/switch"
    faces = title(tablet.get("/switch"))
    assert "王医生" in faces
    assert "赵护士" in faces
    assert "周主任" not in faces, "he set no PIN"
    assert tablet.get("/residents")["Location"] == "/switch", "the page of the one before does not come back"
    assert "no-store" in tablet.get("/residents")["Cache-Control"]
    assert enter(tablet, doctor, DOCTORS)["Location"] == "/"
    assert who(tablet) == "王医生"
    assert not Session.objects.filter(account=nurse, ended_at=None).exists()
    kinds_of = SignInEvent.objects.filter(account=doctor.pk).values_list("kind", flat=True)
    assert "switched" in kinds_of
    assert "pin_set" in kinds_of


def test_a_pin_opens_nothing_elsewhere_and_nobody_elses_place(
    tablet: Browser, doctor: Account, nurse: Account
) -> None:
    elsewhere = Browser()
    assert elsewhere.get("/switch")["Location"] == "/sign-in"
    assert enter(elsewhere, doctor, DOCTORS)["Location"] == "/switch"
    assert "device" not in elsewhere.cookies
    elsewhere.in_(nurse)
    assert enter(elsewhere, doctor, DOCTORS)["Location"] == "/switch", "a device of the nurse's own"
    assert enter(tablet, doctor, NURSES).status_code == 401
    forged = Browser()
    forged.cookies["device"] = tablet.cookies["device"].value[:-1] + "x"
    assert enter(forged, doctor, DOCTORS)["Location"] == "/switch"


def test_an_idle_tablet_locks_after_minutes_and_shows_its_faces(tablet: Browser) -> None:
    assert 'data-idle="180"' in title(tablet.get("/residents"))
    Session.objects.update(seen_at=clock.real_now() - timedelta(minutes=4))
    assert tablet.get("/residents")["Location"] == "/switch"
    assert tablet.get("/unlock?next=/residents")["Location"] == "/switch"
    assert tablet.post("/draft")["Location"] == "/switch"


# What was being written


def test_what_one_was_writing_is_given_back_to_him_alone(
    world: World, tablet: Browser, doctor: Account, nurse: Account
) -> None:
    here = f"/residents/{world.resident.resident}/record/note"
    said = {"at": here, "action": here, "fields": [["text", "王秀兰近一月少出门"]]}
    tablet.post("/switch", {"draft": json.dumps(said)})
    assert "王秀兰".encode() not in bytes(Draft.objects.get().sealed)
    enter(tablet, doctor, DOCTORS)
    assert tablet.post("/draft").json() == {}
    tablet.post("/switch", {"draft": json.dumps({"at": "https://evil.example/", "fields": []})})
    assert enter(tablet, doctor, DOCTORS)["Location"] == "/#draft", "only ever back into this system"
    tablet.post("/switch")
    assert enter(tablet, nurse, NURSES)["Location"] == f"{here}#draft"
    assert tablet.post("/draft").json() == said
    assert tablet.post("/draft").json() == {}, "once"


def test_nobody_at_a_locked_tablet_changes_what_lies_behind_it(tablet: Browser, nurse: Account) -> None:
    tablet.post(
        "/switch", {"draft": json.dumps({"at": "/loops", "action": "/a", "fields": [["note", "mine"]]})}
    )
    for junk in ("{", '{"at": 1}', json.dumps({"at": "/loops", "fields": [["note", "not mine"]]})):
        tablet.post("/switch", {"draft": junk})
    tablet.get("/residents")
    enter(tablet, nurse, NURSES)
    assert tablet.post("/draft").json()["fields"] == [["note", "mine"]]


def test_a_form_sent_into_a_locked_tablet_waits_for_its_person(tablet: Browser, nurse: Account) -> None:
    Session.objects.update(seen_at=clock.real_now() - timedelta(minutes=4))
    assert tablet.post("/team/leave", {"substitute": "李敏"})["Location"] == "/switch"
    assert enter(tablet, nurse, NURSES)["Location"] == "/team/leave#draft"
    assert tablet.post("/draft").json()["fields"] == [["substitute", "李敏"]]
    tablet.post("/switch", {"draft": json.dumps({"at": "/loops", "action": "/a", "fields": []})})
    Draft.objects.update(at=clock.real_now() - timedelta(hours=13))
    assert shared_devices.sweep(clock.real_now() - timedelta(hours=12)) == 1


# Guessing, and the term


def test_three_wrong_tries_end_a_pin_and_its_person_is_told(
    world: World, tablet: Browser, doctor: Account
) -> None:
    pin = Pin.objects.get(account=doctor)
    assert [enter(tablet, doctor, wrong).status_code for wrong in ("1", "000000", "\uff17" * 6)] == [401] * 3
    assert not Pin.objects.filter(id=pin.id).exists()
    assert tablet.post(f"/switch/{pin.id}", {"pin": DOCTORS})["Location"] == "/switch"
    assert "account.pin_over" in news(world.doctor)
    assert SignInEvent.objects.filter(account=doctor.pk, kind="pin_over").count() == 1


def test_a_right_pin_forgets_the_wrong_ones_before(tablet: Browser, doctor: Account) -> None:
    for _ in range(2):
        assert enter(tablet, doctor, "000000").status_code == 401
        assert enter(tablet, doctor, f" {DOCTORS} ").status_code == 302


def test_a_pin_ends_with_its_term_and_a_full_sign_in_there_renews_it(
    tablet: Browser, doctor: Account
) -> None:
    Pin.objects.update(proved_at=clock.real_now() - timedelta(days=7))
    assert "王医生" not in title(tablet.get("/switch"))
    assert "已过期" in title(enter(tablet, doctor, DOCTORS))
    tablet.post("/sign-out")
    tablet.in_(doctor)
    tablet.post("/switch")
    assert enter(tablet, doctor, DOCTORS).status_code == 302
    Pin.objects.update(proved_at=clock.real_now() - timedelta(days=7))
    assert pins.sweep(clock.real_now() - timedelta(days=7)) == 2


@pytest.mark.usefixtures("real_pack")
def test_a_pin_stands_for_the_second_factor_for_some_hours_and_no_longer(
    world: World, doctor: Account
) -> None:
    phone, tablet = with_app(doctor), Browser()
    tablet.first(doctor)
    tablet.post("/sign-in/second", {"code": phone.code()})
    assert tablet.post("/me/security/pin", {"pin": DOCTORS, "again": DOCTORS}).status_code == 302
    shared_devices.enrol(Pin.objects.get().device_id, world.centre.id, "平板", doctor.pk, clock.real_now())
    tablet.post("/switch")
    enter(tablet, doctor, DOCTORS)
    assert tablet.is_in()
    row = Session.objects.get(account=doctor, ended_at=None)
    assert row.ends_at - row.strong_at == timedelta(hours=12), "not twelve hours from the PIN on"  # type: ignore[operator]
    tablet.post("/switch")
    Pin.objects.update(
        strong_at=clock.real_now() - timedelta(hours=12), proved_at=clock.real_now() - timedelta(hours=12)
    )
    enter(tablet, doctor, DOCTORS)
    assert tablet.get("/residents")["Location"] == "/sign-in/second"
    tablet.post("/sign-in/second", {"code": phone.code()})
    assert tablet.is_in()
    pin = Pin.objects.get()
    assert pin.strong_at
    assert pin.strong_at > clock.real_now() - timedelta(minutes=1)
    assert pin.proved_at < clock.real_now() - timedelta(hours=11), "a PIN never renews itself"


@pytest.fixture
def real_pack(settings: object) -> None:
    """The base pack, where doctors need a second factor; the demo's asks nobody."""
    settings.PACKS = [BASE]  # type: ignore[attr-defined]


def test_a_pin_does_not_open_what_changes_the_way_in(tablet: Browser, doctor: Account) -> None:
    tablet.post("/switch")
    Pin.objects.update(proved_at=clock.real_now() - timedelta(hours=1))
    enter(tablet, doctor, DOCTORS)
    for path in ("/me/security/password", "/me/security/pin", "/me/security/totp"):
        assert tablet.get(path)["Location"].startswith("/unlock?next=")
    assert tablet.post("/unlock", {"pin": DOCTORS}).status_code == 401
    assert (
        tablet.post("/unlock", {"password": PASSWORD, "next": "/me/security/pin"})["Location"]
        == "/me/security/pin"
    )


@pytest.mark.parametrize(
    "easy",
    ["12345", "111111", "123456", "987654", "121212", "112233", "739124739124739", "73912a", "", "١٢٣٤٥٧"],
)
def test_an_easy_pin_is_refused_in_words(easy: str) -> None:
    with pytest.raises(Invalid, match="PIN"):
        pins.refuse_easy(easy, admission.rules(datetime.now(UTC)).pin)


def test_a_pin_is_kept_so_that_a_copy_of_the_table_gives_nothing_away(
    tablet: Browser, doctor: Account
) -> None:
    said = tablet.post("/me/security/pin", {"pin": DOCTORS, "again": DOCTORS + "1"})
    assert "不一样" in title(said)
    assert DOCTORS not in Pin.objects.get(account=doctor).hashed


def test_a_new_password_ends_the_pins_that_stood_on_the_old_one(tablet: Browser, doctor: Account) -> None:
    accounts.set_password(doctor, "一句新的只有我知道的话", admission.rules(clock.real_now()).password)
    tablet.post("/switch")
    assert "王医生" not in title(tablet.get("/switch"))
    assert Pin.objects.count() == 1, "the nurse's"


# Who enrols and ends


def test_a_nurse_enrols_no_device_and_ends_none_and_a_stranger_ends_not_ours(
    world: World, tablet: Browser, nurse: Account
) -> None:
    device = SharedDevice.objects.get().device_id
    assert tablet.post(f"/me/security/shared/{device}/end").status_code == 403
    own = Browser().in_(nurse)
    assert "登记为共用设备" not in title(own.get("/me/security"))
    assert own.post("/me/security/shared", {"name": "我的"}).status_code == 403
    assert (
        Browser().in_(account_of(world.stranger)).post(f"/me/security/shared/{device}/end").status_code == 403
    )
    assert AccessLine.objects.filter(outcome="no_relation", action="people.devices").count() == 3


def test_an_ended_tablet_opens_for_nobody_and_its_people_are_told(
    world: World, tablet: Browser, director: Account
) -> None:
    device = SharedDevice.objects.get().device_id
    boss = Browser().in_(director)
    assert "一楼诊室平板" in title(boss.get("/me/security")), "also from another machine"
    assert boss.post(f"/me/security/shared/{device}/end").status_code == 302
    assert tablet.get("/switch")["Location"] == "/sign-in"
    assert not tablet.is_in()
    assert not Pin.objects.exists()
    assert "account.device_ended" in news(world.nurse)
    assert boss.post(f"/me/security/shared/{device}/end").status_code == 404
    assert SignInEvent.objects.filter(kind="device_ended").exists()
    assert AccessLine.objects.filter(action="staff.device_ended").exists()


# One's own device


def test_on_ones_own_device_a_pin_brings_one_back_to_the_page(doctor: Account) -> None:
    browser = Browser().in_(doctor)
    browser.post("/me/security/pin", {"pin": DOCTORS, "again": DOCTORS})
    assert "共用设备：" not in title(browser.get("/me/security"))
    browser.post("/lock")
    assert 'name="pin"' in title(browser.get("/unlock?next=/loops"))
    assert browser.post("/unlock", {"pin": "000000", "next": "/loops"}).status_code == 401
    assert browser.post("/unlock", {"pin": DOCTORS, "next": "/loops"})["Location"] == "/loops"
    mine = Pin.objects.get()
    assert browser.post(f"/me/security/pins/{mine.id}/remove").status_code == 302
    browser.post("/lock")
    assert 'name="pin"' not in title(browser.get("/unlock?next=/loops"))
    assert browser.post("/unlock", {"pin": DOCTORS}).status_code == 422
