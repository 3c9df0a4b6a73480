"""Residents over the API: found, read and recorded by those who answer for them; each look leaves a line."""

from tests.doors.api.conftest import Desk
from yishe.trust.models import AccessLine


def test_the_owner_finds_and_reads_with_identifiers_masked(desk: Desk) -> None:
    (found,) = desk.doctor.get("/residents", q="王秀兰").json()["items"]
    assert (found["id"], found["name"]) == (desk.resident, "王秀兰")
    (mine,) = desk.doctor.get("/residents").json()["items"]
    assert mine["id"] == desk.resident
    assert desk.doctor.get(f"/residents/{desk.resident}").json()["medicines"] == []


def test_a_stranger_neither_finds_nor_reads(desk: Desk) -> None:
    assert desk.stranger.get("/residents", q="王秀兰").json() == {"items": [], "next": None}
    assert desk.stranger.get(f"/residents/{desk.resident}").status_code == 403
    assert desk.stranger.get(f"/residents/{desk.resident}/timeline").status_code == 403


def test_each_request_that_shows_someone_leaves_one_line(desk: Desk) -> None:
    loop = desk.refer()
    for path in (
        "/residents",
        f"/residents/{desk.resident}",
        f"/residents/{desk.resident}/timeline",
        "/loops",
        f"/loops/{loop['id']}",
    ):
        before = AccessLine.objects.count()
        assert desk.doctor.get(path).status_code == 200
        assert AccessLine.objects.count() == before + 1, path
    before = AccessLine.objects.count()
    desk.stranger.get("/loops")
    assert AccessLine.objects.count() == before


def test_a_refusal_leaves_a_line_that_names_whom_it_was_about(desk: Desk) -> None:
    assert desk.stranger.get(f"/residents/{desk.resident}/timeline").status_code == 403
    line = AccessLine.objects.get(outcome="no_relation")
    assert (line.source, line.actor) == ("api", desk.world.stranger.staff_id)
    assert line.subjects == [str(desk.world.resident.subject)]


def test_a_stopped_medicine_becomes_the_social_worker_loop(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/medications"
    start = {"action": "start", "drug": "阿司匹林", "dose": "100mg", "frequency": "每日一次"}
    assert desk.doctor.post(path, start, "m1").status_code == 201
    stop = {"action": "stop", "drug": "阿司匹林", "reason": "黑便"}
    first = desk.doctor.post(path, stop, "m2")
    assert desk.doctor.post(path, stop, "m2").json() == first.json()
    assert desk.doctor.post(path, {**stop, "reason": "别的"}, "m2").status_code == 422
    kinds = {loop["kind"] for loop in desk.social_worker.get("/worklist").json()["items"]}
    assert kinds == {"medication.acknowledgement"}
    assert desk.social_worker.post(path, start).status_code == 403
    assert desk.stranger.post(path, start).status_code == 403


def test_a_service_note_is_the_social_worker_own(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/notes"
    wrong = desk.social_worker.post(path, {"stage": "nowhere", "text": "探访"})
    assert wrong.status_code == 422
    assert desk.stranger.post(path, {"stage": "nowhere", "text": "探访"}).status_code == 403


def test_the_timeline_comes_in_pages(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/medications"
    for drug in ("甲药", "乙药", "丙药"):
        body = {"action": "start", "drug": drug, "dose": "1片", "frequency": "每日一次"}
        assert desk.doctor.post(path, body).status_code == 201
    titles, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = desk.doctor.get(f"/residents/{desk.resident}/timeline", **query).json()
        titles += [item["id"] for item in page["items"] if item["kind"] == "medication"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(titles) == len(set(titles)) == 3


def test_everyone_may_ask_who_he_is(desk: Desk) -> None:
    me = desk.social_worker.get("/me").json()
    assert (me["id"], me["name"], me["duties"]) == (
        str(desk.world.social_worker.staff_id), "李敏", ["social_worker"],
    )  # fmt: skip


def test_the_director_reads_the_closing_report(desk: Desk) -> None:
    desk.refer()
    report = desk.director.get("/reports/closing")
    assert report.status_code == 200
    assert report.json()["total"]["sent"]["count"] == 1


def test_the_description_of_the_api_needs_no_token(desk: Desk) -> None:
    described = desk.nobody.get("/openapi.json")
    assert described.status_code == 200
    assert "/api/v1/loops/{loop_id}/{verb}" in described.json()["paths"]


def test_a_note_without_a_stage_belongs_to_the_one_the_case_stands_in(desk: Desk) -> None:
    path = f"/residents/{desk.resident}/notes"
    assert desk.social_worker.post(path, {"text": "电话联系"}).json()["stage"] == "intake"
    assert desk.social_worker.post(path, {"text": "入户", "stage": "planning"}).status_code == 201
    assert desk.social_worker.post(path, {"text": "再次入户"}).json()["stage"] == "planning"
    assert desk.doctor.post(path, {"text": "不是社工"}).status_code == 403
    assert desk.stranger.post(path, {"text": "外中心"}).status_code == 403


def test_the_glass_is_broken_by_the_api_and_behaves_like_the_page(desk: Desk) -> None:
    path = f"/residents/{desk.resident}"
    assert desk.stranger.get(path).status_code == 403

    first = desk.stranger.post(f"{path}/break-glass", {"reason": "life"}, "g1")
    again = desk.stranger.post(f"{path}/break-glass", {"reason": "life"}, "g1")

    assert (first.status_code, first.json()) == (201, again.json())
    assert desk.stranger.get(path).json()["name"] == "王秀兰"
    assert desk.stranger.get(f"{path}/timeline").status_code == 200
    assert desk.stranger.post(f"{path}/break-glass", {"reason": "life"}, "g2").status_code == 409
    for _ in range(2):
        assert desk.stranger.post(f"{path}/break-glass/end", {}, "g3").status_code == 200
    assert desk.stranger.post(f"{path}/break-glass/end", {}).status_code == 409
    assert desk.stranger.get(path).status_code == 403
    for who, said, status in (
        (desk.stranger, {"reason": "curiosity"}, 422),
        (desk.stranger, {"reason": "other"}, 422),
        (desk.director, {"reason": "life"}, 403),
        (desk.doctor, {"reason": "life"}, 409),
        (desk.nobody, {"reason": "life"}, 401),
    ):
        assert who.post(f"{path}/break-glass", said).status_code == status, said
