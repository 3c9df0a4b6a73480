"""Follow-ups over the API: begun, saved, submitted, corrected, read; every answer as it is described."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.doors.api.conftest import Desk
from yishe.doors.api import answers
from yishe.people.models import Resident

PATH = "/residents/{resident_id}/followups"
HIGH = {
    "how": "1", "sbp": "166", "dbp": 96, "danger": ["none"], "adverse": "1", "complication": "none", "adherence": "1",
}  # fmt: skip
pytestmark = pytest.mark.django_db


@pytest.fixture
def old(desk: Desk) -> Desk:
    Resident.objects.filter(id=desk.resident).update(birth_date=date(1958, 1, 1))
    return desk


def described(method: str, rest: str, answer: dict[str, Any]) -> dict[str, Any]:
    answers.OF[method, f"{PATH}{rest}"].model_validate(answer)
    return answer


def test_a_follow_up_goes_from_the_list_to_its_class_and_is_corrected(old: Desk) -> None:
    path = f"/residents/{old.resident}/followups"
    today = f"{datetime.now(UTC) + timedelta(hours=8):%Y-%m-%d}"
    listed = described("get", "", old.nurse.get(path).json())
    assert {"htn", "dm"} <= {one["followup"] for one in listed["offers"] if one["fits"]}
    begun = old.nurse.post(path, {"followup": "htn"}, "b")
    assert begun.status_code == 201
    described("post", "", begun.json())
    assert old.nurse.post(path, {"followup": "htn"}, "b").json()["id"] == begun.json()["id"]
    form = f"{path}/{begun.json()['id']}"
    saved = old.nurse.post(f"{form}/answers", {"answers": {**HIGH, "on": today}}).json()
    assert described("post", "/{followup_id}/answers", saved)["missing"] == []
    done = described("post", "/{followup_id}/submit", old.nurse.post(f"{form}/submit", {}, "s").json())
    assert (done["result"]["code"], done["result"]["national"]) == ("unsatisfied", "2")
    assert [(one["code"], one["met"]) for one in done["targets"]] == [("guide_2025", False)]
    assert len(done["opened"]) == 1

    wrong = {"answers": {"sbp": "136", "dbp": "86"}, "reason": "抄错了"}
    after = described("post", "/{followup_id}/amend", old.doctor.post(f"{form}/amend", wrong, "a").json())
    assert (after["status"], after["result"]["code"]) == ("amended", "satisfied")
    read = described("get", "/{followup_id}", old.nurse.get(form).json())
    (correction,) = read["corrections"]
    assert correction["reason"] == "抄错了"
    assert {"what": "收缩压", "before": "166 mmHg", "after": "136 mmHg"} in correction["changes"]


def test_what_is_wrong_is_refused_by_name_and_strangers_altogether(old: Desk) -> None:
    path = f"/residents/{old.resident}/followups"
    form = f"{path}/{old.nurse.post(path, {'followup': 'htn'}).json()['id']}"
    for given, code in (("18.6 kPa", "unit_other"), (1660, "value_impossible"), (290, "value_unusual")):
        refused = old.nurse.post(f"{form}/answers", {"answers": {"sbp": given}})
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    for answer in (True, {"a": 1}):
        refused = old.nurse.post(f"{form}/answers", {"answers": {"sbp": answer}}).json()
        assert (refused["code"], [one["field"] for one in refused["errors"]]) == ("invalid", ["answers.sbp"])
    assert old.nurse.post(f"{form}/submit", {}).json()["code"] == "answers_missing"
    unseen = old.nurse.post(f"{form}/amend", {"answers": {"sbp": "136"}, "reason": "\u202e \u200b"})
    assert (unseen.status_code, unseen.json()["code"]) == (422, "reason_needed")
    early = old.nurse.post(f"{form}/amend", {"answers": {"sbp": "136"}, "reason": "抄错了"})
    assert (early.status_code, early.json()["code"]) == (409, "not_submitted")
    assert old.nurse.post(path, {"followup": "htn"}).json()["code"] == "already_started"
    assert old.nurse.post(path, {"followup": "nothing"}).json()["code"] == "followup.unknown"
    for answer in (
        old.stranger.get(path),
        old.stranger.get(form),
        old.stranger.post(path, {"followup": "dm"}),
    ):
        assert answer.status_code == 403
    assert old.social_worker.post(path, {"followup": "dm"}).status_code == 403
    assert old.nurse.get(f"{path}/nothing").status_code == 404
