"""A referral over the API: from promise to confirmed end, with retries, races and refusals."""

import pytest

from tests.doors.api.conftest import D2S, Desk

KEYS = {
    "id", "kind", "resident", "reason", "urgency", "status", "business_status", "seq", "owner", "sender",
    "performer", "next_at", "due_at", "promised_by", "closed_at", "allowed", "events",
}  # fmt: skip


def test_a_referral_goes_from_the_doctor_to_a_confirmed_end(desk: Desk) -> None:
    loop = desk.refer()
    assert set(loop) >= KEYS
    assert (loop["kind"], loop["resident"], loop["reason"]) == (D2S, desk.resident, "D12")
    (mine,) = desk.social_worker.get("/worklist").json()["items"]
    assert (mine["id"], mine["resident_name"], "accept" in mine["allowed"]) == (loop["id"], "王秀兰", True)
    for phone, verb, more in (
        (desk.social_worker, "accept", {}),
        (desk.social_worker, "start", {}),
        (desk.social_worker, "complete", {"outcome": "O1", "note": "入户，已联系助餐"}),
        (desk.doctor, "confirm", {}),
    ):
        answer = phone.post(f"/loops/{loop['id']}/{verb}", {"seq": loop["seq"], **more})
        assert answer.status_code == 200, answer.content.decode()
        assert answer.json()["seq"] > loop["seq"]
        loop = answer.json()
    assert (loop["business_status"], loop["closed_as"], loop["owner"], loop["next_at"]) == (
        "closed", "served", None, None,
    )  # fmt: skip
    assert loop["events"][0]["kind"] == "promised"
    assert desk.social_worker.get("/worklist").json() == {"items": [], "next": None}


