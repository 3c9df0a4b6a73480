"""What the description says and what is answered are the same; a client learns every code from it."""

from typing import Any

import pytest

from tests.doors.api.conftest import D2S, Desk, Phone
from yishe.doors.api import answers
from yishe.policy.loop_table import table


def described(desk: Desk) -> dict[str, Any]:
    schema: dict[str, Any] = desk.nobody.get("/openapi.json").json()
    return schema


def test_every_operation_says_its_answer_and_its_errors(desk: Desk) -> None:
    schema = described(desk)
    operations = {
        (method, path.removeprefix("/api/v1")): operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == set(answers.OF)
    for (method, _), operation in operations.items():
        responses = operation["responses"]
        assert {"401", "403", "404", "422", "503"} <= set(responses)
        if method == "post":
            assert {"409", "413", "415"} <= set(responses)
            assert "Idempotency-Key" in {one["name"] for one in operation["parameters"]}


def test_every_reference_leads_somewhere(desk: Desk) -> None:
    schema = described(desk)

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [one for value in node.values() for one in references(value)]
        return [one for value in node for one in references(value)] if isinstance(node, list) else []

    found = references(schema)
    assert found
    for reference in found:
        node: Any = schema
        for step in reference.removeprefix("#/").split("/"):
            assert step in node, reference
            node = node[step]


def test_the_answers_are_as_described(desk: Desk) -> None:
    loop = desk.refer()
    resident = f"/residents/{desk.resident}"
    medicine = {
        "action": "start",
        "drug": "阿司匹林",
        "dose": "100mg",
        "frequency": "每日一次",
        "reason": "预防",
    }
    asked = [
        ("/loops", desk.doctor, {"kind": D2S, "resident": desk.resident, "reason": "D15"}, "/loops"),
        (f"{resident}/medications", desk.doctor, medicine, "/residents/{resident_id}/medications"),
        (f"{resident}/notes", desk.social_worker, {"text": "入户"}, "/residents/{resident_id}/notes"),
        (f"/loops/{loop['id']}/accept", desk.social_worker, {"seq": 1}, "/loops/{loop_id}/{verb}"),
    ]
    for path, phone, body, declared in asked:
        answers.OF["post", declared].model_validate(phone.post(path, body).json())
    for path, declared in (
        ("/me", "/me"), ("/worklist", "/worklist"), ("/residents", "/residents"), ("/loops", "/loops"), ("/kinds", "/kinds"),
        (resident, "/residents/{resident_id}"), (f"{resident}/timeline", "/residents/{resident_id}/timeline"),
        (f"/loops/{loop['id']}", "/loops/{loop_id}"), ("/reports/closing", "/reports/closing"),
        ("/indicators", "/indicators"), ("/indicators/coverage/residents", "/indicators/{code}/residents"),
    ):  # fmt: skip
        answers.OF["get", declared].model_validate(desk.doctor.get(path).json())
    answers.Problem.model_validate(desk.nobody.get("/me").json())


@pytest.mark.parametrize(("who", "may"), [("doctor", True), ("social_worker", False), ("stranger", True)])
def test_kinds_tell_reasons_codes_and_who_may_promise(desk: Desk, who: str, may: bool) -> None:
    phone: Phone = getattr(desk, who)
    kinds = {kind["code"]: kind for kind in phone.get("/kinds").json()["items"]}
    referral = kinds[D2S]
    assert referral["may_promise"] is may
    assert {"D08": "orange", "D12": "yellow"}.items() <= {
        reason["code"]: reason["urgency"] for reason in referral["reasons"]
    }.items()
    assert "no_capacity" in referral["codes"]["decline"]
    assert "C1" in referral["codes"]["confirm"]
    assert set(referral["verbs"]) <= {*table().verbs(), "promise"}
    assert kinds["medication.acknowledgement"]["outcomes"].keys() == {
        "plan_adjusted", "no_change_needed", "resident_contacted",
    }  # fmt: skip


def test_kinds_need_a_token(desk: Desk) -> None:
    assert desk.nobody.get("/kinds").status_code == 401


def test_a_whole_number_may_be_written_with_a_point(desk: Desk) -> None:
    loop = desk.refer()
    assert desk.social_worker.post(f"/loops/{loop['id']}/receive", {"seq": 1.0}).status_code == 200
    for seq in (1.5, "1", True):
        assert desk.social_worker.post(f"/loops/{loop['id']}/accept", {"seq": seq}).status_code == 422
