"""One stream of everything recorded, newest first, cut to what the reader's profession sees."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.rooms.care.world import World

from yishe.care import conditions, encounters, medications, notes, observations, timeline
from yishe.care.items import Item
from yishe.loops.models import Loop
from yishe.people import actors, residents
from yishe.people.actors import Actor
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust.models import AccessLine

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 15
"""One a source (seven with the two of loops); who, which subjects, which relations; the directory's version; the line."""
HOUR = timedelta(hours=1)


def story(world: World, now: datetime) -> None:
    """Six facts, an hour apart; the third also opens a loop."""
    who, about = world.doctor, world.resident.resident
    encounters.record(
        who, about, kind="1", summary="头晕", diagnoses=[("F32", "抑郁发作")], at=now, command_id="1"
    )
    conditions.record(who, about, kind="allergy", title="青霉素", at=now + HOUR, command_id="2")
    medications.record(
        who,
        about,
        action="start",
        drug="舍曲林",
        dose="50mg",
        frequency="每日一次",
        at=now + 2 * HOUR,
        command_id="3",
    )
    observations.record(
        world.nurse, about, kind="bp", values={"sbp": 150, "dbp": 90}, at=now + 3 * HOUR, command_id="4"
    )
    notes.record(
        world.social_worker,
        about,
        stage="intervention",
        text="入户探访",
        restricted="谈到丧偶",
        at=now + 4 * HOUR,
        command_id="5",
    )
    conditions.record(who, about, kind="disease", title="抑郁", code="F32", at=now + 5 * HOUR, command_id="6")


def read(world: World, actor: Actor, now: datetime, **more: object) -> tuple[Item, ...]:
    return timeline.page(actor, world.resident.resident, at=now + 6 * HOUR, **more).items


def test_everything_comes_in_one_stream_newest_first(world: World, now: datetime) -> None:
    story(world, now)
    kinds = [item.kind for item in read(world, world.doctor, now)]
    assert kinds[:3] == ["condition", "note", "observation"]
    assert set(kinds[3:5]) == {"medication", "loop"}
    assert kinds[5:] == ["condition", "encounter"]


