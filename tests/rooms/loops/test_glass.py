"""紧急查看: a stranger opens a record because it cannot wait; those who answer hear of it, somebody else reviews it, and it ends."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from tests.rooms.care.world import World
from yishe.care import encounters, notes, timeline
from yishe.insight import anomalies
from yishe.loops import acts, glass, kinds, knowing, reading, worker
from yishe.loops.models import Loop
from yishe.people import (
    access,
    actors,
    break_glass,
    directory,
    looks,
    organisations,
    residents,
    rosters,
    sight,
)
from yishe.people.actors import SYSTEM, Actor
from yishe.people.break_glass import Command
from yishe.people.models import AccessFact, Post
from yishe.people.placements import placed
from yishe.policy.refusals import Conflict, Forbidden, Invalid, Unavailable
from yishe.talk import delivery
from yishe.talk.models import Notice, Outbox
from yishe.trust import ledger, verification
from yishe.trust.models import AccessLine, Entry

READ, REVIEW = "resident.read", "access.break_glass_review"
HOUR = timedelta(hours=1)


@pytest.fixture
def officer(world: World, now: datetime) -> Actor:
    """The privacy officer of the resident's centre."""
    kinds.forget()
    return hired("孙专员", "privacy_officer", world.centre.id, now)


def hired(name: str, duty: str, organisation: UUID, now: datetime) -> Actor:
    born = now - timedelta(days=100)
    return actors.actor_of(
        organisations.hire(SYSTEM, name=name, organisation=organisation, duties=[duty], at=born)
    )


def broken(world: World, at: datetime, who: Actor | None = None, reason: str = "life", words: str = "",
           command: str | None = None) -> tuple[UUID, datetime]:  # fmt: skip
    said = Command(who or world.stranger, reason, words, at, command or uuid4().hex)
    return glass.break_(said, world.resident.resident)


def review() -> Loop:
    return Loop.objects.get(kind=REVIEW)


def test_a_stranger_reads_until_its_time_and_is_told_until_when_and_why(
    world: World, officer: Actor, now: datetime
) -> None:
    assert not access.may(world.stranger, READ, world.resident, now).allowed
    grant, until = broken(world, now)

    assert until == now + 2 * HOUR
    found = access.may(world.stranger, READ, world.resident, now)
    said = f"{until.astimezone(actors.SHANGHAI):%H:%M}"
    assert found.words == f"紧急查看：至 {said}，理由：抢救或病情危急"
    assert found.line == {"relation": "break_glass", "purpose": f"emergency:{grant}"}
    assert access.within(world.stranger, READ, [world.resident.subject], now) == [world.resident.subject]
    assert timeline.page(world.stranger, world.resident.resident, at=now).relation == "break_glass"
    assert not access.may(world.stranger, READ, world.resident, until).allowed, "no job ends it"
    assert access.within(world.stranger, READ, [world.resident.subject], until) == []
    colleague = hired("冯医生", "family_doctor", world.other_team.id, now)
    assert not access.may(colleague, READ, world.resident, now).allowed, "it is his alone"


def test_what_it_opens_is_the_packs_and_exports_and_psychotherapy_stay_shut(
    world: World, officer: Actor, now: datetime
) -> None:
    broken(world, now)

    seen = sight.of(world.stranger, world.resident, now)
    assert seen.sees("diagnosis")
    assert not seen.sees("psychotherapy")
    for action in (
        "loop.export",
        "resident.rights",
        "resident.consent",
        "resident.amend",
        "loop.promise",
        "read.reports",
    ):
        assert not access.may(world.stranger, action, world.resident, now).allowed, action
    notes.record(
        world.social_worker, world.resident.resident, stage="intake", text="面谈", restricted="幼年创伤", at=now,
        command_id="n1",
    )  # fmt: skip
    (item,) = timeline.page(world.stranger, world.resident.resident, at=now).items
    assert "幼年创伤" not in repr(item)


