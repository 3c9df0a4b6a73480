"""Plans, corrected assessments, schedules and contracts of several over the API; each answer is as it is described."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.doors.api.conftest import Desk
from yishe.doors.api import answers
from yishe.people import residents
from yishe.people.actors import SYSTEM

pytestmark = pytest.mark.django_db
BY = f"{datetime.now(UTC) + timedelta(days=60):%Y-%m-%d}"
WALK = {
    "id": "walk", "title": "走路稳当", "profession": "medical", "by": BY, "measure": "起立行走用时", "baseline": "15",
    "target": "11", "unit": "秒",
}  # fmt: skip
TEACH = {"id": "teach", "goal": "walk", "title": "教平衡练习", "duty": "nurse", "often": "once", "by": BY}


def described(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answers.OF[method, path].model_validate(body)
    return body


def test_a_plan_is_written_confirmed_compared_scored_and_ended(desk: Desk) -> None:
    mine, path = f"/residents/{desk.resident}/plans", "/residents/{resident_id}/plans"
    body = {"goals": [WALK], "actions": [TEACH], "review_on": BY}
    first, again = (desk.nurse.post(mine, body, key="w") for _ in range(2))
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    made = described("post", path, first.json())
    assert (made["in_force"], made["actions"][0]["state"]) == (None, "wished")
    assert desk.nurse.post(mine, {**body, "base": 1, "goals": []}).json()["field"] == "goals"
    stale = desk.doctor.post(mine, {**body, "base": 0}).json()
    assert (stale["code"], stale["version"]) == ("plan_changed", 1)

    plan = f"/plans/{made['id']}"
    assert desk.nurse.post(f"{plan}/confirm", {"version": 1}).json()["code"] == "same_side"
    for _ in range(2):
        stands = described(
            "post",
            "/plans/{plan_id}/confirm",
            desk.social_worker.post(f"{plan}/confirm", {"version": 1}, key="c").json(),
        )
    assert (stands["in_force"], stands["actions"][0]["state"] in ("open", "coming")) == (1, True)
    scored = desk.nurse.post(f"{plan}/scores", {"goal": "walk", "said": "13"}).json()
    assert described("post", "/plans/{plan_id}/scores", scored)["goals"][0]["scores"][0]["value"] == "13"

    better = {**body, "base": 1, "goals": [{**WALK, "target": "10"}], "alone": "no_social_need"}
    assert desk.doctor.post(mine, better).json()["in_force"] == 2
    compared = desk.social_worker.get(f"{plan}/compare", one=2, other=1).json()
    described("get", "/plans/{plan_id}/compare", compared)
    assert [(one["kind"], one["what"]) for one in compared["changes"]] == [("changed", "goal")]
    assert desk.nurse.get(f"{plan}/compare").json() == compared, "the latest and the one before it"
    assert desk.nurse.get(f"{plan}/compare", one=1, other=9).status_code == 404
    (read,) = described("get", path, desk.social_worker.get(mine).json())["items"]
    assert [one["number"] for one in read["versions"]] == [1, 2]
    ended = desk.nurse.post(f"{plan}/end", {"reason": "reached"}).json()
    assert described("post", "/plans/{plan_id}/end", ended)["end_reason"] == "reached"


def test_a_stranger_reads_and_writes_no_plan(desk: Desk) -> None:
    mine, body = f"/residents/{desk.resident}/plans", {"goals": [WALK], "review_on": BY}
    made = desk.nurse.post(mine, {**body, "alone": "no_social_need"}).json()["id"]
    assert desk.stranger.get(mine).status_code == 403
    assert desk.stranger.post(mine, body).status_code == 403
    assert desk.stranger.get(f"/plans/{made}/compare", one=1, other=1).status_code == 403
    for act, said in (
        ("confirm", {"version": 1}),
        ("scores", {"goal": "walk", "said": "1"}),
        ("end", {"reason": "reached"}),
    ):
        assert desk.stranger.post(f"/plans/{made}/{act}", said).status_code == 403
    assert desk.nurse.post("/plans/none/end", {"reason": "reached"}).json()["code"] == "no_plan"


def test_a_submitted_assessment_is_corrected_with_its_reason(desk: Desk) -> None:
    mine = f"/residents/{desk.resident}/assessments"
    form = desk.social_worker.post(mine, {"scale": "ucla3"}).json()["id"]
    given = {"u1": "1", "u2": "1", "u3": "1"}
    assert desk.social_worker.post(f"{mine}/{form}/answers", {"answers": given}).status_code == 200
    wrong = {"answers": {"u1": "3"}, "reason": "听错了"}
    assert desk.social_worker.post(f"{mine}/{form}/amend", wrong).json()["code"] == "not_submitted"
    before = desk.social_worker.post(f"{mine}/{form}/submit", {}).json()
    assert (
        desk.social_worker.post(f"{mine}/{form}/amend", {**wrong, "reason": " "}).json()["code"]
        == "reason_needed"
    )
    for _ in range(2):
        after = desk.social_worker.post(f"{mine}/{form}/amend", wrong, key="a").json()
    described("post", "/residents/{resident_id}/assessments/{assessment_id}/amend", after)
    gained = after["scores"][0]["value"] - before["scores"][0]["value"]
    assert (after["status"], after["answers"]["u1"], gained) == ("amended", "3", 2)
    assert desk.stranger.post(f"{mine}/{form}/amend", wrong).status_code == 403


def test_what_a_life_is_owed_says_when_and_why(desk: Desk) -> None:
    path = "/residents/{resident_id}/schedules"
    mine = f"/residents/{desk.resident}/schedules"
    assert desk.nurse.get(mine).json() == {"items": [], "next": None}, (
        "without a birth date nothing is guessed"
    )
    residents.amend(SYSTEM, desk.world.resident.resident, {"birth_date": date(1947, 1, 5)}, datetime.now(UTC))
    items = described("get", path, desk.nurse.get(mine).json())["items"]
    assert any(one["visit"].startswith("elder") and one["why"] for one in items), items
    assert desk.stranger.get(mine).status_code == 403


def test_several_are_asked_for_contracts_and_each_is_answered(desk: Desk) -> None:
    other = str(desk.world.another("张建国", datetime.now(UTC)).resident)
    wanted = {"residents": [desk.resident, other], "package": "basic", "way": "centre"}
    for _ in range(2):
        done = described(
            "post", "/contracts/batch", desk.nurse.post("/contracts/batch", wanted, key="b").json()
        )
        assert [bool(one["contract"]) for one in done["items"]] == [True, True]
    refused = desk.stranger.post("/contracts/batch", wanted).json()["items"]
    assert [(one["contract"], bool(one["refusal"])) for one in refused] == [(None, True)] * 2
    assert desk.nurse.post("/contracts/batch", {**wanted, "residents": []}).status_code == 422
