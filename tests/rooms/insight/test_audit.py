"""审计: found by whom, whom, what, when, why; in plain words; within one's own centre."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.rooms.care.world import World
from tests.rooms.insight.people import officer

from yishe.insight import audit
from yishe.people import actors, packs, residents
from yishe.people.actors import Actor
from yishe.policy.loop_table import table
from yishe.policy.refusals import Forbidden, Invalid, NotFound
from yishe.trust import access_log, ids, origin

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FROM = origin.Origin("web", "10.0.0.5", "Chrome 120 · Windows", ids.new())


def looked(world: World, who: Actor, at: datetime, action: str = "read.timeline", **more: str) -> None:
    with origin.coming_from(FROM):
        access_log.line(
            None, home=world.centre.id, actor=who.staff_id, action=action, subjects=[world.resident.subject], at=at,
            **{"relation": "contract_team", **more},  # type: ignore[arg-type]
        )  # fmt: skip


def lines(world: World, now: datetime, **asked: str) -> list[audit.Told]:
    found = audit.page(officer(world, now), asked, now, 50).items
    return [line for line in found if line.who != "系统"]


def test_a_line_is_a_plain_sentence(world: World, now: datetime) -> None:
    looked(world, world.doctor, now, purpose="随访前核对")
    (line,) = lines(world, now)
    assert line.sentence == (
        "王医生（家庭医生）查看时间轴，对象：王＊兰，依据：签约团队；随访前核对，来自：网页 10.0.0.5 Chrome 120 · Windows"
    )


def test_it_is_found_by_each_of_what_it_says(world: World, now: datetime) -> None:
    looked(world, world.doctor, now - 50 * HOUR)
    looked(world, world.nurse, now - HOUR, "reveal.phone", relation="on_duty", purpose="核对电话")
    other = residents.register(actors.SYSTEM, {"name": "赵建国"}, now, centre=world.centre.id)
    for asked in (
        {"person": str(world.nurse.staff_id)},
        {"action": "reveal"},
        {"action": "reveal.phone"},
        {"relation": "on_duty"},
        {"purpose": "电话"},
        {"since": "2026-03-02"},
        {"resident": str(world.resident.resident), "since": "2026-03-02"},
    ):
        assert [line.who for line in lines(world, now, **asked)] == ["赵护士"], asked
    looked(world, world.stranger, now - 30 * HOUR, purpose="emergency:0f", relation="break_glass")
    (line,) = lines(world, now, purpose="紧急")
    assert (line.who, line.purpose) == ("钱医生", "紧急救助")
    assert [line.who for line in lines(world, now, until="2026-02-28")] == ["王医生"]
    assert lines(world, now, resident=str(other.resident), until="2026-02-28") == []
    assert lines(world, now, relation="none") == []


def test_refusals_are_found_and_say_how_they_ended(world: World, now: datetime) -> None:
    looked(world, world.doctor, now)
    access_log.refusal(
        home=world.centre.id, actor=world.stranger.staff_id, action="resident.read", outcome="no_relation",
        subjects=[world.resident.subject], at=now,
    )  # fmt: skip
    (line,) = lines(world, now, outcome="refused")
    assert (line.who, line.what, line.refused) == ("钱医生", "打开档案", "没有服务关系，未获准")


def test_what_a_list_was_asked_for_is_told_in_words(world: World, now: datetime) -> None:
    looked(
        world, world.director, now, "read.ledger", relation="", purpose=f"set=overdue&team={world.team.id}"
    )
    (line,) = lines(world, now, action="read.ledger")
    assert line.purpose == "哪些：逾期；团队：德胜一队"


def test_pages_follow_each_other_without_gap_or_double(world: World, now: datetime) -> None:
    for hours in range(7):
        looked(world, world.doctor, now - (hours // 2) * HOUR)
    reader, seen, cursor = officer(world, now), [], None
    for _ in range(4):
        page = audit.page(reader, {}, now, 2, cursor)
        seen += [line.id for line in page.items]
        cursor = page.next
    assert len(seen) == len(set(seen)) == 8, "seven looks and the registering"
    assert cursor is None


def test_a_resident_of_the_centre_is_shown_wherever_the_line_is_filed(world: World, now: datetime) -> None:
    access_log.line(
        None, home=UUID(int=9), actor=world.stranger.staff_id, action="read.ledger",
        subjects=[world.resident.subject], at=now,
    )  # fmt: skip
    assert lines(world, now) == []
    assert [one.who for one in lines(world, now, resident=str(world.resident.resident))] == ["钱医生"]


def test_who_neither_guards_privacy_nor_leads_reads_nothing(world: World, now: datetime) -> None:
    for person in (world.doctor, world.nurse, world.social_worker, world.administrator):
        with pytest.raises(Forbidden):
            audit.page(person, {}, now, 50)
        assert not audit.may(person, now)
    assert [line.what for line in audit.page(world.director, {}, now, 50).items] == ["建档"]


def test_an_officer_reads_neither_anothers_residents_nor_anothers_staff(world: World, now: datetime) -> None:
    far = officer(world, now, world.other_team.parent_id)
    looked(world, world.doctor, now)
    assert audit.page(far, {}, now, 50).items == ()
    with pytest.raises(Forbidden):
        audit.page(far, {"resident": str(world.resident.resident)}, now, 50)
    with pytest.raises(NotFound):
        audit.page(far, {"person": str(world.doctor.staff_id)}, now, 50)


@pytest.mark.parametrize(
    "asked", [{"person": "me"}, {"resident": "' OR 1=1"}, {"since": "yesterday"}, {"until": "9999-99-99"}]
)
def test_what_cannot_be_read_is_refused_in_words(world: World, now: datetime, asked: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        audit.page(world.director, asked, now, 50)
    assert refused.value.code == "filter_unreadable"


def test_a_forged_cursor_is_refused(world: World, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        audit.page(world.director, {}, now, 50, "AAAA")
    assert refused.value.code == "bad_cursor"


def test_every_deed_that_the_code_writes_has_words(world: World) -> None:
    source = Path(audit.__file__).parents[1]
    text = "\n".join(path.read_text(encoding="utf-8") for path in source.rglob("*.py"))
    written = set(
        re.findall(r'(?:page\.seen\(here, |_looked\(here, |_seen\(who, |action=)"([a-z_]+\.[a-z_]+)"', text)
    )
    written |= {
        f"loop.{verb}"
        for verb in table().verbs()
        if verb not in ("remind", "escalate", "retime", "auto_confirm")
    }
    written |= {one.action for one in packs.in_force().exports.exports.values()}
    assert len(written) > 30
    assert written - set(packs.in_force().codes["deeds"]) == set()