def test_the_owner_acts_a_colleague_may_look_and_a_stranger_sees_nothing(desk: Desk) -> None:
    loop = desk.refer()
    path = f"/loops/{loop['id']}"
    assert "accept" in desk.social_worker.get(path).json()["allowed"]
    assert desk.nurse.get(path).status_code == 200
    refused = desk.nurse.post(f"{path}/accept", {"seq": loop["seq"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert desk.stranger.get(path).status_code == 403
    assert desk.stranger.post(f"{path}/accept", {"seq": loop["seq"]}).status_code == 403
    assert desk.nobody.get(path).status_code == 401
    assert desk.stranger.get("/loops").json() == {"items": [], "next": None}


def test_a_retry_with_the_same_key_gets_the_first_answer_even_after_others_acted(desk: Desk) -> None:
    loop = desk.refer(key="promise-1")
    path = f"/loops/{loop['id']}"
    first = desk.social_worker.post(f"{path}/accept", {"seq": loop["seq"]}, "accept-1")
    desk.social_worker.post(f"{path}/start", {"seq": first.json()["seq"]}, "start-1")
    again = desk.social_worker.post(f"{path}/accept", {"seq": loop["seq"]}, "accept-1")
    assert (again.status_code, again.json()["seq"]) == (200, first.json()["seq"])
    assert again.json()["events"] == first.json()["events"]
    assert again.json()["status"] == "accepted"
    assert desk.refer(key="promise-1") == loop
    assert len(desk.doctor.get("/loops").json()["items"]) == 1


def test_the_same_key_with_another_body_is_refused(desk: Desk) -> None:
    loop = desk.refer(key="k")
    path = f"/loops/{loop['id']}"
    assert desk.social_worker.post(f"{path}/accept", {"seq": loop["seq"]}, "a").status_code == 200
    for verb, body in (("accept", {"seq": loop["seq"], "note": "别的"}), ("start", {"seq": loop["seq"] + 1})):
        refused = desk.social_worker.post(f"{path}/{verb}", body, "a")
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")


def test_the_same_key_from_two_people_are_two_commands(desk: Desk) -> None:
    loop = desk.refer(key="shared")
    answer = desk.social_worker.post(f"/loops/{loop['id']}/accept", {"seq": loop["seq"]}, "shared")
    assert answer.status_code == 200


def test_a_stale_seq_is_told_what_happened_meanwhile_and_what_is_allowed_now(desk: Desk) -> None:
    loop = desk.refer()
    path = f"/loops/{loop['id']}"
    desk.social_worker.post(f"{path}/accept", {"seq": loop["seq"]})
    late = desk.doctor.post(f"{path}/cancel", {"seq": loop["seq"], "reason": "x"})
    body = late.json()
    assert (late.status_code, late["Content-Type"].split(";")[0]) == (409, "application/problem+json")
    assert (body["code"], body["seq"]) == ("stale", loop["seq"] + 1)
    assert [event["kind"] for event in body["events"]] == ["accepted"]
    assert "cancel" in body["allowed"]


def test_a_second_referral_of_the_same_kind_names_the_open_one(desk: Desk) -> None:
    loop = desk.refer()
    body = {"kind": D2S, "resident": desk.resident, "reason": "D12"}
    refused = desk.doctor.post("/loops", body)
    assert (refused.status_code, refused.json()["existing"]) == (409, loop["id"])


def test_lists_come_in_pages_without_repeats(desk: Desk) -> None:
    wanted = {desk.refer(reason)["id"] for reason in ("D03", "D04", "D05")}
    seen, cursor = [], None
    while True:
        query = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = desk.social_worker.get("/worklist", **query).json()
        seen += [loop["id"] for loop in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (3, wanted)


def test_filters_narrow_the_ledger(desk: Desk) -> None:
    loop = desk.refer()
    for query, count in (
        ({"owner": "me"}, 0),
        ({"sender": "me"}, 1),
        ({"owner": loop["owner"]}, 1),
        ({"open": "true"}, 1),
        ({"open": "false"}, 0),
        ({"status": "requested", "kind": D2S, "reason": "D12"}, 1),
        ({"status": "completed"}, 0),
        ({"resident": desk.resident}, 1),
        ({"late": "true"}, 0),
        ({"since": "2020-01-01", "until": "2020-12-31"}, 0),
        ({"until": "9999-12-31"}, 1),
    ):
        answer = desk.doctor.get("/loops", **query)
        assert answer.status_code in (200, 422), query
        if answer.status_code == 200:
            assert len(answer.json()["items"]) == count, query


def test_a_sensitive_reason_is_not_named_in_lists(desk: Desk) -> None:
    loop = desk.refer("D01")
    (row,) = desk.social_worker.get("/worklist").json()["items"]
    assert (row["reason"], row["sensitive"]) == (None, True)
    assert desk.social_worker.get(f"/loops/{loop['id']}").json()["reason"] == "D01"


@pytest.mark.parametrize("phone", ["social_worker", "stranger"])
def test_who_has_no_duty_or_no_relation_may_not_promise(desk: Desk, phone: str) -> None:
    body = {"kind": D2S, "resident": desk.resident, "reason": "D12"}
    assert getattr(desk, phone).post("/loops", body).status_code == 403


def test_a_used_key_with_another_body_is_refused_whatever_the_state_is_now(desk: Desk) -> None:
    loop = desk.refer()
    path = f"/loops/{loop['id']}/receive"
    seen = desk.social_worker.post(path, {"seq": loop["seq"]}, "receive-1").json()
    again = desk.social_worker.post(path, {"seq": seen["seq"]}, "receive-1")
    assert (again.status_code, again.json()["code"]) == (422, "key_reused")
    fresh = desk.social_worker.post(path, {"seq": seen["seq"]}, "receive-2")
    assert (fresh.status_code, fresh.json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize(
    "evidence",
    ["statement", ["statement"], [{"type": "statement", "note": "已入户"}], "已入户，联系了助餐", ["已入户"]],
)
def test_evidence_is_a_code_an_object_or_words(desk: Desk, evidence: object) -> None:
    loop = desk.refer()
    for verb in ("accept", "start"):
        loop = desk.social_worker.post(f"/loops/{loop['id']}/{verb}", {"seq": loop["seq"]}).json()
    body = {"seq": loop["seq"], "outcome": "completed", "evidence": evidence}
    done = desk.social_worker.post(f"/loops/{loop['id']}/complete", body)
    assert done.status_code == 200, done.content.decode()
    last = done.json()["events"][-1]
    assert last["evidence"] == [{"type": "statement"}]
    assert ("入户" in last.get("note", "")) == ("入户" in str(evidence))


def test_a_list_names_every_field_of_a_loop(desk: Desk) -> None:
    desk.refer()
    for path in ("/loops", "/worklist"):
        (row,) = desk.social_worker.get(path).json()["items"]
        assert set(row) >= KEYS
        assert row["events"] == []


RESULTS = ["redirected", "declined_by_client", "ineligible", "unreachable", "no_capacity", "death", "moved"]


@pytest.mark.parametrize("reason", RESULTS)
def test_the_result_codes_of_the_ledger_are_reasons_to_decline_and_to_fail(desk: Desk, reason: str) -> None:
    loop = desk.refer()
    path = f"/loops/{loop['id']}"
    back = desk.social_worker.post(f"{path}/decline", {"seq": loop["seq"], "reason": reason})
    assert back.status_code == 200, back.content.decode()
    again = desk.doctor.post(f"{path}/refer_on", {"seq": back.json()["seq"], "reason": "C3"}).json()
    path = f"/loops/{again['id']}"
    taken = desk.social_worker.post(f"{path}/accept", {"seq": again["seq"]}).json()
    failed = desk.social_worker.post(f"{path}/fail", {"seq": taken["seq"], "reason": reason})
    assert failed.status_code == 200, failed.content.decode()


def test_asking_for_a_sensitive_reason_finds_only_what_one_takes_part_in(desk: Desk) -> None:
    loop = desk.refer("D02")
    for phone in (desk.doctor, desk.social_worker):
        (row,) = phone.get("/loops", reason="D02").json()["items"]
        assert (row["id"], row["reason"]) == (loop["id"], None)
    for phone in (desk.nurse, desk.director, desk.stranger):
        assert phone.get("/loops", reason="D02").json()["items"] == []
    shown = desk.nurse.get(f"/loops/{loop['id']}").json()
    assert shown["reason"] is None
    assert "D02" not in str(shown["events"])
    assert "近一月少出门" not in str(shown)