def test_the_people_of_the_resident_hear_at_once_and_the_officer_is_asked(
    world: World, officer: Actor, now: datetime
) -> None:
    broken(world, now, reason="other", words="在本院急诊，昏迷无家属陪同")
    while delivery.deliver(now, "test"):
        pass

    told = Notice.objects.filter(topic=glass.TOLD)
    assert {one.person for one in told} == {world.doctor.staff_id, world.social_worker.staff_id}
    assert {one.urgency for one in told} == {"orange"}
    loop = review()
    assert loop.owner == officer.staff_id
    assert Notice.objects.filter(person=officer.staff_id, loop=loop.id).exists()
    (first,) = reading.detail(officer, loop.id, now).entries
    assert first.words["note"] == "在本院急诊，昏迷无家属陪同"
    assert "昏迷" not in str([row.data for row in Outbox.objects.all()])


def test_the_review_stays_open_after_the_glass_and_closes_only_with_a_finding_and_a_word(
    world: World, officer: Actor, now: datetime
) -> None:
    broken(world, now)
    glass.end(world.stranger, world.resident.resident, now + HOUR)
    loop = review()
    for person in (world.stranger, world.nurse):
        with pytest.raises(Forbidden):
            reading.detail(person, loop.id, now)
        with pytest.raises(Forbidden):
            acts.act(person, "complete", loop.id, seq=loop.seq, at=now, outcome="justified", note="是我看的")
    with pytest.raises(Invalid):
        acts.act(officer, "complete", loop.id, seq=loop.seq, at=now, outcome="justified")
    with pytest.raises(Invalid):
        acts.act(officer, "complete", loop.id, seq=loop.seq, at=now, outcome="O1", note="没有问题")
    acts.act(
        officer,
        "complete",
        loop.id,
        seq=loop.seq,
        at=now + HOUR,
        outcome="not_justified",
        note="当日没有就诊",
    )

    assert (review().closed_as, review().outcome) == ("served", "not_justified")


def test_a_review_that_nobody_writes_stays_open_and_climbs(
    world: World, officer: Actor, now: datetime
) -> None:
    broken(world, now)
    for days in (1, 3, 10):
        swept = worker.sweep_all(now + timedelta(days=days))
        assert swept.stuck == []
    loop = review()
    assert (loop.closed_at, loop.owner) == (None, officer.staff_id)
    climbed = Entry.objects.filter(stream=loop.id, kind__in=("reminded", "escalated"))
    assert climbed.count() >= 3


def test_whoever_leads_the_centre_is_not_asked_about_himself(world: World, now: datetime) -> None:
    """A director of another centre who looked, when nobody guards privacy: the head of the resident's centre is asked."""
    kinds.forget()
    broken(world, now)
    assert review().owner == world.director.staff_id

    lead = hired("韩队长", "team_lead", world.other_team.id, now)
    guard = hired("孙专员", "privacy_officer", world.centre.id, now)
    organisations.appoint(SYSTEM, guard.staff_id, world.other_team.id, "nurse", now)
    broken(world, now, lead)
    broken(world, now, actors.actor_of(guard.staff_id))
    owners = {one.owner for one in Loop.objects.filter(kind=REVIEW).order_by("promised_at", "id")}
    assert guard.staff_id in owners
    asked = {one.id: one.owner for one in Loop.objects.filter(kind=REVIEW)}
    (own,) = [loop for loop in asked if matter(loop)["person"] == str(guard.staff_id)]
    assert asked[own] == world.director.staff_id, "nobody reviews himself"


def matter(loop: UUID) -> dict[str, str]:
    return dict(ledger.facts_of(Entry.objects.get(stream=loop, seq=1))["matter"])


def test_ended_early_it_is_over_at_once_and_may_be_broken_again(
    world: World, officer: Actor, now: datetime
) -> None:
    first, _ = broken(world, now)
    glass.end(world.stranger, world.resident.resident, now + HOUR)

    assert not access.may(world.stranger, READ, world.resident, now + HOUR).allowed
    with pytest.raises(Conflict, match="没有进行中"):
        glass.end(world.stranger, world.resident.resident, now + HOUR)
    second, until = broken(world, now + HOUR)
    assert second != first
    assert access.may(world.stranger, READ, world.resident, now + HOUR).until == until
    assert Loop.objects.filter(kind=REVIEW).count() == 2, "each is asked about"


def test_the_same_press_twice_is_one_glass_and_one_review(
    world: World, officer: Actor, now: datetime
) -> None:
    assert broken(world, now, command="k1") == broken(world, now, command="k1")
    with pytest.raises(Conflict, match="不需要紧急查看"):
        broken(world, now, command="k2")
    assert Loop.objects.filter(kind=REVIEW).count() == 1
    assert AccessFact.objects.filter(relation="break_glass").count() == 1


