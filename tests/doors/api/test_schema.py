"""Whatever the description allows, and what it does not, is sent by each role to each operation: no answer breaks the
description, none is a fault of ours, every refusal is a problem in Chinese. YISHE_SCHEMA_EXAMPLES asks for more."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.doors.api.conftest import D2S, Desk
from tests.doors.api.test_plans import BY, WALK
from yishe.doors.api.v1 import api
from yishe.doors.wsgi import application

EXAMPLES = int(os.environ.get("YISHE_SCHEMA_EXAMPLES", "6"))
ROLES = ("doctor", "social_worker", "nurse", "director", "stranger", "nobody")
HELD = (status_code_conformance, content_type_conformance, response_schema_conformance)
MODES = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
load_all_checks()


def schema() -> Any:
    found = schemathesis.openapi.from_dict(api.get_openapi_schema())
    found.app = application
    return found


OPERATIONS = [one.ok() for one in schema().get_all_operations()]


@contextmanager
def one_transaction() -> Iterator[None]:
    """The connection stays open between requests, as Django's own test client keeps it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.label for one in OPERATIONS])
def test_no_answer_breaks_the_description(desk: Desk, operation: Any) -> None:
    known = {"resident_id": desk.resident, "loop_id": desk.refer()["id"]}
    known |= {"resident": desk.resident, "kind": D2S, "reason": "D15", "seq": 1}
    form = desk.doctor.post(f"/residents/{desk.resident}/assessments", {"scale": "ucla3"}).json()["id"]
    known |= {"assessment_id": form, "scale": "gad7", "answers": {"u1": "1"}}
    if "followups" in operation.label:
        begun = desk.nurse.post(f"/residents/{desk.resident}/followups", {"followup": "htn"}).json()["id"]
        known |= {"followup_id": begun, "followup": "dm", "answers": {"sbp": "132"}}
    if "indicators" in operation.label:
        known |= {"code": "coverage"}
    if "/plans" in operation.label:
        body = {"goals": [WALK], "review_on": BY, "alone": "no_social_need"}
        plan = desk.nurse.post(f"/residents/{desk.resident}/plans", body).json()["id"]
        known |= {"plan_id": plan, "one": 1, "other": 1, "version": 1, "goal": "walk", "said": "12"}
    met = {role: sent(operation, getattr(desk, role).token, known) for role in ROLES}
    assert met["nobody"] <= {400, 401, 404, 413, 415, 422}
    assert 401 in met["nobody"]
    if operation.method == "get":
        assert 200 in met["doctor"]


HOW = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)  # fmt: skip


def sent(operation: Any, token: str, known: dict[str, Any]) -> set[int]:
    """What can be thought of, sent by one role, half of it about what is really there; the statuses that came back."""
    met = set()
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    @settings(HOW, max_examples=1)
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case: Any) -> None:
        about_what_is_there(operation, case, known)
        met.add(answered(case, headers))

    @settings(HOW, max_examples=EXAMPLES - 1)
    @given(data=st.data())
    def send(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=data.draw(MODES)))
        for part in (
            case.path_parameters,
            case.body,
            *([case.query] if "compare" in operation.label else []),
        ):
            if isinstance(part, dict) and data.draw(st.booleans(), label="about what is there"):
                part.update({name: known[name] for name in part.keys() & known.keys()})
        met.add(answered(case, headers))

    with one_transaction():
        ask()
        send()
    return met


def about_what_is_there(operation: Any, case: Any, known: dict[str, Any]) -> None:
    """The first of each role asks for what really is there, with no more than it must say."""
    wanted = {one.name for one in operation.query if one.is_required}
    case.query = {name: known.get(name, said) for name, said in case.query.items() if name in wanted}
    for part in (case.path_parameters, case.body):
        if isinstance(part, dict):
            part.update({name: known[name] for name in part.keys() & known.keys()})


def answered(case: Any, headers: dict[str, str]) -> int:
    case.headers.pop("Authorization", None)
    answer = case.call(headers=headers)
    judge(answer)
    case.validate_response(answer, checks=list(HELD))
    return int(answer.status_code)


def judge(answer: Response) -> None:
    """What holds for every answer, whoever asked."""
    text = answer.content.decode()
    assert answer.status_code < 500, text
    assert "Traceback" not in text
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert any("一" <= letter <= "鿿" for letter in problem["title"]), problem
