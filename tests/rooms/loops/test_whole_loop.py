"""One referral from its promise to its confirmed end, as the doctor and the social worker live it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import D2S, Said
from yishe.loops import promises, reading, rebuild
from yishe.policy.refusals import Conflict, Forbidden, Invalid
from yishe.trust import verification

Refer = Callable[..., Said]


def test_a_referral_goes_round_and_ends_confirmed(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    assert (told.row.owner, told.row.status) == (world.social_worker.staff_id, "requested")
    told.say(world.social_worker, "accept", at=now + timedelta(hours=1))
    told.say(world.social_worker, "start", at=now + timedelta(days=1))
    row = told.say(
        world.social_worker, "complete", outcome="O1", note="入户，已联系助餐", at=now + timedelta(days=2)
    )
    assert (row.status, row.business_status, row.owner) == (
        "completed",
        "awaiting-sender-confirm",
        world.doctor.staff_id,
    )
    row = told.say(world.doctor, "confirm", at=now + timedelta(days=2, hours=1))
    assert (row.closed_as, row.confirmed_by, row.owner, row.next_at) == ("served", "person", None, None)
    assert rebuild.differences() == []
    verified = verification.verify(rebuild.heads())
    assert verified.broken is None


def test_only_the_social_worker_may_accept(world: World, refer: Refer) -> None:
    told = refer()
    assert {"accept", "decline", "ask_more"} <= told.allowed(world.social_worker)
    assert "accept" not in told.allowed(world.doctor)
    with pytest.raises(Forbidden, match=r"承接人|责任人"):
        told.say(world.doctor, "accept")
    with pytest.raises(Forbidden):
        told.say(world.nurse, "accept")
    with pytest.raises(Forbidden):
        reading.detail(world.stranger, told.loop, told.at)


def test_a_stale_seq_is_told_what_happened(world: World, refer: Refer) -> None:
    told = refer()
    told.say(world.social_worker, "receive")
    with pytest.raises(Conflict) as refused:
        told.say(world.social_worker, "accept", seq=1)
    assert refused.value.code == "stale"
    assert refused.value.extra["seq"] == 2


def test_the_same_command_twice_has_one_effect(world: World, refer: Refer) -> None:
    told = refer(command_id="k1", digest=b"a")
    again = refer(command_id="k1", digest=b"a")
    assert again.loop == told.loop
    told.say(world.social_worker, "accept", seq=1, command_id="k2", digest=b"x")
    told.say(world.social_worker, "accept", seq=1, command_id="k2", digest=b"x")
    assert told.row.seq == 2
    with pytest.raises(Invalid, match="Idempotency"):
        told.say(world.social_worker, "start", seq=2, command_id="k2", digest=b"y")


def test_a_second_referral_of_the_same_kind_is_offered_for_tracking(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    with pytest.raises(Conflict) as refused:
        refer(command_id="another")
    assert refused.value.extra["existing"] == str(told.loop)
    promises.track(world.nurse, told.loop, now)
    assert [s.id for s in reading.waiting(world.nurse).items] == [told.loop]


def test_a_decline_comes_back_and_the_second_goes_to_the_leader(world: World, refer: Refer) -> None:
    told = refer()
    row = told.say(world.social_worker, "decline", reason="no_capacity")
    assert (row.status, row.owner) == ("rejected", world.doctor.staff_id)
    first = told.loop
    told.say(world.doctor, "refer_on", reason="C8", note="请再看看")
    assert told.loop != first
    assert told.row.follows == first
    row = told.say(world.social_worker, "decline", reason="ineligible")
    assert row.owner == world.director.staff_id
    assert "confirm" in told.allowed(world.director)
    assert rebuild.differences() == []


def test_the_doctor_may_not_promise_for_a_stranger_nor_the_worker_as_a_doctor(
    world: World, now: datetime
) -> None:
    ask = {"kind": D2S, "resident": world.resident.resident, "reason": "D12", "at": now}
    with pytest.raises(Forbidden):
        promises.promise(world.stranger, command_id="1", **ask)
    with pytest.raises(Forbidden, match="发起"):
        promises.promise(world.social_worker, command_id="2", **ask)
    with pytest.raises(Invalid, match="D99"):
        promises.promise(world.doctor, command_id="3", **{**ask, "reason": "D99"})


def test_a_stranger_is_not_told_the_state_of_a_loop(world: World, refer: Refer) -> None:
    told = refer()
    for seq in (1, 7):
        with pytest.raises(Forbidden) as refused:
            told.say(world.stranger, "accept", seq=seq)
        assert refused.value.code == "no_relation"
        assert "state" not in refused.value.extra
