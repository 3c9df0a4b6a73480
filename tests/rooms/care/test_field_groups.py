"""Protected field groups: whole, told, or nothing, alike in the timeline, in what stands now, beside a loop and on its page.

王医生 treats her, 李敏 is her social worker, 赵护士 of the team, 周主任 leads the centre, 吴网格 is the committee's community worker in the
team, 钱医生 a stranger."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from tests.rooms.care.world import World

from yishe.care import conditions, encounters, entries, evidence, guarded, medications, notes, timeline
from yishe.care.items import Item
from yishe.insight import copies
from yishe.loops import acts, answering, promises, reading
from yishe.people import directory, sight
from yishe.people.actors import Actor, actor_of
from yishe.people.models import Post, Staff
from yishe.policy.refusals import Forbidden, Invalid

pytestmark = pytest.mark.django_db
D2S = "referral.doctor_to_social_worker"
HOUR = timedelta(hours=1)
PROTECTED = "有受保护的内容"


@pytest.fixture
def committee(world: World, now: datetime) -> Actor:
    staff = Staff.objects.create(name="吴网格")
    since = now - timedelta(days=30)
    Post.objects.create(staff=staff, organisation=world.team, duty="community_worker", since=since)
    directory.bump()
    return actor_of(staff.id)


def ill(world: World, now: datetime, code: str, title: str, kind: str = "disease") -> None:
    conditions.record(
        world.doctor, world.resident.resident, kind=kind, title=title, code=code, at=now, command_id=uuid4().hex
    )  # fmt: skip


def takes(world: World, now: datetime, drug: str) -> None:
    medications.record(
        world.doctor, world.resident.resident, action="start", drug=drug, dose="1片", frequency="每日一次",
        at=now, command_id=uuid4().hex,
    )  # fmt: skip


def story(world: World, reader: Actor, now: datetime, kind: str) -> list[Item]:
    return list(timeline.page(reader, world.resident.resident, at=now + HOUR, kinds=(kind,)).items)


def spoken(found: list[Item]) -> str:
    return " ".join(f"{one.title}{one.text}{dict(one.detail)}{one.hidden}" for one in found)


@pytest.mark.parametrize(
    ("code", "title", "secret", "whole", "told", "nothing"),
    [
        ("B20.1", "艾滋病", "艾滋", "doctor", "social_worker", "director"),
        ("A15.0", "肺结核", "结核", "nurse", "social_worker", ""),
        ("F32.1", "抑郁发作", "抑郁", "doctor", "director", "committee"),
        ("X78.1", "自伤史", "自伤", "doctor", "", "committee"),
        ("T74.1", "家庭暴力", "家庭暴力", "doctor", "nurse", "committee"),
        ("F10.2", "酒精依赖", "酒精", "nurse", "director", "committee"),
        ("Q90.9", "染色体异常", "染色体", "doctor", "nurse", "social_worker"),
        ("O04.9", "人工流产", "流产", "nurse", "social_worker", "director"),
    ],
)
def test_a_condition_of_a_group_is_shown_told_or_left_out(
    world: World, now: datetime, committee: Actor, code: str, title: str, secret: str,
    whole: str, told: str, nothing: str,
) -> None:  # fmt: skip
    ill(world, now, code, title)
    people = {name: getattr(world, name) for name in ("doctor", "nurse", "social_worker", "director")}
    people["committee"] = committee

    assert secret in spoken(story(world, people[whole], now, "condition"))
    if told:
        found = story(world, people[told], now, "condition")
        assert secret not in spoken(found)
        assert PROTECTED in found[0].hidden
    if nothing:
        assert story(world, people[nothing], now, "condition") == []
    standing = conditions.standing(entries.keyed(world.resident))
    for person, names in ((told, [PROTECTED]), (nothing, [])):
        if person:
            seen = sight.of(people[person], world.resident, now)
            shown = [one.title for one in guarded.standing(standing, seen)]
            assert [PROTECTED in one for one in shown] == [True] * len(names)
            assert secret not in "".join(shown)
    with pytest.raises(Forbidden):
        story(world, world.stranger, now, "condition")


def test_a_protected_medicine_is_named_to_whom_the_pack_names_and_in_no_promise(
    world: World, now: datetime, committee: Actor
) -> None:
    takes(world, now, "拉米夫定")
    takes(world, now, "氨氯地平")
    taken = medications.current(entries.keyed(world.resident))

    def named(reader: Actor) -> list[str]:
        return [one.drug for one in guarded.medicines(taken, sight.of(reader, world.resident, now))]

    assert named(world.doctor) == ["拉米夫定", "氨氯地平"]
    assert named(world.social_worker) == [PROTECTED, "氨氯地平"]
    assert named(committee) == ["氨氯地平"]
    assert "拉米夫定" not in spoken(story(world, world.social_worker, now, "medication"))
    assert len(story(world, committee, now, "medication")) == 1
    asked = reading.worklist(world.social_worker, now).items
    words = str([reading.detail(world.social_worker, one.id, now + HOUR).entries for one in asked])
    assert "拉米夫定" not in words
    assert "受保护的药" in words


def test_an_encounter_keeps_its_protected_diagnosis_and_its_summary_together(
    world: World, now: datetime
) -> None:
    about = world.resident.resident
    encounters.record(
        world.doctor, about, kind="1", summary="复查病毒载量", at=now, command_id="visit",
        diagnoses=[("I10", "高血压"), ("B20", "艾滋病")],
    )  # fmt: skip

    (whole,) = story(world, world.doctor, now, "encounter")
    (told,) = story(world, world.nurse, now, "encounter")

    assert (whole.text, len(whole.detail["diagnoses"])) == ("复查病毒载量", 2)
    assert told.text == ""
    assert [one["code"] for one in told.detail["diagnoses"]] == ["I10"]
    assert PROTECTED in told.hidden


def test_a_note_belongs_to_the_group_its_writer_names_and_he_always_reads_it(
    world: World, now: datetime, committee: Actor
) -> None:
    about = world.resident.resident
    notes.record(
        world.nurse, about, stage="intake", text="说到流产", label="reproductive", at=now, command_id="1"
    )
    notes.record(
        world.social_worker, about, stage="intake", text="说到孕期", label="genetic", at=now, command_id="2"
    )

    assert "说到孕期" in spoken(story(world, world.social_worker, now, "note"))
    assert "说到流产" not in spoken(story(world, world.social_worker, now, "note"))
    assert "说到孕期" not in spoken(story(world, world.nurse, now, "note"))
    assert story(world, committee, now, "note") == []
    with pytest.raises(Invalid, match="没有“gossip”这类受保护的内容"):
        notes.record(world.nurse, about, stage="intake", text="闲话", label="gossip", at=now, command_id="3")


def test_what_is_left_out_whole_leaves_no_gap_in_the_pages(
    world: World, now: datetime, committee: Actor
) -> None:
    for number in range(6):
        title = ("人工流产", "流感")[number % 2]
        ill(world, now + number * timedelta(minutes=1), "", title, kind="social")

    first = timeline.page(committee, world.resident.resident, at=now + HOUR, kinds=("condition",), limit=2)
    rest = timeline.page(
        committee, world.resident.resident, at=now + HOUR, kinds=("condition",), limit=2, cursor=first.next
    )

    assert [one.title for one in (*first.items, *rest.items)] == ["社会情况：流感"] * 3
    assert rest.next is None


def test_a_protected_record_beside_a_loop_is_read_under_the_readers_rights(
    world: World, now: datetime
) -> None:
    ill(world, now, "B20", "艾滋病")
    offered = evidence.recent(world.nurse, world.resident, now + HOUR)
    assert "艾滋" not in str(offered)
    assert evidence.recent(world.director, world.resident, now + HOUR) == []
    (piece,) = evidence.recent(world.doctor, world.resident, now + HOUR)
    brought = evidence.references(world.doctor, world.resident, [piece.reference], now + HOUR)
    seen = evidence.opened(world.director, world.resident, brought, now + HOUR)
    assert seen[piece.reference].item is None


@pytest.mark.parametrize("reason", ["D01", "D02", "D13", "D22"])
def test_a_protected_reason_is_told_on_the_loops_page_to_whom_the_pack_names(
    world: World, now: datetime, committee: Actor, reason: str
) -> None:
    loop = promises.promise(
        world.doctor, kind=D2S, resident=world.resident.resident, reason=reason, note="说了很重的话", at=now,
        command_id="1",
    )  # fmt: skip
    for reader in (world.doctor, world.social_worker):
        found = reading.detail(reader, loop, now)
        assert (found.state.reason, found.covered) == (reason, "")
    found = reading.detail(committee, loop, now)
    assert (found.state.reason, found.covered) == ("", PROTECTED)
    assert reason not in str([(one.data, one.words) for one in found.entries])
    assert "很重的话" not in str(found.entries)
    told = answering.answer(committee, loop, now)
    assert (told.state.reason, [one.words for one in told.entries]) == ("", [{}])
    assert reason not in spoken(story(world, committee, now, "loop"))
    with pytest.raises(Forbidden):
        reading.detail(world.stranger, loop, now)


def test_who_leads_and_acts_is_shown_no_more_than_the_pack_shows_him(world: World, now: datetime) -> None:
    loop = promises.promise(
        world.doctor, kind=D2S, resident=world.resident.resident, reason="D02", note="丈夫动手", at=now,
        command_id="1",
    )  # fmt: skip
    seq = reading.detail(world.director, loop, now).state.seq
    acts.act(world.director, "note", loop, seq=seq, at=now, command_id="2", note="请尽快")
    assert "丈夫动手" not in str(answering.answer(world.director, loop, now))
    assert "丈夫动手" in str(answering.answer(world.social_worker, loop, now))


def test_the_residents_own_copy_holds_everything_but_what_is_explained_in_person(
    world: World, now: datetime
) -> None:
    for code, title in (("B20", "艾滋病"), ("T74", "家庭暴力"), ("Q90", "染色体异常")):
        ill(world, now, code, title)
    held = str(copies.whole(world.resident, now + HOUR)["record"])
    assert "艾滋病" in held
    assert "家庭暴力" in held
    assert "染色体异常" not in held
    assert "请由医生当面解释" in held