def test_pages_follow_each_other_without_gap_or_repeat(world: World, now: datetime) -> None:
    story(world, now)
    whole = [item.id for item in read(world, world.doctor, now)]
    for size in (1, 2, 3):
        seen, cursor = [], None
        while True:
            page = timeline.page(
                world.doctor, world.resident.resident, at=now + 6 * HOUR, limit=size, cursor=cursor
            )
            seen += [item.id for item in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert seen == whole


def test_what_is_recorded_meanwhile_does_not_shift_the_pages(world: World, now: datetime) -> None:
    story(world, now)
    whole = [item.id for item in read(world, world.doctor, now)]
    first = timeline.page(world.doctor, world.resident.resident, at=now + 6 * HOUR, limit=2)
    conditions.record(
        world.doctor, world.resident.resident, kind="social", title="独居", at=now + 6 * HOUR, command_id="7"
    )
    rest = timeline.page(world.doctor, world.resident.resident, at=now + 6 * HOUR, cursor=first.next)
    assert [item.id for item in (*first.items, *rest.items)] == whole


def test_a_social_worker_sees_that_a_diagnosis_exists_but_not_which(world: World, now: datetime) -> None:
    story(world, now)
    found = {item.kind: item for item in read(world, world.social_worker, now, kinds=("encounter",))}
    meeting = found["encounter"]
    assert meeting.detail["diagnosis_count"] == 1
    assert "diagnoses" not in meeting.detail
    assert meeting.text == ""
    assert any("诊断" in words for words in meeting.hidden)
    disease = next(
        item
        for item in read(world, world.social_worker, now, kinds=("condition",))
        if item.detail["kind"] == "disease"
    )
    assert "抑郁" not in disease.title + disease.text + str(disease.detail)


def test_allergies_and_medicines_are_everybodys(world: World, now: datetime) -> None:
    story(world, now)
    titles = " ".join(item.title for item in read(world, world.social_worker, now))
    assert "青霉素" in titles
    assert "舍曲林" in titles


def test_psychotherapy_detail_is_not_shown_to_all(world: World, now: datetime) -> None:
    story(world, now)
    (own,) = read(world, world.social_worker, now, kinds=("note",))
    assert own.detail["restricted"] == "谈到丧偶"
    for person in (world.doctor, world.nurse, world.director):
        (seen,) = read(world, person, now, kinds=("note",))
        assert "restricted" not in seen.detail
        assert "谈到丧偶" not in seen.text + seen.title
        assert any("心理" in words for words in seen.hidden)


def test_a_stranger_sees_nothing_and_leaves_no_line(world: World, now: datetime) -> None:
    story(world, now)
    with pytest.raises(Forbidden):
        read(world, world.stranger, now)
    assert not AccessLine.objects.filter(action="read.timeline").exists()


def test_one_page_is_one_access_line_with_its_relation(world: World, now: datetime) -> None:
    story(world, now)
    read(world, world.nurse, now, source="web")
    (line,) = AccessLine.objects.filter(action="read.timeline")
    assert (line.actor, line.relation, line.source) == (world.nurse.staff_id, "contract_team", "web")
    assert line.subjects == [str(world.resident.subject)]


def test_a_cursor_fits_its_resident_and_nobody_elses(world: World, now: datetime) -> None:
    story(world, now)
    page = timeline.page(world.doctor, world.resident.resident, at=now + 6 * HOUR, limit=2)
    other = world.another("赵建国", now)
    assert page.next is not None
    for forged in (
        page.next[:-1] + ("A" if page.next[-1] != "A" else "B"),
        "x",
        "a.b",
        page.next.split(".")[0],
    ):
        with pytest.raises(Invalid) as refused:
            timeline.page(world.doctor, world.resident.resident, at=now + 6 * HOUR, cursor=forged)
        assert refused.value.code == "bad_cursor"
    with pytest.raises(Invalid):
        timeline.page(world.doctor, other.resident, at=now + 6 * HOUR, cursor=page.next)


def test_a_corrected_row_gives_way_to_its_correction(world: World, now: datetime) -> None:
    first = observations.record(
        world.nurse, world.resident.resident, kind="weight", values={"weight": 160}, at=now, command_id="w"
    )
    observations.record(
        world.nurse,
        world.resident.resident,
        kind="weight",
        values={"weight": 60},
        at=now + HOUR,
        occurred_at=now,
        command_id="w2",
        supersedes=first.id,
    )
    (item,) = read(world, world.nurse, now)
    assert item.detail["values"] == {"weight": "60"}
    assert item.corrects == first.id


def test_after_a_merge_both_stories_are_one(world: World, now: datetime) -> None:
    story(world, now)
    kept = world.another("王秀兰", now)
    conditions.record(world.doctor, kept.resident, kind="allergy", title="磺胺", at=now, command_id="k")
    before = len(read(world, world.doctor, now))
    residents.merge(actors.SYSTEM, kept.resident, world.resident.resident, now)
    found = timeline.page(world.doctor, kept.resident, at=now + 6 * HOUR)
    assert len(found.items) == before + 1
    followed = timeline.page(world.doctor, world.resident.resident, at=now + 6 * HOUR)
    assert [item.id for item in followed.items] == [item.id for item in found.items]


def test_a_sensitive_reason_is_named_only_to_those_who_take_part(world: World, now: datetime) -> None:
    story(world, now)
    loop = Loop.objects.get()
    Loop.objects.filter(id=loop.id).update(sensitive=True, reason="D01")
    shown = {
        person.name: read(world, person, now, kinds=("loop",))[0] for person in (world.doctor, world.nurse)
    }
    assert shown["王医生"].detail["reason"] == "D01"
    assert "reason" not in shown["赵护士"].detail
    assert "D01" not in shown["赵护士"].title


def test_an_unknown_kind_is_refused_and_a_known_one_alone_is_read_alone(world: World, now: datetime) -> None:
    story(world, now)
    assert {item.kind for item in read(world, world.doctor, now, kinds=("note",))} == {"note"}
    with pytest.raises(Invalid):
        read(world, world.doctor, now, kinds=("rumour",))


def test_a_page_costs_a_fixed_number_of_statements(world: World, now: datetime) -> None:
    story(world, now)
    read(world, world.doctor, now)
    counts = []
    for size in (1, 50):
        with CaptureQueriesContext(connection) as queries:
            read(world, world.doctor, now, limit=size)
        counts.append(len([one for one in queries if one["sql"].startswith(("SELECT", "INSERT", "WITH"))]))
    assert counts[0] == counts[1] <= MOST_STATEMENTS
