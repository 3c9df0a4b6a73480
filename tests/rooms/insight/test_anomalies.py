"""Odd looks become loops of the privacy officer: each rule by what trips it and what does not, once for a person and a day."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.world import World
from tests.rooms.insight.people import joined, officer

from yishe.insight import anomalies, exports
from yishe.insight.exports import Wanted
from yishe.loops import acts, kinds, reading
from yishe.loops.models import Loop
from yishe.people import actors, packs, residents, rosters
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.refusals import Forbidden, Invalid
from yishe.trust import access_log

pytestmark = pytest.mark.django_db
KIND = "access.anomaly"
Looks = Callable[..., None]


@pytest.fixture(autouse=True)
def guarded(world: World, now: datetime) -> Actor:
    kinds.forget()
    return officer(world, now)


@pytest.fixture
def looks(world: World, now: datetime) -> Looks:
    """Somebody opened the records of these people."""

    def look(
        who: Actor, *whom: Placement, at: datetime = now, relation: str = "", action: str = "read.timeline"
    ) -> None:
        for one in whom:
            access_log.line(
                None, home=world.centre.id, actor=who.staff_id, action=action, subjects=[one.subject], at=at,
                relation=relation,
            )  # fmt: skip

    return look


def registered(world: World, now: datetime, name: str, **said: object) -> Placement:
    """A resident of the centre without a contract."""
    return residents.register(actors.SYSTEM, {"name": name, **said}, now, centre=world.centre.id)


def crowd(world: World, now: datetime, count: int) -> list[Placement]:
    return [registered(world, now, f"张{chr(0x4E00 + n)}") for n in range(count)]


def asked(now: datetime) -> list[tuple[str, UUID]]:
    """(rule, person) of the loops opened, with one look at the rules."""
    anomalies.look(now)
    return sorted((one.reason, person_of(one)) for one in Loop.objects.filter(kind=KIND))


def person_of(loop: Loop) -> UUID:
    (entry,) = reading.detail(actors.SYSTEM, loop.id, loop.promised_at).entries
    return UUID(entry.data["matter"]["person"])


def test_many_strangers_in_a_day_are_asked_about_and_twenty_are_not(
    world: World, now: datetime, looks: Looks
) -> None:
    people = crowd(world, now, 21)
    looks(world.nurse, *people[:20])
    looks(world.nurse, *people[:5])
    assert asked(now) == [], "twenty people, some of them twice"
    looks(world.nurse, people[20])
    assert asked(now) == [("many_strangers", world.nurse.staff_id)]


def test_those_one_serves_are_no_strangers(world: World, now: datetime, looks: Looks) -> None:
    mine = [world.another(f"李{chr(0x4E00 + n)}", now) for n in range(25)]
    looks(world.nurse, *mine)
    assert asked(now) == []
    looks(world.stranger, *mine)
    assert asked(now) == [("many_strangers", world.stranger.staff_id)]


def test_lists_and_yesterdays_looks_do_not_add_up(world: World, now: datetime, looks: Looks) -> None:
    people = crowd(world, now, 24)
    looks(world.nurse, *people[:12], at=now - timedelta(days=1))
    looks(world.nurse, *people[12:])
    looks(world.nurse, *people, action="read.ledger")
    assert asked(now) == []


def test_a_director_may_look_at_many_strangers(world: World, now: datetime, looks: Looks) -> None:
    looks(world.director, *crowd(world, now, 25))
    assert asked(now) == []


def test_one_look_at_a_protected_person_is_asked_about(world: World, now: datetime, looks: Looks) -> None:
    hidden = registered(world, now, "何小青", traits=("protected",))
    looks(world.nurse, hidden)
    looks(world.director, hidden)
    assert asked(now) == sorted(("protected_person", one.staff_id) for one in (world.nurse, world.director))


def test_ones_own_record_and_ones_family(world: World, now: datetime, looks: Looks) -> None:
    own = registered(world, now, "赵护士", household="H1", address="德胜里 1 号楼 101")
    spouse = registered(world, now, "马明", household="H1")
    brother = registered(world, now, "赵建军", address="德胜里1号楼101")
    neighbour = registered(world, now, "周明", address="德胜里 1 号楼 101")
    looks(world.nurse, neighbour)
    assert asked(now) == []
    looks(world.nurse, own)
    looks(world.doctor, own, spouse, brother)
    assert asked(now) == [("own_record", world.nurse.staff_id)]
    for one in (spouse, brother):
        looks(world.nurse, one, at=now + timedelta(minutes=1))
    found = list(
        anomalies.findings(packs.in_force().anomalies.approved(), now.date(), now + timedelta(hours=1))
    )
    assert [(one.rule, one.count) for one in found] == [("own_record", 1), ("own_family", 2)]


def test_looking_at_night_is_work_for_who_is_on_shift(world: World, now: datetime, looks: Looks) -> None:
    midnight = now.replace(hour=15) - timedelta(days=1)  # 23:00 of the evening before, in Shanghai
    people = crowd(world, now, 4)
    rosters.put_shift(
        actors.SYSTEM, world.centre.id, "nurse", world.nurse.staff_id, starts_at=midnight - timedelta(hours=1),
        ends_at=midnight + timedelta(hours=9), at=midnight - timedelta(days=2),
    )  # fmt: skip
    looks(world.nurse, *people, at=midnight)
    looks(world.doctor, *people[:3], at=midnight)
    looks(world.doctor, *people, at=now)
    assert asked(now) == []
    looks(world.doctor, people[3], at=midnight)
    assert asked(now) == [("at_night", world.doctor.staff_id)]


def test_a_look_during_leave_is_asked_about(world: World, now: datetime, looks: Looks) -> None:
    looks(world.nurse, world.resident)
    assert asked(now) == []
    rosters.take_leave(
        world.director,
        world.nurse.staff_id,
        starts_at=now,
        ends_at=now + timedelta(days=3),
        at=now - timedelta(hours=1),
    )
    looks(world.nurse, world.resident, at=now + timedelta(minutes=5))
    assert asked(now + timedelta(hours=1)) == [("on_leave", world.nurse.staff_id)]


def test_more_rows_than_anybody_needs_in_a_day(world: World, now: datetime) -> None:
    for _ in range(2):
        exports.take_out(world.director, Wanted("ledger", "质控", 5000), now, lambda mark: b"x")
    assert asked(now) == []
    exports.take_out(world.director, Wanted("ledger", "质控", 1), now, lambda mark: b"x")
    assert asked(now) == [("mass_export", world.director.staff_id)]


def test_asking_again_and_again_for_what_is_refused(world: World, now: datetime) -> None:
    for number in range(10):
        if number == 9:
            assert asked(now) == []
        access_log.refusal(
            home=world.centre.id, actor=world.stranger.staff_id, action="resident.read", outcome="no_relation",
            subjects=[world.resident.subject], at=now,
        )  # fmt: skip
    assert asked(now) == [("often_refused", world.stranger.staff_id)]


def test_glass_broken_and_nothing_done_for_the_resident(world: World, now: datetime, looks: Looks) -> None:
    other = world.another("王小明", now)
    looks(world.stranger, world.resident, other, relation="break_glass")
    looks(
        world.stranger, other, at=now + timedelta(hours=2), action="record.encounter", relation="break_glass"
    )
    assert asked(now + timedelta(days=3)) == [], "there is still time"
    assert asked(now + timedelta(days=4)) == [("glass_without_care", world.stranger.staff_id)]


def test_one_loop_for_a_person_a_rule_and_a_day_however_often_asked(
    world: World, now: datetime, looks: Looks
) -> None:
    own = registered(world, now, "赵护士")
    looks(world.nurse, own)
    (loop,) = anomalies.look(now)
    looks(world.nurse, own, at=now + timedelta(hours=1))
    assert anomalies.look(now + timedelta(hours=2)) == []
    assert anomalies.look(now + timedelta(days=1)) == []
    looks(world.nurse, own, at=now + timedelta(days=1))
    (second,) = anomalies.look(now + timedelta(days=1))
    assert second != loop


def test_it_is_the_officers_and_closes_only_with_a_finding_and_a_word(
    world: World, now: datetime, looks: Looks
) -> None:
    looks(world.nurse, registered(world, now, "赵护士"))
    (loop,) = anomalies.look(now)
    row = Loop.objects.get(id=loop)
    guard = officer(world, now)
    assert (row.owner, row.sender, row.sensitive) == (guard.staff_id, world.director.staff_id, True)
    for person in (world.nurse, world.doctor, world.stranger):
        with pytest.raises(Forbidden):
            reading.detail(person, loop, now)
    with pytest.raises(Invalid):
        acts.act(guard, "complete", loop, seq=row.seq, at=now, outcome="justified")
    with pytest.raises(Invalid):
        acts.act(guard, "complete", loop, seq=row.seq, at=now, outcome="O1", note="没有问题")
    acts.act(guard, "complete", loop, seq=row.seq, at=now, outcome="talked_to", note="已当面提醒")
    row.refresh_from_db()
    assert (row.closed_as, row.outcome) == ("served", "talked_to")
    (said,) = [one.words for one in reading.detail(guard, loop, now).entries if one.kind == "completed"]
    assert said["note"] == "已当面提醒", "sealed under a key of its own"


def test_nobody_reviews_himself(world: World, now: datetime, looks: Looks, guarded: Actor) -> None:
    looks(guarded, registered(world, now, "孙专员"))
    looks(world.director, registered(world, now, "周主任"))
    head = joined("魏区长", "centre_director", world.district.id, now)
    anomalies.look(now)
    by_person = {person_of(one): one for one in Loop.objects.filter(kind=KIND)}
    assert by_person[guarded.staff_id].owner == world.director.staff_id
    about_director = by_person[world.director.staff_id]
    assert about_director.owner != world.director.staff_id
    assert about_director.sender == head.staff_id
    with pytest.raises(Forbidden):
        reading.detail(world.director, about_director.id, now)


def test_draft_rules_ask_nothing(world: World, now: datetime, looks: Looks, settings: object) -> None:
    looks(world.nurse, registered(world, now, "赵护士"))
    settings.PACKS = settings.PACKS[:1]  # type: ignore[attr-defined]
    assert anomalies.look(now) == []
