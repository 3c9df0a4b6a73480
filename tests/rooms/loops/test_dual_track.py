"""Dual track: a parent the doctor answers for, a track per profession, and an end only when both are served."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import rebuild, worker
from yishe.loops.models import Loop
from yishe.policy.refusals import Conflict
from yishe.trust import ids, ledger

Refer = Callable[..., Said]
ENCOUNTER = ({"type": "encounter", "id": str(ids.new())},)
NOTE = ({"type": "service_note", "id": str(ids.new())},)


@pytest.fixture
def tracks(world: World, refer: Refer, now: datetime) -> tuple[Said, Said, Said]:
    """The parent (asked by the nurse), the doctor's track and the social worker's."""
    parent = refer("", actor=world.nurse, kind="assessment.dual_track")
    children = {row.performer: Said(row.id, now) for row in Loop.objects.filter(parent=parent.loop)}
    return parent, children[world.doctor.staff_id], children[world.social_worker.staff_id]


def serve(world: World, doctors: Said | None = None, social: Said | None = None) -> None:
    for track, actor, evidence in ((doctors, world.doctor, ENCOUNTER), (social, world.social_worker, NOTE)):
        if track is not None:
            for verb in ("accept", "start"):
                track.say(actor, verb)
            track.say(actor, "complete", outcome="assessed", evidence=evidence)


def test_each_track_has_its_own_owner_clock_and_evidence(
    world: World, tracks: tuple[Said, Said, Said]
) -> None:
    parent, doctors, social = tracks
    assert (parent.row.owner, doctors.row.owner, social.row.owner) == (
        world.doctor.staff_id, world.doctor.staff_id, world.social_worker.staff_id,
    )  # fmt: skip
    assert doctors.row.sender == parent.row.performer
    assert all(row.next_at and row.due_at for row in (parent.row, doctors.row, social.row))


def test_the_parent_waits_for_both_and_then_completes_by_itself(
    world: World, tracks: tuple[Said, Said, Said]
) -> None:
    parent, doctors, social = tracks
    serve(world, social=social)
    assert parent.row.state == "requested"
    assert ledger.facts_of(ledger.entries(parent.loop)[-1]) == {"child": str(social.loop)}
    for verb in ("accept", "start"):
        parent.say(world.doctor, verb)
    with pytest.raises(Conflict, match="医生评估") as refused:
        parent.say(world.doctor, "complete", outcome="assessed")
    assert refused.value.code == "children_open"
    serve(world, doctors=doctors)
    assert (parent.row.state, parent.row.owner) == ("completed", world.nurse.staff_id)
    parent.say(world.nurse, "confirm")
    assert parent.row.closed_as == "served"
    assert rebuild.differences() == []


def test_a_parent_nobody_accepted_completes_too(world: World, tracks: tuple[Said, Said, Said]) -> None:
    parent, doctors, social = tracks
    serve(world, doctors, social)
    assert parent.row.state == "completed"
    assert [e.kind for e in ledger.entries(parent.loop)][-3:] == ["accepted", "started", "completed"]


def test_a_track_opened_again_keeps_the_parent_from_closing(
    world: World, tracks: tuple[Said, Said, Said], now: datetime
) -> None:
    parent, doctors, social = tracks
    serve(world, doctors, social)
    social.say(world.doctor, "reopen", reason="not_solved")
    with pytest.raises(Conflict) as refused:
        parent.say(world.nurse, "confirm")
    assert refused.value.code == "children_open"
    worker.sweep_all(now + timedelta(days=60))
    assert parent.row.closed_at is None
    social.say(
        world.social_worker, "complete", outcome="assessed", evidence=NOTE, at=now + timedelta(days=60)
    )
    parent.say(world.nurse, "confirm", at=now + timedelta(days=60))
    assert parent.row.closed_as == "served"


def test_a_refused_track_is_passed_on_and_its_successor_answers_for_it(
    world: World, tracks: tuple[Said, Said, Said]
) -> None:
    parent, doctors, social = tracks
    social.say(world.social_worker, "decline", reason="no_capacity")
    assert social.row.owner == world.doctor.staff_id
    social.say(world.doctor, "refer_on", reason="C8", note="请再看看")
    assert social.row.parent == parent.loop
    serve(world, doctors, social)
    assert parent.row.state == "completed"


@pytest.mark.parametrize("how", ["failed", "void"])
def test_a_track_that_was_not_served_is_missing_for_good(
    world: World, tracks: tuple[Said, Said, Said], how: str
) -> None:
    parent, doctors, social = tracks
    if how == "failed":
        social.say(world.social_worker, "accept")
        social.say(world.social_worker, "fail", reason="unreachable")
        social.say(world.doctor, "confirm", reason="C5")
    else:
        social.say(world.doctor, "void", reason="entered_wrongly")
    serve(world, doctors=doctors)
    for verb in ("accept", "start"):
        parent.say(world.doctor, verb)
    with pytest.raises(Conflict):
        parent.say(world.doctor, "complete", outcome="assessed")
    parent.say(world.doctor, "fail", reason="unreachable")
    assert parent.row.owner == world.nurse.staff_id
