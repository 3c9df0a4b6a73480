"""The residents' own pages. 王秀兰 comes in by a code to her phone, her daughter by her own phone while a consent holds;
赵护士 hands out a slip, 钱医生 is a stranger. Staff meet none of these pages, and nobody here meets theirs."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from tests.doors.web.conftest import Office
from tests.rooms.trust.authenticator import Authenticator
from yishe.care import medications, plans
from yishe.care.plans import Wish
from yishe.loops import acts, worker
from yishe.loops.models import Loop
from yishe.people import consent_checks, consents, own_accounts, residents
from yishe.people.actors import SYSTEM
from yishe.people.consent_checks import Yes
from yishe.people.models import Consent
from yishe.talk import codes as carrying
from yishe.talk import consents as talking
from yishe.talk import delivery
from yishe.trust.models import AccessLine, OneTimeCode, Session

PHONE, HERS, BORN = "13986271504", "13700137000", date(1947, 3, 5)
DAUGHTER = {"relative_name": "王小梅", "relative_phone": HERS, "kinship": "3"}


class Line:
    """The phones of the town: who was sent what."""

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    def __call__(self, phone: str, text: str) -> None:
        self.sent[phone] = text

    def code(self, phone: str) -> str:
        delivery.deliver(datetime.now(UTC) + timedelta(seconds=1), "w")
        found = re.search(r"登录码 (\d{6})", self.sent[phone])
        assert found
        return found[1]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    made = Line()
    monkeypatch.setattr(carrying, "port", lambda: made)
    return made


@pytest.fixture
def her(office: Office) -> UUID:
    """王秀兰, whose phone and birth date are on file."""
    who = office.world.resident.resident
    residents.amend(SYSTEM, who, {"phone": PHONE, "birth_date": BORN}, datetime.now(UTC))
    return who


def agree(office: Office, *scope: str) -> UUID:
    now = datetime.now(UTC)
    yes = Yes("relative", consents.text("relative", now).sha256, scope=scope, **DAUGHTER)
    return consents.give(office.world.social_worker, office.world.resident.resident, yes, now)


def text(answer: HttpResponse, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def resident_in(line: Line) -> Client:
    browser = Client()
    assert browser.post("/my/sign-in/resident", {"phone": PHONE})["Location"] == "/my/sign-in/code"
    assert browser.post("/my/sign-in/code", {"code": line.code(PHONE)})["Location"] == "/my"
    return browser


def relative_in(line: Line) -> Client:
    browser = Client()
    browser.post("/my/sign-in/relative", {"name": "王小梅", "phone": HERS})
    assert browser.post("/my/sign-in/code", {"code": line.code(HERS)})["Location"] == "/my"
    return browser


def test_a_resident_comes_in_by_a_code_and_sees_who_helps_her(office: Office, her: UUID, line: Line) -> None:
    loop = office.refer()
    mine = resident_in(line)
    assert "1 件正在办" in text(mine.get("/my"))
    page = text(mine.get("/my/promises"))
    assert office.world.social_worker.name in page
    assert "说好" in page
    assert "近一月少出门" not in page
    office.doctor.open(f"/loops/{loop}")
    looked = text(mine.get("/my/looked"))
    assert office.world.doctor.name in looked
    assert "本人" not in looked
    assert "本人" in office.social_worker.text(f"{office.resident}/rights/looked")
    assert {one.relation for one in AccessLine.objects.filter(action="my.promises")} == {"own"}


def test_nothing_tells_whether_a_number_is_known(office: Office, her: UUID, line: Line) -> None:
    pages = []
    for phone in (PHONE, "13911112222"):
        browser = Client()
        asked = browser.post("/my/sign-in/resident", {"phone": phone})
        shown = text(browser.get("/my/sign-in/code"))
        wrong = browser.post("/my/sign-in/code", {"code": "12"})
        pages.append((asked.status_code, asked["Location"], _bare(shown), _bare(text(wrong, 401))))
    assert pages[0] == pages[1]


def _bare(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)


def test_who_shares_a_phone_is_asked_for_a_birth_date_and_sees_no_name(
    office: Office, her: UUID, line: Line
) -> None:
    other = {"name": "赵邻居", "phone": PHONE, "birth_date": date(1950, 1, 2)}
    residents.register(SYSTEM, other, datetime.now(UTC), centre=office.world.resident.centre)
    browser = Client()
    browser.post("/my/sign-in/resident", {"phone": PHONE})
    assert browser.post("/my/sign-in/code", {"code": line.code(PHONE)})["Location"] == "/my/sign-in/born"
    asked = text(browser.get("/my/sign-in/born"))
    assert "赵" not in asked
    assert "王" not in asked
    assert "对不上" in text(browser.post("/my/sign-in/born", {"born": "1951-01-01"}), 401)
    assert browser.get("/my")["Location"] == "/my/sign-in"
    assert browser.post("/my/sign-in/born", {"born": "1950.01.02"})["Location"] == "/my"
    assert "赵邻居" in text(browser.get("/my"))


def test_a_slip_is_seen_once_and_opens_with_the_birth_date(office: Office, her: UUID) -> None:
    assert office.stranger.send(f"{office.resident}/rights/slip").status_code == 403
    shown = office.nurse.send(f"{office.resident}/rights/slip").content.decode()
    found = re.search(r'class="code"[^>]*>([\d ]+)<', shown)
    assert found
    assert found[1] not in office.nurse.text(f"{office.resident}/rights")
    browser = Client()
    assert text(browser.post("/my/sign-in/slip", {"code": "0000 0000"}), 401)
    assert browser.post("/my/sign-in/slip", {"code": found[1]})["Location"] == "/my/sign-in/born"
    assert text(browser.post("/my/sign-in/born", {"born": "19470306"}), 401)
    assert browser.post("/my/sign-in/born", {"born": "19470305"})["Location"] == "/my"
    assert "王秀兰" in text(browser.get("/my"))
    assert OneTimeCode.objects.get().used_at


def test_staff_and_residents_never_meet(office: Office, her: UUID, line: Line) -> None:
    agree(office, "loops")
    for mine in (resident_in(line), relative_in(line)):
        for path in (
            "/",
            "/residents",
            office.resident,
            "/loops",
            "/duty",
            "/me/security",
            "/audit",
            "/import",
        ):
            assert mine.get(path).status_code == 403, path
    for path in ("/my", "/my/promises", "/my/consents", f"/my/of/{her}", "/my/security"):
        assert office.doctor.open(path).status_code == 403, path
        assert Client().get(path)["Location"] == "/my/sign-in", path


def test_a_relative_sees_what_was_agreed_to_and_nothing_from_the_moment_it_is_taken_back(
    office: Office, her: UUID, line: Line
) -> None:
    now = datetime.now(UTC)
    for drug in ("氨氯地平", "利培酮"):
        medications.record(
            office.world.doctor, her, action="start", drug=drug, dose="5mg", frequency="每日一次", at=now, command_id=drug
        )  # fmt: skip
    office.refer()
    given = agree(office, "loops", "medicines")
    mine = relative_in(line)
    chooser = text(mine.get("/my"))
    assert "王＊兰" in chooser
    assert "王秀兰" not in chooser
    assert "监测数值" not in text(mine.get(f"/my/of/{her}"))
    medicines = text(mine.get(f"/my/of/{her}/medicines"))
    assert "氨氯地平" in medicines
    assert "利培酮" not in medicines
    assert office.world.social_worker.name in text(mine.get(f"/my/of/{her}/promises"))
    assert mine.get(f"/my/of/{her}/measurements").status_code == 404
    assert mine.get(f"/my/of/{uuid4()}").status_code == 403
    for path in ("/my/promises", "/my/consents", "/my/looked", "/my/rights"):
        assert mine.get(path).status_code == 403
    lines = AccessLine.objects.filter(action="my.medicines")
    assert {(one.relation, one.purpose) for one in lines} == {("relative", "relatives_care")}
    assert "王小梅" in text(resident_in(line).get("/my/looked"))

    talking.withdraw(office.world.social_worker, her, given, "family", datetime.now(UTC))

    assert mine.get(f"/my/of/{her}/medicines").status_code == 403
    assert "没有居民同意您查看" in text(mine.get("/my"))
    again = Client()
    again.post("/my/sign-in/relative", {"name": "王小梅", "phone": HERS})
    line.sent.clear()
    delivery.deliver(datetime.now(UTC) + timedelta(seconds=1), "w")
    assert line.sent == {}


def test_she_says_yes_online_reads_what_she_said_yes_to_and_takes_it_back(
    office: Office, her: UUID, line: Line
) -> None:
    mine = resident_in(line)
    assert "家属查看" in text(mine.get("/my/consents"))
    form = text(mine.get("/my/consents/relative"))
    assert "用他自己的账号" in form
    sha = consents.text("relative", datetime.now(UTC)).sha256
    said = {
        "sha256": sha,
        "relative_name": "王小梅",
        "relative_phone": HERS,
        "kinship": "3",
        "scope": ["loops"],
    }
    assert "请选择" in text(mine.post("/my/consents/relative", {**said, "kinship": "0"}), 422)
    assert mine.post("/my/consents/relative", said)["Location"] == "/my/consents"
    row = Consent.objects.get(basis="relative")
    assert (row.how, row.given_by, row.recorded_by) == ("online", "resident", office.world.resident.subject)
    assert "用他自己的账号" in text(mine.get(f"/my/consents/{row.id}"))
    assert "居民本人" in office.social_worker.text(f"{office.resident}/rights")
    mine.post(f"/my/consents/{row.id}/withdraw", {"reason": "unsaid"})
    assert Consent.objects.get(id=row.id).withdrawn_by == "resident"
    assert mine.get(f"/my/consents/{uuid4()}").status_code == 404


def test_she_asks_for_a_correction_and_says_herself_whether_it_is_done(
    office: Office, her: UUID, line: Line
) -> None:
    mine = resident_in(line)
    assert "更正申请：身份与联系方式有误" in text(mine.get("/my/rights"))
    assert mine.post("/my/rights/rights.correction/R1", {"note": "电话写错了"})["Location"] == "/my/promises"
    loop = Loop.objects.get(kind="rights.correction")
    assert loop.sender == office.world.resident.subject
    assert "已有一件在办" in text(mine.post("/my/rights/rights.correction/R1", {"note": "再说一次"}), 422)
    assert mine.get("/my/rights/referral.doctor_to_social_worker/D12").status_code == 404
    _worked_on(office, loop.id)
    shown = text(mine.get("/my/promises"))
    assert "办好了吗" in shown
    seq = Loop.objects.get(id=loop.id).seq
    assert mine.post(f"/my/promises/{loop.id}/done", {"seq": seq}).status_code == 302
    assert Loop.objects.get(id=loop.id).closed_as == "served"


def test_what_a_resident_asked_for_is_confirmed_by_somebody_else_when_she_has_died(
    office: Office, her: UUID, line: Line
) -> None:
    mine = resident_in(line)
    mine.post("/my/rights/rights.correction/R1", {"note": "电话写错了"})
    loop = Loop.objects.get(kind="rights.correction").id
    _worked_on(office, loop)
    assert Loop.objects.get(id=loop).owner == office.world.resident.subject
    residents.die(SYSTEM, her, datetime.now(UTC))
    worker.sweep(datetime.now(UTC))
    assert Loop.objects.get(id=loop).owner in {
        one.staff_id for one in (office.world.doctor, office.world.director)
    }
    assert mine.get("/my/promises").status_code == 403


def _worked_on(office: Office, loop: UUID) -> None:
    """Whoever performs it does what there is to do."""
    by = next(
        one
        for one in (office.world.nurse, office.world.director, office.world.doctor)
        if _performs(one, loop)
    )
    for verb, more in (
        ("accept", {}), ("start", {}),
        ("complete", {"outcome": "correction_refused", "evidence": [{"type": "statement", "id": str(uuid4())}]}),
    ):  # fmt: skip
        acts.act(by, verb, loop, seq=Loop.objects.get(id=loop).seq, at=datetime.now(UTC), **more)


def _performs(actor: object, loop: UUID) -> bool:
    return Loop.objects.get(id=loop).performer == actor.staff_id  # type: ignore[attr-defined]


def test_she_takes_a_copy_once(office: Office, her: UUID, line: Line) -> None:
    mine = resident_in(line)
    mine.post("/my/rights/copies")
    found = re.search(r'action="(/my/rights/copies/[0-9a-f-]+)/json"', text(mine.get("/my/rights")))
    assert found
    copy = mine.post(f"{found[1]}/json")
    assert "王秀兰" in text(copy)
    assert "attachment" in copy["Content-Disposition"]
    assert "取走过一次" in text(mine.post(f"{found[1]}/json"), 409)


def test_her_plan_stands_in_plain_words_and_in_her_copy(office: Office, her: UUID, line: Line) -> None:
    today = datetime.now(UTC).date()
    begun = plans.started("lonely_elder", today)
    goals = tuple(one if one.scaled else replace(one, baseline="15") for one in begun.goals)
    now, nurse = datetime.now(UTC), office.world.nurse
    plan = plans.write(nurse, her, Wish(replace(begun, goals=goals), 0), now)
    mine = resident_in(line)
    assert "还没有定好的计划" in text(mine.get("/my/plan"))
    plans.confirm(office.world.social_worker, plan, 1, now)
    plans.score(nurse, plan, "company", "-1", now)
    page = text(mine.get("/my/plan"))
    assert "我们说好要做到：一周两三次" in page
    assert "最近：一周一次" in page
    assert "起立行走用时：开始是 15 秒，要到 11 秒" in page
    assert "医务社工" in page
    mine.post("/my/rights/copies")
    found = re.search(r'action="(/my/rights/copies/[0-9a-f-]+)/json"', text(mine.get("/my/rights")))
    assert found
    (copied,) = json.loads(mine.post(f"{found[1]}/json").content)["plans"]
    assert copied["versions"][0]["by"] == [nurse.name, office.world.social_worker.name]
    assert copied["scores"][0]["value"] == "-1"
    assert mine.post(f"{found[1]}/pdf").content.startswith(b"%PDF")
    assert office.stranger.open("/my/plan").status_code == 403


def test_a_screen_left_alone_ends_and_other_devices_can_be_sent_away(
    office: Office, her: UUID, line: Line
) -> None:
    mine, other = resident_in(line), resident_in(line)
    assert "这一台" in text(mine.get("/my/security"))
    mine.post("/my/security/sessions/end-others")
    assert other.get("/my")["Location"] == "/my/sign-in"
    assert mine.post("/my/security/passkeys/ask").status_code in (200, 409)
    Session.objects.filter(ended_at=None).update(seen_at=datetime.now(UTC) - timedelta(hours=1))
    assert mine.get("/my")["Location"] == "/my/sign-in"
    again = resident_in(line)
    Session.objects.filter(ended_at=None).update(proved_at=datetime.now(UTC) - timedelta(hours=1))
    assert "重新登录" in text(again.post("/my/security/passkeys/ask"), 409)
    assert again.post("/my/sign-out")["Location"] == "/my/sign-in"
    assert again.get("/my")["Location"] == "/my/sign-in"


def test_a_residents_passkey_opens_her_door_and_a_colleagues_does_not(
    office: Office, her: UUID, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ORIGINS", ["https://yishe.test"])
    keys = [Authenticator(handle=b"her-own-telephone"), Authenticator()]
    host = {"HTTP_HOST": "yishe.test"}
    mine = resident_in(line)
    for client, path, device in (
        (mine, "/my/security/passkeys", keys[0]),
        (office.doctor.client, "/me/security/passkeys", keys[1]),
    ):
        given = json.loads(text(client.post(f"{path}/ask", **host)))
        client.post(path, _answered(given, device.create(given)), **host)
    assert "通行密钥" in text(mine.get("/my/security", **host))
    for door, opens, refused in (("/my/sign-in", keys[0], keys[1]), ("/sign-in", keys[1], keys[0])):
        for device, fine in ((opens, True), (refused, False)):
            browser = Client(**host)
            given = json.loads(text(browser.post(f"{door}/passkey/ask")))
            came = browser.post(f"{door}/passkey", _answered(given, device.get(given)))
            assert (came.status_code == 302) is fine, (door, came.content.decode())


def _answered(given: dict[str, Any], answer: dict[str, Any]) -> dict[str, str]:
    return {"challenge": given["challenge"], "answer": json.dumps(answer)}


def test_where_nothing_carries_codes_the_door_names_the_desk(office: Office) -> None:
    shown = text(Client().get("/my/sign-in"))
    assert "服务台" in shown
    assert "我是居民本人" not in shown
    assert "服务台" in text(Client().post("/my/sign-in/resident", {"phone": PHONE}), 409)


@pytest.mark.parametrize("phone", ["", "12", "1380013800x", "١٣٨٠٠١٣٨٠٠٠", "1" * 400])
def test_what_is_no_number_is_refused_in_words(office: Office, line: Line, phone: str) -> None:
    assert (
        "电话" in (said := text(Client().post("/my/sign-in/resident", {"phone": phone}), 422))
        or "手机号" in said
    )
    assert own_accounts.with_phone(phone, datetime.now(UTC)) == []
    assert consent_checks.relative_of("王小梅", HERS)