def test_who_may_not_and_what_is_missing_is_said_in_words(
    world: World, officer: Actor, now: datetime
) -> None:
    with pytest.raises(Forbidden, match="只开放给"):
        broken(world, now, hired("邹志愿", "volunteer", world.other_team.id, now))
    with pytest.raises(Conflict, match="已经可以查看"):
        broken(world, now, world.doctor)
    with pytest.raises(Invalid, match="请选择"):
        broken(world, now, reason="curiosity")
    with pytest.raises(Invalid, match="写明"):
        broken(world, now, reason="other", words="急")
    residents.die(SYSTEM, world.resident.resident, now)
    with pytest.raises(Conflict, match="去世"):
        broken(world, now)
    assert not break_glass.offered(world.stranger, placed(world.resident.resident), now)
    assert not Loop.objects.filter(kind=REVIEW).exists()


def test_a_pack_that_has_not_approved_it_opens_nothing(
    world: World, officer: Actor, now: datetime, settings: object
) -> None:
    settings.PACKS = settings.PACKS[:1]  # type: ignore[attr-defined]
    with pytest.raises(Unavailable, match="还没有批准"):
        broken(world, now)
    assert not break_glass.offered(world.stranger, world.resident, now)


def test_who_leaves_the_service_or_changes_his_duty_sees_no_more(
    world: World, officer: Actor, now: datetime
) -> None:
    broken(world, now)
    (post,) = Post.objects.filter(staff=world.stranger.staff_id)
    rosters.end_post(SYSTEM, post.id, now + HOUR)
    organisations.appoint(SYSTEM, world.stranger.staff_id, world.other_team.id, "volunteer", now + HOUR)
    directory.forget()

    assert not access.may(actors.actor_of(world.stranger.staff_id), READ, world.resident, now + HOUR).allowed


def test_the_resident_reads_who_looked_and_that_it_was_an_emergency(
    world: World, officer: Actor, now: datetime
) -> None:
    broken(world, now)
    timeline.page(world.stranger, world.resident.resident, at=now + HOUR)

    found, _ = looks.at_resident(world.resident.resident)
    told = [(one.who, one.what, one.why) for one in found if one.who == "钱医生"]
    assert told == [
        ("钱医生", "查看您的记录", "紧急查看；紧急救助"),
        ("钱医生", "紧急情况下查看您的资料", "紧急查看；紧急救助"),
    ]
    assert {
        one.purpose.partition(":")[0] for one in AccessLine.objects.filter(actor=world.stranger.staff_id)
    } == {"emergency"}


def test_a_glass_without_care_is_asked_about_after_three_days(
    world: World, officer: Actor, now: datetime
) -> None:
    other = world.another("王小明", now)
    broken(world, now)
    glass.break_(Command(world.stranger, "life", "", now, "k9"), other.resident)
    encounters.record(
        world.stranger, other.resident, kind="1", summary="急诊处理后好转", at=now + HOUR, command_id="e1"
    )
    later = now + timedelta(days=4)
    anomalies.look(later)

    (asked,) = Loop.objects.filter(kind="access.anomaly", reason="glass_without_care")
    assert matter(asked.id)["person"] == str(world.stranger.staff_id)
    assert matter(asked.id)["count"] == 1, "only the resident for whom nothing was done"


def test_the_stream_hears_while_it_holds_and_no_longer(world: World, officer: Actor, now: datetime) -> None:
    _, until = broken(world, now)
    subject = world.resident.subject

    assert knowing.hears(world.stranger, None, subject, now)
    assert not knowing.hears(world.stranger, None, subject, until)


def test_the_ledger_keeps_it_and_still_verifies(world: World, officer: Actor, now: datetime) -> None:
    broken(world, now, reason="other", words="在本院急诊，昏迷无家属陪同")
    glass.end(world.stranger, world.resident.resident, now + HOUR)

    kinds_ = [one.kind for one in ledger.entries(world.resident.subject)]
    assert kinds_[-2:] == ["break_glass", "break_glass.ended"]
    assert verification.verify().broken is None
    assert "昏迷" not in "".join(one.data for one in Entry.objects.all())
