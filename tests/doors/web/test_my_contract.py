"""我的签约 on a resident's own phone: 王秀兰 asks, signs and reads by herself; her relative and 钱医生 meet nothing of it."""

import re
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.doors.web.conftest import Office
from yishe.care.models import Contract
from yishe.people import own_accounts, residents
from yishe.people.actors import SYSTEM
from yishe.trust.models import Account

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


def browser(account: Account) -> Client:
    made = Client()
    made.force_login(account, backend=BACKEND)
    return made


def hers(office: Office) -> Client:
    """王秀兰, born 1947, signed in on her phone."""
    now, who = datetime.now(UTC), office.world.resident.resident
    residents.amend(SYSTEM, who, {"birth_date": date(1947, 1, 5)}, now)
    return browser(own_accounts.of_resident(who, now))


def text(answer: HttpResponse, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def version(page: str) -> str:
    return re.findall(r'name="version" value="([^"]+)"', page)[0]


def test_she_asks_signs_and_sees_her_year(office: Office) -> None:
    mine = hers(office)
    assert "还没有签约" in text(mine.get("/my/contract"))
    assert mine.post("/my/contract/apply", {"package": "basic"})["Location"] == "/my/contract"
    assert "已有一份签约" in text(mine.post("/my/contract/apply", {"package": "basic"}), 422)
    assert "已经收到您的申请" in text(mine.get("/my/contract"))
    contract = Contract.objects.get().id
    office.doctor.send(f"/contracts/{contract}/review", findings="可签")

    sign = f"/my/contract/{contract}/sign"
    shown = text(mine.get(sign))
    assert "不自动续签" in shown
    given = {"version": version(shown), "read": "on", "name": "王秀兰", "path": "M1 1 L90 90 "}
    assert "姓名不一致" in text(mine.post(sign, {**given, "name": "王小梅"}), 422)
    assert mine.post(sign, {**given, "read": ""}).status_code == 422
    assert mine.post(sign, given)["Location"] == "/my/contract"
    assert "等团队签字后生效" in text(mine.get("/my/contract"))
    assert "居民已在线上签字" in office.doctor.text(f"/contracts/{contract}/sign")
    assert office.doctor.send(f"/contracts/{contract}/sign", staff_name="王医生").status_code == 302

    page = text(mine.get("/my/contract"))
    assert "本年应有 3 项，已做 0 项，待做 3 项" in page
    assert "年度健康体检" in page
    assert mine.get(f"/my/contract/{contract}/agreement").content.startswith(b"%PDF")


def test_nobody_else_comes_to_her_contract(office: Office) -> None:
    mine = hers(office)
    mine.post("/my/contract/apply", {"package": "basic"})
    contract = Contract.objects.get().id
    another = office.world.another("孙邻居", datetime.now(UTC)).resident
    neighbour = browser(own_accounts.of_resident(another, datetime.now(UTC)))
    relative = browser(own_accounts.of_relative(UUID(int=7), datetime.now(UTC)))
    for path in (f"/my/contract/{contract}/sign", f"/my/contract/{contract}/agreement"):
        assert neighbour.get(path).status_code == 404
        for other in (relative, office.nurse.client, office.stranger.client):
            assert other.get(path).status_code == 403
    assert "王秀兰" not in text(neighbour.get("/my/contract"))
    assert mine.get(f"/contracts/{contract}/sign").status_code == 403
