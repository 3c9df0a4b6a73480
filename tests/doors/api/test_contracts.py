"""Contracts over the API: a retry is the first answer, the year is read by the team, the rate has its two numbers."""

from datetime import UTC, date, datetime

from tests.doors.api.conftest import Desk
from yishe.people import residents
from yishe.people.actors import SYSTEM

NAMES = {"resident": {"name": "王秀兰"}, "staff": {"name": "王医生", "path": "M1 1 L20 30 "}}


def test_from_the_application_to_the_first_item_done(desk: Desk) -> None:
    # 75 in whatever year this runs: at 80 she is owed more.
    born = {"birth_date": date(datetime.now(UTC).year - 75, 1, 5), "traits": ("hypertension",)}
    residents.amend(SYSTEM, desk.world.resident.resident, born, datetime.now(UTC))
    mine, wanted = f"/residents/{desk.resident}", {"package": "basic", "way": "online"}
    first, again = (desk.nurse.post(f"{mine}/contracts", wanted, key="a") for _ in range(2))
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert desk.nurse.post(f"{mine}/contracts", wanted).json()["code"] == "applied_already"
    assert desk.stranger.post(f"{mine}/contracts", wanted).status_code == 403

    contract = f"/contracts/{first.json()['id']}"
    assert desk.doctor.post(f"{contract}/sign", NAMES).json()["code"] == "wrong_stage"
    for _ in range(2):
        assert (
            desk.doctor.post(f"{contract}/review", {"findings": "可签"}, key="r").json()["stage"]
            == "reviewed"
        )
    for _ in range(2):
        signed = desk.doctor.post(f"{contract}/sign", NAMES, key="s").json()
    assert (signed["stage"], len(signed["agreement_sha256"]), len(signed["year"])) == ("active", 64, 8)

    done = {"services": ["htn_followup"], "how": "2", "summary": "家访"}
    kept = [desk.nurse.post(f"{mine}/contacts", done, key="k").json()["kept"] for _ in range(2)]
    assert kept[0] == kept[1]
    assert {one["service"] for one in kept[0]} == {"contact", "htn_followup"}
    (read,) = desk.social_worker.get(f"{mine}/contracts").json()["items"]
    assert [one["state"] for one in read["year"]].count("kept") == 2
    assert desk.stranger.get(f"{mine}/contracts").status_code == 403
    rate = desk.doctor.get("/reports/fulfilment", set="open").json()
    assert (rate["numerator"], rate["denominator"], len(rate["items"])) == (0, 0, 2)
    assert desk.stranger.get("/reports/fulfilment", set="open").json()["items"] == []

    vain = {"way": "3", "outcome": "no_answer", "note": "没人接"}
    tried = [desk.nurse.post(f"{mine}/attempts", vain, key="t").json()["id"] for _ in range(2)]
    assert tried[0] == tried[1]
    told = desk.social_worker.get(f"{mine}/attempts").json()
    assert ([one["note"] for one in told["items"]], told["since_reached"]) == (["没人接"], 1)
    assert desk.stranger.post(f"{mine}/attempts", vain).status_code == 403
    assert desk.doctor.post(f"{contract}/end", {"reason": "lost"}).json()["code"] == "not_tried_enough"
    assert desk.doctor.post(f"{contract}/end", {"reason": "asked"}).json()["stage"] == "ended"
