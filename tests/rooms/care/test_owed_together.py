"""What is owed to several, acted on in one go: 王医生 leads the team, 赵护士 and 孙护士 are of it, 李敏 answers for other things,
钱医生 is a stranger."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from tests.rooms.care.test_contracts import signed
from tests.rooms.care.world import World

from yishe.care import batches, owed_together, rebuild
from yishe.care.agreements import Signature
from yishe.care.models import Contract
from yishe.care.owed_together import Outcome
from yishe.care.signing import Sides
from yishe.loops.models import Loop
from yishe.people import actors, directory, residents
from yishe.people.actors import SYSTEM, Actor
from yishe.people.models import Post, Staff
from yishe.policy.loop_roles import Command
from yishe.policy.refusals import Invalid
from yishe.trust import batch
from yishe.trust.models import Entry

pytestmark = pytest.mark.django_db
BORN = {"traits": ("hypertension",), "birth_date": date(1947, 1, 5)}


def pair(world: World, now: datetime) -> list[UUID]:
    """王秀兰 and 张建国 are both signed."""
    both = [world.resident.resident, world.another("张建国", now).resident]
    for one, name in zip(both, ("王秀兰", "张建国"), strict=True):
        residents.amend(SYSTEM, one, BORN, now)
        signed(world, one, now, sides=Sides("resident", Signature(name), Signature("王医生")))
    return both


def second_nurse(world: World, now: datetime) -> Actor:
    staff = Staff.objects.create(name="孙护士")
    Post.objects.create(staff=staff, organisation=world.team, duty="nurse", since=now - timedelta(days=9))
    directory.bump()
    return actors.actor_of(staff.id)


def say(
    who: Actor, to: list[UUID], command: Command, at: datetime, name: str, *, dry: bool = False
) -> list[Outcome]:
    return owed_together.say_to_all(
        who, to, command, at=at, command_id=name, service="htn_followup", dry_run=dry
    )


@pytest.mark.parametrize("chunk", [1, 200])
def test_promises_of_several_go_to_a_colleague_and_the_same_press_twice_is_one(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(batch, "AT_ONCE", chunk)
    both, other = pair(world, now), second_nurse(world, now)
    unsigned = world.another("李未签", now).resident
    command, entries = owed_together.handing(other.staff_id, "workload"), Entry.objects.count()
    preview = say(world.doctor, [*both, unsigned], command, now, "k", dry=True)
    assert [one.refusal for one in preview] == ["", "", owed_together.NOTHING]
    assert Entry.objects.count() == entries, "a preview writes nothing"

    assert say(world.doctor, [*both, unsigned], command, now, "k") == preview
    held = Loop.objects.filter(reason="htn_followup")
    assert {one.performer for one in held} == {other.staff_id}
    entries = Entry.objects.count()
    assert say(world.doctor, [*both, unsigned], command, now, "k") == preview
    assert Entry.objects.count() == entries
    assert {one.refusal for one in say(world.doctor, both, command, now, "k2")} == {"转交要选另一位接手人。"}
    assert rebuild.differences() == []


def test_who_may_not_act_on_one_may_not_act_on_several(world: World, now: datetime) -> None:
    both, other = pair(world, now), second_nurse(world, now)
    command = owed_together.handing(other.staff_id, "workload")
    for who in (world.social_worker, world.stranger):
        done = say(who, both, command, now, "k")
        assert len(done) == 2
        assert all(one.refusal for one in done), who.name
    wrong = owed_together.handing(world.social_worker.staff_id, "workload")
    assert all("不承担" in one.refusal for one in say(world.doctor, both, wrong, now, "w"))
    assert not Loop.objects.filter(performer=other.staff_id).exists()


def test_what_happened_meanwhile_refuses_one_and_the_others_are_done(world: World, now: datetime) -> None:
    both = pair(world, now)
    say(world.doctor, both[:1], owed_together.asking(), now, "first")
    done = say(world.doctor, both, owed_together.asking(), now, "second")
    assert [bool(one.refusal) for one in done] == [True, False]
    day = owed_together.dated(now.date() + timedelta(days=3), "3", now)
    again = [say(world.doctor, both, day, now, "day") for _ in range(2)]
    assert again[0] == again[1]
    assert all(not one.refusal for one in again[0])
    noted = Entry.objects.filter(stream__in=[one.loop for one in done], kind="noted").count()
    assert noted == 4, "two asked, two dated, nothing twice"


def test_a_day_that_has_passed_an_unknown_way_and_nobody_are_refused(world: World, now: datetime) -> None:
    for day, way in ((now.date() - timedelta(days=1), "3"), (now.date(), "铃声")):
        with pytest.raises(Invalid):
            owed_together.dated(day, way, now)
    with pytest.raises(Invalid, match="还没有选人"):
        say(world.doctor, [], owed_together.asking(), now, "k")


def test_the_next_year_is_begun_for_several_once_it_may_be(world: World, now: datetime) -> None:
    both = pair(world, now)
    unsigned = world.another("李未签", now).resident
    early = batches.renew_all(world.nurse, both, way="centre", at=now, command_id="e", dry_run=True)
    assert all("已签约到" in one.refusal for one in early)
    at = now + timedelta(days=350)
    wanted = [*both, unsigned]
    asked = batches.renew_all(world.nurse, wanted, way="centre", at=at, command_id="r", dry_run=True)
    assert ([bool(one.refusal) for one in asked], Contract.objects.count()) == ([False, False, True], 2)
    for _ in range(2):
        done = batches.renew_all(world.nurse, wanted, way="centre", at=at, command_id="r")
        assert [bool(one.refusal) for one in done] == [False, False, True]
        assert Contract.objects.filter(renews__isnull=False).count() == 2
    assert rebuild.differences() == []
