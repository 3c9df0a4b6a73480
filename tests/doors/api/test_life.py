"""Vaccines, growth and risk through the API: as on the page, for the same people, in the described shapes."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.api.conftest import Desk
from tests.rooms.care.test_immunizations import child
from yishe.care import classes, observations
from yishe.care.class_models import ClassOf
from yishe.doors.api import answers

pytestmark = pytest.mark.django_db
PARTS = ("vaccines", "growth", "risks", "class")


@pytest.fixture
def baby(desk: Desk) -> str:
    now = datetime.now(UTC)
    placed = child(desk.world, now, (now - timedelta(days=400)).date())
    observations.record(
        desk.world.nurse, placed.resident, kind="child_weight", values={"child_weight": "7.2"}, at=now, command_id="w"
    )  # fmt: skip
    return f"/residents/{placed.resident}"


def test_each_part_is_answered_as_described(desk: Desk, baby: str) -> None:
    for part in PARTS:
        answer = desk.social_worker.get(f"{baby}/{part}")
        assert answer.status_code == 200
        answers.OF["get", f"/residents/{{resident_id}}/{part}"].model_validate(answer.json())
    weighed = desk.nurse.get(f"{baby}/growth").json()["visits"][0]["scores"][0]
    assert (weighed["indicator"], weighed["grade"]) == ("weight_for_age", "低体重")
    missing = {
        one["model"]: one["missing"]
        for one in desk.nurse.get(f"/residents/{desk.resident}/risks").json()["risks"]
    }
    assert "creatinine" in missing["egfr"]


def test_a_dose_is_recorded_once_and_due_no_more(desk: Desk, baby: str) -> None:
    body = {"vaccine": "MMR", "batch": "B1"}
    first = desk.nurse.post(f"{baby}/immunizations", body, "k1")
    assert first.status_code == 201, first.content.decode()
    answers.OF["post", "/residents/{resident_id}/immunizations"].model_validate(first.json())
    assert desk.nurse.post(f"{baby}/immunizations", body, "k1").json()["id"] == first.json()["id"]
    twice = desk.nurse.post(f"{baby}/immunizations", body, "k2")
    assert (twice.status_code, twice.json()["code"]) == (409, "dose_recorded")
    doses = {
        (one["series"], one["number"]): one["state"]
        for one in desk.nurse.get(f"{baby}/vaccines").json()["doses"]
    }
    assert doses["mmr", 1] == "done"


def test_a_stranger_reads_and_records_nothing(desk: Desk, baby: str) -> None:
    assert {desk.stranger.get(f"{baby}/{part}").status_code for part in PARTS} == {403}
    assert desk.stranger.post(f"{baby}/immunizations", {"vaccine": "MMR"}, "k").status_code == 403
    assert desk.social_worker.post(f"{baby}/immunizations", {"vaccine": "MMR"}, "k").status_code == 403


def test_a_class_is_corrected_once_however_often_it_is_sent(desk: Desk) -> None:
    body = {
        "social": "high",
        "reason": "agreed_with_resident",
        "until": f"{datetime.now(UTC) + timedelta(days=40):%Y-%m-%d}",
        "seq": 0,
    }
    address = f"/residents/{desk.resident}/class/correction"
    assert desk.nurse.post(address, body, "n").status_code == 403
    first = desk.doctor.post(address, body, "c1")
    assert first.status_code == 200, first.content.decode()
    assert first.json()["tracks"][2] == {"track": "social", "step": "high", "title": "高", "corrected": True}
    again = desk.doctor.post(address, body, "c1")
    assert again.json()["seq"] == first.json()["seq"] == ClassOf.objects.get().seq
    other = desk.doctor.post(address, {**body, "social": "medium"}, "c2")
    assert (other.status_code, other.json()["code"]) == (409, "class_changed")
    ended = desk.doctor.post(f"{address}/end", {}, "e1")
    assert ended.json()["correction"] is None
    assert classes.reader().sheet.highest == "high"
