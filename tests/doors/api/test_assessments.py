"""Assessments over the API: listed, begun, saved, submitted, read; a red answer opens its loops with the save."""

from tests.doors.api.conftest import Desk
from yishe.doors.api import answers

PATH = "/residents/{resident_id}/assessments"


def test_a_form_goes_from_the_list_to_its_score(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/assessments"
    listed = desk.nurse.get(path).json()
    answers.OF["get", PATH].model_validate(listed)
    assert "ucla3" in {one["scale"] for one in listed["offers"]}
    begun = desk.nurse.post(path, {"scale": "ucla3"}, "b")
    assert begun.status_code == 201
    assert desk.nurse.post(path, {"scale": "ucla3"}, "b").json() == begun.json()
    form = f"{path}/{begun.json()['id']}"
    saved = desk.nurse.post(f"{form}/answers", {"answers": {"u1": "3"}})
    answers.OF["post", f"{PATH}/{{assessment_id}}/answers"].model_validate(saved.json())
    assert saved.json()["missing"] == ["u2", "u3"]
    assert desk.nurse.post(f"{form}/submit", {}).json()["code"] == "answers_missing"
    desk.nurse.post(f"{form}/answers", {"answers": {"u2": "2", "u3": "2"}})
    done = desk.nurse.post(f"{form}/submit", {}, "s").json()
    answers.OF["post", f"{PATH}/{{assessment_id}}/submit"].model_validate(done)
    (score,) = done["scores"]
    assert (score["value"], score["band_title"], score["points"]) == (7, "孤独", {"u1": 3, "u2": 2, "u3": 2})
    assert len(done["opened"]) == 1
    read = desk.doctor.get(form).json()
    answers.OF["get", f"{PATH}/{{assessment_id}}"].model_validate(read)
    assert read["scores"] == done["scores"]


def test_a_red_answer_opens_both_loops_and_says_what_to_do(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/assessments"
    form = f"{path}/{desk.nurse.post(path, {'scale': 'phq9'}).json()['id']}"
    saved = desk.nurse.post(f"{form}/answers", {"answers": {"p9": "1"}}).json()
    assert len(saved["opened"]) == 2
    assert "12356" in saved["steps"]["self_harm"]


def test_bad_answers_are_refused_by_name_and_strangers_altogether(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/assessments"
    form = f"{path}/{desk.doctor.post(path, {'scale': 'tug'}).json()['id']}"
    for given, code in (("12 分", "unit_other"), (1000, "value_impossible"), (3, "value_unusual")):
        refused = desk.doctor.post(f"{form}/answers", {"answers": {"seconds": given}})
        assert (refused.status_code, refused.json()["code"]) == (422, code)
    checked = {"answers": {"seconds": 3}, "confirmed": ["seconds"]}
    assert desk.doctor.post(f"{form}/answers", checked).status_code == 200
    assert desk.doctor.post(f"{form}/answers", {"answers": {"seconds": {"value": 3}}}).status_code == 422
    for answer in (
        desk.stranger.get(path),
        desk.stranger.get(form),
        desk.stranger.post(path, {"scale": "tug"}),
    ):
        assert answer.status_code == 403
    assert desk.doctor.get(f"{path}/nothing").status_code == 404
