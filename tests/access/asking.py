"""How each row of the table is asked: what is sent with it, and what counts as yes."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test.client import ClientHandler, RequestFactory
from openpyxl import load_workbook

from tests.access import table
from tests.access.table import Row
from tests.access.town import D2S, FOLLOWED, PHONE, Person, Town
from yishe.doors.live import who
from yishe.people import consents
from yishe.policy.refusals import Refused
from yishe.talk import live

BRACES = re.compile(r"\{(\w+)\}")
NEW_PASSWORD = "一句只有我知道的长长的话"
SHEET = "spreadsheetml"


class Wire(RequestFactory):
    """Asks the whole stack of middleware and views, without the test client's keeping of every template's context."""

    def __init__(self) -> None:
        super().__init__()
        self.handler = ClientHandler(enforce_csrf_checks=False)

    def request(self, **given: Any) -> HttpResponse:
        return self.handler(self._base_environ(**given))


WIRE = Wire()
"""One for everybody, as setting one up costs more than asking; who asks is in the cookie or the token."""
Sent = Callable[[Town, Person], dict[str, Any]]


def _act(**said: Any) -> Sent:
    return lambda town, person: {"seq": town.seq(), "command_id": uuid4().hex, **said}


def _agreed(town: Town, person: Person) -> dict[str, Any]:
    text = consents.text("service", town.now)
    return {"given_by": "resident", "how": "paper", "sha256": text.sha256}


def _kept(town: Town, person: Person) -> dict[str, Any]:
    service = "social_support" if person.duty == "social_worker" else "review"
    return {"services": [service], "how": "2", "summary": "家访"}


SENT: dict[str, Sent] = {
    "POST /preferences": lambda town, person: {"theme": "dark"},
    "POST /sign-in": lambda town, person: {"username": "nobody", "password": "wrong"},
    "POST /me/security/password": lambda town, person: {"password": NEW_PASSWORD, "again": NEW_PASSWORD},
    "POST /residents": lambda town, person: {"q": "欧阳"},
    "POST /loops/export": lambda town, person: {"purpose": "月度质控会", "set": "sent"},
    "POST /audit/export": lambda town, person: {"purpose": "季度隐私检查"},
    "POST /research/new": lambda town, person: {
        "variables": ["loops"], "since": f"{town.now:%Y-%m-%d}", "until": f"{town.now:%Y-%m-%d}", "purpose": "health",
        "reason": "评估随访对血压控制的作用，回顾性研究",
    },
    "POST /residents/{resident}/export": lambda town, person: {"purpose": "转诊随带"},
    "POST /panel/batch": lambda town, person: {
        "deed": "remind", "residents": str(town.resident.resident),
    },
    "POST /calls/export": lambda town, person: {"purpose": "外出随访"},
    "POST /panel/followups": lambda town, person: {"purpose": "随访质控"},
    "POST /indicators/export": lambda town, person: {"purpose": "季度质控会"},
    "POST /year/export": lambda town, person: {"purpose": "履约质控"},
    "POST /panel/export": lambda town, person: {"purpose": "随访排班"},
    "POST /board/export": lambda town, person: {"purpose": "月度质控会"},
    "POST /break-glass": lambda town, person: {"id_number": "110101195001010021"},
    "POST /residents/{resident}/break-glass": lambda town, person: {"reason": "life", "command_id": uuid4().hex},
    "POST /api/v1/residents/{resident}/break-glass": lambda town, person: {"reason": "life"},
    "POST /residents/{resident}/record/note": lambda town, person: {"stage": "intake", "text": "入户看望"},
    "POST /residents/{resident}/record/encounter": lambda town, person: {"kind": "1", "summary": "复诊"},
    "POST /residents/{resident}/record/observation": lambda town, person: {"sbp": "128", "dbp": "80"},
    "POST /residents/{resident}/record/growth": lambda town, person: {"child_weight": "12.5"},
    "POST /residents/{resident}/record/body": lambda town, person: {"waist": "88"},
    "POST /residents/{resident}/record/answers": lambda town, person: {"smoker": "0"},
    "POST /residents/{resident}/record/visit": lambda town, person: {
        "visit": "adult.bp", "how": "1", "summary": "测了血压",
    },
    "POST /residents/{resident}/record/pregnancy": lambda town, person: {"step": "begin", "on": f"{town.now:%Y-%m-%d}"},
    "POST /residents/{resident}/record/immunization": lambda town, person: {
        "vaccine": "HepB", "reason": "ill", "remark": f"第 {uuid4().hex[:6]} 次",
    },
    "POST /residents/{resident}/record/medication": lambda town, person: {
        "action": "start", "drug": "氨氯地平", "dose": "5mg", "frequency": "每日一次",
    },
    "POST /residents/{resident}/followups/{visited}/amend": lambda town, person: {
        "a-tests": uuid4().hex, "reason": "抄错了",
    },
    "POST /residents/{resident}/followups/{visit}/save": lambda town, person: {"a-sbp": "132"},
    "POST /residents/{resident}/followups/{visit}/submit": lambda town, person: {
        "a-on": f"{town.now:%Y-%m-%d}", **{f"a-{name}": value for name, value in FOLLOWED.items()},
    },
    "POST /residents/{resident}/assessments/new/ucla3": lambda town, person: {"informant": "staff"},
    "POST /residents/{resident}/assessments/{form}/save": lambda town, person: {"a-u1": "1"},
    "POST /residents/{resident}/assessments/{form}/submit": lambda town, person: {"a-u1": "1", "a-u2": "1", "a-u3": "1"},
    "POST /my/of/{resident}/questionnaires/{answered}/ask/fell": lambda town, person: {"a-fell": "1"},
    "POST /my/questionnaires/{answered}/take-back": lambda town, person: {"command_id": uuid4().hex},
    "POST /q/{link}": lambda town, person: {"code": "00000000"},
    "POST /residents/{resident}/assessments/{assessed}/amend": lambda town, person: {"a-u1": "2", "reason": "听错了"},
    "POST /residents/{resident}/record/condition": lambda town, person: {"kind": "social", "title": "子女在外地"},
    f"POST /residents/{{resident}}/refer/{D2S}/D15": lambda town, person: {"note": "家中多处台阶"},
    "POST /residents/{resident}/class/correct": lambda town, person: {
        "medical": "medium", "reason": "temporary", "until": f"{town.now + timedelta(days=90):%Y-%m-%d}",
    },
    "POST /residents/{resident}/protection": lambda town, person: {
        "reason": "violence", "review": f"{town.now + timedelta(days=90):%Y-%m-%d}",
    },
    "POST /loops/{loop}/consent": _agreed,
    "POST /residents/{resident}/contract": lambda town, person: {"way": "home", "known": "on"},
    "POST /residents/{resident}/contract/package": lambda town, person: {"package": "basic", "way": "home"},
    "POST /contracts/{applied}/review": lambda town, person: {"findings": "适合基础包"},
    "POST /contracts/{applied}/sign": lambda town, person: {
        "signer": "resident", "resident_name": "欧阳慕云", "staff_name": "签约人",
    },
    "POST /contracts/{contract}/team": lambda town, person: {"team": str(town.places["A2"])},
    "POST /contracts/{contract}/end": lambda town, person: {"reason": "asked"},
    "POST /residents/{resident}/plan": lambda town, person: {
        "base": "0", "review_on": f"{town.now + timedelta(days=90):%Y-%m-%d}", "alone": "no_social_need", "g0-id": "a",
        "g0-title": "走路稳当", "g0-profession": "medical", "g0-by": f"{town.now + timedelta(days=90):%Y-%m-%d}",
        "g0-measure": "起立行走用时", "g0-baseline": "15", "g0-target": "11", "g0-unit": "秒",
    },
    "POST /plans/{drafted}/confirm": lambda town, person: {"version": "1"},
    "POST /plans/{plan}/score/company": lambda town, person: {"said": "0"},
    "POST /plans/{plan}/end": lambda town, person: {"reason": "reached"},
    "POST /residents/{resident}/contract/household": lambda town, person: {
        "package": "basic", "way": "home", "residents": str(town.resident.resident),
    },
    "POST /enterprises/{enterprise}/contracts": lambda town, person: {
        "package": "basic", "way": "centre", "residents": str(town.contracted),
    },
    "POST /my/contract/apply": lambda town, person: {"package": "basic"},
    "POST /my/contract/{applied}/sign": lambda town, person: {"read": "on", "name": "司徒申请", "version": "2025-01-01"},
    "POST /api/v1/contracts/batch": lambda town, person: {
        "package": "basic", "way": "home", "residents": [str(town.contracted)],
    },
    "POST /api/v1/residents/{resident}/assessments/{assessed}/amend": lambda town, person: {
        "answers": {"u1": "2"}, "reason": "听错了",
    },
    "POST /api/v1/residents/{resident}/plans": lambda town, person: {
        "review_on": f"{town.now + timedelta(days=90):%Y-%m-%d}", "alone": "no_social_need", "goals": [{
            "id": "a", "title": "走路稳当", "profession": "medical", "by": f"{town.now + timedelta(days=90):%Y-%m-%d}",
            "measure": "起立行走用时", "baseline": "15", "target": "11", "unit": "秒",
        }],
    },
    "POST /api/v1/plans/{drafted}/confirm": lambda town, person: {"version": 1},
    "POST /api/v1/plans/{plan}/scores": lambda town, person: {"goal": "company", "said": "0"},
    "POST /api/v1/plans/{plan}/end": lambda town, person: {"reason": "reached"},
    "POST /api/v1/contracts/{contract}/team": lambda town, person: {"team": str(town.places["A2"])},
    "POST /residents/{contracted}/keep": _kept,
    "POST /calls/{contracted}": lambda town, person: {"outcome": "no_answer"},
    "POST /residents/{contracted}/attempts": lambda town, person: {"way": "3", "outcome": "no_answer"},
    "POST /api/v1/residents/{contracted}/attempts": lambda town, person: {"way": "3", "outcome": "no_answer"},
    "POST /api/v1/residents/{resident}/contracts": lambda town, person: {"package": "basic", "way": "home"},
    "POST /api/v1/residents/{contracted}/contacts": _kept,
    "POST /api/v1/contracts/{applied}/review": lambda town, person: {"findings": "适合基础包"},
    "POST /api/v1/contracts/{applied}/sign": lambda town, person: {
        "resident": {"name": "欧阳慕云"}, "staff": {"name": "签约人"},
    },
    "POST /api/v1/contracts/{contract}/end": lambda town, person: {"reason": "asked"},
    "POST /residents/{resident}/rights/consents/service": _agreed,
    "POST /residents/{resident}/rights/consents/{consent}/withdraw": lambda town, person: {
        "reason": "unsaid", "by": "resident",
    },
    "POST /my/sign-in/resident": lambda town, person: {"phone": PHONE},
    "POST /my/sign-in/relative": lambda town, person: {"name": "欧阳小梅", "phone": "13700137001"},
    "POST /my/sign-in/code": lambda town, person: {"code": "000000"},
    "POST /my/sign-in/slip": lambda town, person: {"code": "00000000"},
    "POST /my/sign-in/born": lambda town, person: {"born": "19470305"},
    "POST /my/promises/{loop}/done": lambda town, person: {"seq": town.seq()},
    "POST /my/consents/service": _agreed,
    "POST /my/consents/{consent}/withdraw": lambda town, person: {"reason": "unsaid"},
    "POST /my/rights/rights.correction/R1": lambda town, person: {"note": "电话写错了"},
    "POST /loops/{erasure}/erase": lambda town, person: {"seq": 3, "command_id": uuid4().hex},
    "POST /loops/{loop}/accept": _act(),
    "POST /loops/{loop}/note": _act(note="电话联系过"),
    "POST /loops/{loop}/cancel": _act(reason="entered_wrongly"),
    "POST /loops/{loop}/void": _act(reason="entered_wrongly"),
    "POST /loops/{loop}/hand_over": lambda town, person: _act(
        reason="better_placed", to=str(town.person("social_worker", "colleague").staff)
    )(town, person),
    "POST /import/upload": lambda town, person: {"roster": SimpleUploadedFile("r.txt", b"-")},
    "POST /import/runs/{imported}": lambda town, person: {"reason": "trial"},
    "POST /import/held/{row}": lambda town, person: {"answer": "new"},
    "POST /team/leave": lambda town, person: {
        "staff": str(town.person("family_doctor", "owner").staff), "since": "2031-06-01T08:00", "until": "2031-06-02T08:00",
    },
    "POST /team/shift": lambda town, person: {
        "duty": "family_doctor", "staff": str(town.person("family_doctor", "owner").staff),
        "since": "2031-06-01T08:00", "until": "2031-06-01T20:00",
    },
    "POST /api/v1/loops": lambda town, person: {
        "kind": D2S, "resident": str(town.resident.resident), "reason": "D15", "note": "家中多处台阶",
    },
    "POST /api/v1/loops/{loop}/accept": lambda town, person: {"seq": town.seq()},
    "POST /api/v1/loops/{loop}/void": lambda town, person: {"seq": town.seq(), "reason": "entered_wrongly"},
    "POST /api/v1/residents/{resident}/medications": lambda town, person: {
        "action": "start", "drug": "氨氯地平", "dose": "5mg", "frequency": "每日一次",
    },
    "POST /api/v1/residents/{resident}/class/correction": lambda town, person: {
        "medical": "medium", "reason": "temporary", "until": f"{town.now + timedelta(days=90):%Y-%m-%d}",
    },
    "POST /api/v1/residents/{resident}/immunizations": lambda town, person: {"vaccine": "HepB", "reason": "ill"},
    "POST /api/v1/residents/{resident}/followups": lambda town, person: {"followup": "dm"},
    "POST /api/v1/residents/{resident}/followups/{visit}/answers": lambda town, person: {"answers": {"sbp": "132"}},
    "POST /api/v1/residents/{resident}/followups/{visit}/submit": lambda town, person: {},
    "POST /api/v1/residents/{resident}/followups/{visited}/amend": lambda town, person: {
        "answers": {"tests": uuid4().hex}, "reason": "抄错了",
    },
    "POST /api/v1/residents/{resident}/assessments": lambda town, person: {"scale": "gad7"},
    "POST /api/v1/residents/{resident}/assessments/{form}/answers": lambda town, person: {"answers": {"u1": "1"}},
    "POST /api/v1/residents/{resident}/assessments/{form}/submit": lambda town, person: {},
    "POST /api/v1/residents/{resident}/notes": lambda town, person: {"text": "入户看望"},
}  # fmt: skip
"""What a row is asked with, where it takes more than its address."""


@dataclass(frozen=True)
class Answer:
    """What came back: a status, and everything in it as text."""

    status: int
    text: str
    where: str = ""

    @property
    def given(self) -> bool:
        """Given, and not led to the door instead."""
        return self.status < 400 and not self.where.startswith(("/sign-in", "/my/sign-in"))


def address(row: Row, town: Town) -> str:
    """The row's address with the town's own numbers in it."""
    return BRACES.sub(lambda found: town.names[found[1]], row.address)


def ask(row: Row, town: Town, person: Person | None) -> Answer:
    """Ask as this person; as nobody when there is none."""
    if row.section == "Live channel":
        return _listen(town, person)
    sent = SENT.get(row.ask, lambda town, person: {})(town, person or town.person("family_doctor", "owner"))
    if row.section == "API":
        return _answer(_call(row, address(row, town), sent, person))
    WIRE.cookies.clear()
    if person:
        WIRE.cookies[settings.SESSION_COOKIE_NAME] = person.session
    if row.method == "GET":
        return _answer(WIRE.get(address(row, town)))
    if row.method == "POST":
        return _answer(WIRE.post(address(row, town), sent))
    return _answer(WIRE.generic(row.method, address(row, town)))


def _call(row: Row, path: str, sent: dict[str, Any], person: Person | None) -> HttpResponse:
    headers = {"Authorization": f"Bearer {person.token}"} if person else {}
    WIRE.cookies.clear()
    if row.method == "GET":
        return WIRE.get(path, headers=headers)
    return WIRE.post(path, json.dumps(sent), content_type="application/json", headers=headers)


def _answer(response: HttpResponse) -> Answer:
    content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    kind = response.headers.get("Content-Type", "")
    text = _cells(content) if SHEET in kind and len(content) > 100 else content.decode(errors="replace")
    where = response.headers.get("Location", "")
    return Answer(response.status_code, f"{where}\n{text}", where)


def _cells(content: bytes) -> str:
    sheet = load_workbook(BytesIO(content), read_only=True).worksheets[0]
    return "\n".join(str(cell) for line in sheet.iter_rows(values_only=True) for cell in line if cell)


def _listen(town: Town, person: Person | None) -> Answer:
    """Who comes, and what an open stream of his would be told of her from the beginning."""
    headers = [(b"authorization", f"Bearer {person.token}".encode())] if person else []
    if person and person.duty in table.OUTSIDE:
        headers = [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={person.session}".encode())]
    try:
        actor = who.came({"headers": headers})
    except Refused as refused:
        return Answer(refused.status, refused.title)
    rows = live.since(actor.staff_id, 0)
    told = [row for row in rows if who.still_told(row)]
    return Answer(200, " ".join(f"{row.topic} {row.subject} {row.loop}" for row in told))


def marks(row: Row, town: Town) -> list[str]:
    """What tells of her, but for what the question itself said: a page may repeat what was typed."""
    return [mark for mark in town.marks if mark not in address(row, town)]


def yes(row: Row, town: Town, answer: Answer) -> bool:
    """Whether the answer is the one the row asks about."""
    if row.judged == table.NAMES:
        numbers = (town.loop, town.closed, town.resident.resident)
        return any(mark in answer.text for mark in (*marks(row, town), *map(str, numbers)))
    if row.judged == table.PASSES:
        return answer.status in (409, 422)
    if row.judged == table.DOES and row.section == "Pages":
        return answer.given and answer.status in (204, 302)
    return answer.given
