"""What somebody means ill with: refused in words, noted, and the words give nothing away.

Elsewhere: bombs and entities (rooms/people/test_import_bombs), bodies of a hundred megabytes and files that are not what
they are called (web/test_uploads), forged cursors and unreadable JSON (api/test_bad_input), guessing in a hurry
(test_limits), spoilt backups and half-turned keys (rooms/trust).
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings as SettingsWrapper

from tests.doors.web.conftest import Office, office  # noqa: F401 - fixtures
from tests.doors.web.people_at_the_door import PASSWORD, Browser, account_of
from yishe.doors import admission
from yishe.loops import acts, rebuild, worker
from yishe.loops.models import Loop
from yishe.people import particulars
from yishe.people.particulars import Questioned
from yishe.policy.refusals import Unauthenticated, Unavailable
from yishe.trust import accounts, clock, guessing, keys, pins, root_key, sessions, verification
from yishe.trust.models import AccessLine, Account, Entry, Instance, Pin, Session, SignInEvent
from yishe.trust.sessions import Verdict

NAME = "王秀兰"
INSIDE = re.compile(r"Traceback|\.py\b|SELECT |psycopg|sqlite|django\.|/src/|site-packages", re.IGNORECASE)
DEAD = "00000000-0000-7000-8000-00000000dead"


def told(answer: HttpResponse, *statuses: int) -> str:
    """The words of a refusal: Chinese, without anything of our inside or of the resident."""
    text = answer.content.decode()
    assert answer.status_code in statuses, (answer.status_code, text[:300])
    assert any("一" <= letter <= "鿿" for letter in text) or answer.status_code == 302
    assert not INSIDE.search(text), INSIDE.search(text)
    assert NAME not in text
    return text


# --- somebody else's session


def test_a_stolen_session_is_worth_nothing_once_its_owner_has_left(office: Office) -> None:  # noqa: F811
    stolen = Client()
    stolen.cookies["sessionid"] = office.doctor.client.cookies["sessionid"].value
    assert stolen.get("/residents").status_code == 200, "until then it is he, for all the server can know"
    left = office.doctor.send("/sign-out")
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"', (
        "and his browser forgets what it kept of it"
    )
    told(stolen.get(office.resident), 302)


def test_a_changed_password_ends_every_session_of_the_account(office: Office) -> None:  # noqa: F811
    account = Account.objects.get(id=office.doctor.client.session["_auth_user_id"])
    accounts.set_password(account, "a-new-and-long-password-26", admission.rules(datetime.now(UTC)).password)
    told(office.doctor.open(office.resident), 302)


@pytest.mark.parametrize("cookie", ["forged", "", "0" * 32, "../../etc", "é", "a" * 5000])
def test_a_forged_session_leads_to_the_door(office: Office, cookie: str) -> None:  # noqa: F811
    client = Client()
    client.cookies["sessionid"] = cookie
    assert client.get(office.resident).headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("device", ["", "{id}.", "{id}.{seal}", "{other}.{seal}"])
def test_a_stolen_session_does_not_open_with_a_made_up_device(office: Office, device: str) -> None:  # noqa: F811
    """The thief read the cookie of the session, and knows which device it began on, but not the seal."""
    mine, thief = Browser().in_(account_of(office.world.doctor)), Client()
    named, seal = mine.cookies["device"].value.split(".")
    thief.cookies["sessionid"] = mine.cookies["sessionid"].value
    made_up = device.format(id=named, seal=seal[:-1] + ("A" if seal[-1] != "A" else "B"), other=uuid4().hex)
    thief.cookies["device"] = made_up
    told(thief.get(office.resident), 302)
    told(mine.get(office.resident), 302)
    assert SignInEvent.objects.filter(kind="session_stolen").count() == 1


def test_a_cookie_seen_before_a_sign_in_or_an_unlocking_opens_nothing_after_it(office: Office) -> None:  # noqa: F811
    account, mine, thief = account_of(office.world.doctor), Browser(), Browser()
    mine.get("/sign-in")
    for step in (
        lambda: mine.in_(account),
        lambda: mine.post("/unlock", {"password": PASSWORD}),
        lambda: mine.in_(account),
    ):
        seen = {name: morsel.value for name, morsel in mine.cookies.items()}
        step()
        assert mine.is_in()
        for name, value in seen.items():
            thief.cookies[name] = value
        assert not thief.is_in()
    assert mine.is_in()


def test_a_session_opens_no_api(office: Office) -> None:  # noqa: F811
    told(office.doctor.client.get("/api/v1/me"), 401)


# --- guessed, sent again, sent from elsewhere


def test_a_guessed_address_says_as_much_as_an_empty_one_and_leaves_a_line(office: Office) -> None:  # noqa: F811
    loop, before = office.refer(), AccessLine.objects.count()
    for path in (f"/residents/{DEAD}", f"/loops/{DEAD}", f"/residents/{DEAD}/reveal/phone"):
        told(office.stranger.open(path), 404)
    for path in (office.resident, f"/loops/{loop}", f"{office.resident}/reveal/phone"):
        told(office.stranger.open(path), 403)
    assert AccessLine.objects.count() >= before + 3


def test_a_form_from_elsewhere_is_not_taken(office: Office) -> None:  # noqa: F811
    loop = office.refer()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["sessionid"] = office.social_worker.client.cookies["sessionid"].value
    for token in ("", "forged", "x" * 64):
        told(strict.post(f"/loops/{loop}/accept", {"seq": "1", "csrfmiddlewaretoken": token}), 403)
    assert Loop.objects.get(id=loop).accepted_at is None


def test_the_same_press_sent_again_has_one_effect(office: Office) -> None:  # noqa: F811
    loop, command = office.refer(), uuid4().hex
    first = office.social_worker.send(f"/loops/{loop}/accept", seq="1", command_id=command)
    again = office.social_worker.send(f"/loops/{loop}/accept", seq="1", command_id=command)
    assert (first.status_code, again.status_code) == (302, 302)
    assert Loop.objects.get(id=loop).seq == 2


FORGED = ({"seq": "²"}, {"seq": "-1"}, {"seq": "9" * 5000}, {"seq": "1", "command_id": "x" * 129})


@pytest.mark.parametrize("fields", FORGED)
def test_a_form_that_was_tampered_with_is_refused_in_words(office: Office, fields: dict[str, str]) -> None:  # noqa: F811
    loop = office.refer()
    told(office.social_worker.send(f"/loops/{loop}/accept", **fields), 422)
    assert Loop.objects.get(id=loop).seq == 1


@pytest.mark.parametrize("link", ["{}", "not-an-id", DEAD, "0" * 32, "..%2f..%2fsecret.key"])
def test_a_tampered_link_to_a_file_finds_nothing(office: Office, link: str) -> None:  # noqa: F811
    job = link.format(uuid4().hex)
    told(office.director.open(f"/import/{job}/result.xlsx"), 404)
    told(office.director.send(f"{office.resident}/rights/copies/{DEAD}/pdf"), 403, 404)


FORGED = ["AAAA", "é", "0" * 400, "../../etc", "' OR 1=1 --", "_" * 32, "gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]


@pytest.mark.parametrize(
    "path", ["/loops", "/notices", "/audit", "/audit/sign-ins", "{resident}?tab=medicines", "{resident}"]
)
def test_a_forged_cursor_is_refused_on_every_page_that_turns(office: Office, path: str) -> None:  # noqa: F811
    address = path.format(resident=office.resident)
    for cursor in FORGED:
        answer = office.director.client.get(
            address, {"cursor": cursor} | ({"tab": "medicines"} if "tab" in path else {})
        )
        assert "翻页标记无效" in told(answer, 422)


# --- what no person types


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/loops/export", "/notices/read", "{resident}/refer/referral.doctor_to_social_worker/D12"],
)
def test_a_null_character_is_refused_on_every_page(office: Office, path: str) -> None:  # noqa: F811
    answer = office.doctor.send(path.format(resident=office.resident), username="a\0b", note="a\0b")
    assert "空字符" in told(answer, 400)


def test_a_null_character_in_an_address_is_refused(office: Office) -> None:  # noqa: F811
    assert "空字符" in told(office.doctor.open("/residents", q="a\0"), 400)
    told(office.doctor.client.get("/loops/%00/accept"), 404)


SCRIPTS = {
    "Cyrillic": "王с兰",
    "Greek": "Αnna",
    "Hebrew": "王א",
    "Arabic": "阿م",
    "Hangul": "김秀兰",
    "kana": "王あ",
}


@pytest.mark.parametrize("name", SCRIPTS.values(), ids=SCRIPTS)
def test_a_name_of_mixed_scripts_is_questioned_by_its_letter(name: str) -> None:
    with pytest.raises(Questioned, match=r"第 \d 个字（U\+[0-9A-F]{4}）") as refused:
        particulars.name(name)
    assert refused.value.code == "name_script"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("王\u202e秀\u200b兰", "王秀兰"),
        ("\u2f5f兰", "玉兰"),
        ("ＷＡＮＧ Xiulan", "WANG Xiulan"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
    ],
)
def test_what_cannot_be_seen_in_a_name_is_dropped(written: str, kept: str) -> None:
    assert particulars.name(written) == kept


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}{% debug %}", "${7*7}"]
)
def test_what_is_typed_is_shown_and_never_run(office: Office, typed: str) -> None:  # noqa: F811
    loop = office.refer()
    office.doctor.send(f"/loops/{loop}/note", seq="1", command=uuid4().hex, note=typed)
    page = office.social_worker.text(f"/loops/{loop}")
    assert (
        typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;") in page
    )
    assert "<script>alert" not in page
    assert "<img src=x" not in page


# --- keys and clocks


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "长度不对"), ("not base64 at all!", "已损坏"), ("c2hvcnQ=", "长度不对"),
        ("bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=", "不是一对"), (None, "找不到密钥文件"),
    ],
)  # fmt: skip
def test_a_wrong_key_file_is_named_and_nothing_of_it_repeated(
    db: None, settings: SettingsWrapper, tmp_path: Path, content: str | None, words: str
) -> None:
    settings.SECRET_KEY_FILE = tmp_path / "secret.key"
    if content is not None:
        settings.SECRET_KEY_FILE.write_text(content)
    assert Instance.objects.filter(id=1).exists()
    keys.forget()
    with pytest.raises(Unavailable, match=words) as refused:
        keys.verify_root()
    assert not content or content not in refused.value.title


def test_a_root_key_is_never_part_of_a_message(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("QUJD" * 20)
    with pytest.raises(Unavailable) as refused:
        root_key.read(tmp_path / "k")
    assert "QUJD" not in str(refused.value)


def test_a_clock_set_back_changes_no_order_and_breaks_no_chain(office: Office) -> None:  # noqa: F811
    """Order is by seq, never by time, and no clock fires for a moment that comes a second time."""
    loop, early = office.refer(), datetime.now(UTC) - timedelta(days=3)
    acts.act(office.world.social_worker, "accept", loop, seq=1, at=early, command_id=uuid4().hex)
    entries = Entry.objects.filter(stream=loop).order_by("seq").values_list("seq", "kind", "recorded_at")
    assert [seq for seq, _, _ in entries] == [1, 2]
    assert entries[1][2] >= entries[0][2], "no entry is older than the one before it"
    assert verification.verify().broken is None
    assert not rebuild.differences()
    assert worker.sweep(early, 500).looked_at == 0


def test_a_clock_set_back_opens_no_screen_that_locked_and_no_account_that_waits(office: Office) -> None:  # noqa: F811
    account, now = account_of(office.world.doctor), clock.real_now()
    browser = Browser().in_(account)
    browser.post("/me/security/pin", {"pin": "739124", "again": "739124"})
    browser.post("/lock")
    early, rules = now - timedelta(days=1), admission.rules(now)
    row = Session.objects.get(account=account, ended_at=None)
    assert sessions.judge(row, row.device_id, early, rules) is Verdict.LOCKED
    sessions.end(account.pk, row.id, "ended_elsewhere", now)
    row.refresh_from_db()
    assert sessions.judge(row, row.device_id, early, rules) is Verdict.ENDED
    account.locked_until = now + timedelta(minutes=15)
    account.save(update_fields=["locked_until"])
    with pytest.raises(Unauthenticated, match="锁定"):
        guessing.refuse_locked(account, early)
    pin = Pin.objects.select_related("account").get()
    with pytest.raises(Unauthenticated, match="锁定"):
        pins.prove(pin, "739124", guessing.Try(account.username, "", early, rules.guessing), rules.pin)
