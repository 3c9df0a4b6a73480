"""Each verb of the table, said by its owner, by a colleague and by a stranger, in its state and in others."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import acts
from yishe.policy.loop_table import table
from yishe.policy.refusals import Conflict, Forbidden, Invalid, NotFound
from yishe.trust import ids

Refer = Callable[..., Said]
SOON = timedelta(days=2)

# verb → (how the loop comes to where it can be said, whose move it is, what it needs)
SAID: dict[str, tuple[tuple[str, ...], str, dict[str, Any]]] = {
    "receive": ((), "social_worker", {}),
    "accept": ((), "social_worker", {}),
    "decline": ((), "social_worker", {"reason": "no_capacity"}),
    "ask_more": ((), "social_worker", {"note": "请补充近期用药"}),
    "supply": (("ask_more",), "doctor", {"note": "用药见附件"}),
    "start": (("accept",), "social_worker", {}),
    "hold": (("accept",), "social_worker", {"reason": "resident_away", "until": SOON}),
    "resume": (("accept", "hold"), "social_worker", {}),
    "complete": (("accept", "start"), "social_worker", {"outcome": "O1", "note": "已联系助餐"}),
    "fail": (("accept",), "social_worker", {"reason": "unreachable"}),
    "confirm": (("accept", "start", "complete"), "doctor", {}),
    "refer_on": (("decline",), "doctor", {"reason": "C8", "note": "请再看看"}),
    "reopen": (("accept", "start", "complete", "confirm"), "doctor", {"reason": "not_solved"}),
    "cancel": (("accept",), "doctor", {"reason": "withdrawn"}),
    "hand_over": (("accept",), "social_worker", {"to": "director", "reason": "workload"}),
    "note": ((), "doctor", {"note": "家属来电"}),
    "heard": (("accept", "start", "complete"), "doctor", {"outcome": "partly", "said_by": "proxy"}),
    "void": ((), "doctor", {"reason": "wrong_resident"}),
}
ARRIVES = {
    "receive": "seen", "accept": "accepted", "decline": "rejected", "ask_more": "asked", "supply": "requested",
    "start": "in-progress", "hold": "on-hold", "resume": "accepted", "complete": "completed", "fail": "failed",
    "confirm": "completed", "refer_on": "requested", "reopen": "in-progress", "cancel": "cancelled",
    "hand_over": "accepted", "note": "requested", "heard": "completed", "void": "void",
}  # fmt: skip
NEEDS = {v: need for v, (_, _, need) in SAID.items() if need and v not in ("hand_over", "heard")}


def what(world: World, verb: str, now: datetime) -> dict[str, Any]:
    needed = dict(SAID[verb][2])
    if "until" in needed:
        needed["until"] = now + needed["until"]
    if "to" in needed:
        needed["to"] = getattr(world, needed["to"]).staff_id
    return needed


def ready(world: World, refer: Refer, verb: str, now: datetime) -> Said:
    """A referral that has come to where `verb` can be said."""
    told = refer()
    for earlier in SAID[verb][0]:
        told.say(getattr(world, SAID[earlier][1]), earlier, **what(world, earlier, now))
    return told


def test_every_verb_of_the_table_is_tried_here() -> None:
    assert set(SAID) == set(table().verbs())


@pytest.mark.parametrize("verb", SAID)
def test_its_owner_may_and_it_arrives_where_the_table_says(
    world: World, refer: Refer, now: datetime, verb: str
) -> None:
    told = ready(world, refer, verb, now)
    owner = getattr(world, SAID[verb][1])
    assert verb in told.allowed(owner)
    row = told.say(owner, verb, **what(world, verb, now))
    assert row.state == ARRIVES[verb]


@pytest.mark.parametrize("verb", SAID)
def test_a_colleague_without_a_part_in_it_may_not(
    world: World, refer: Refer, now: datetime, verb: str
) -> None:
    told = ready(world, refer, verb, now)
    seq = told.row.seq
    with pytest.raises(Forbidden) as refused:
        told.say(world.nurse, verb, **what(world, verb, now))
    assert (refused.value.code, refused.value.status) == ("not_yours", 403)
    assert refused.value.extra["state"] == told.row.status
    assert refused.value.extra["allowed"] == []
    assert refused.value.extra["who_may"]
    assert told.row.seq == seq


@pytest.mark.parametrize("verb", SAID)
def test_a_stranger_may_not(world: World, refer: Refer, now: datetime, verb: str) -> None:
    told = ready(world, refer, verb, now)
    with pytest.raises(Forbidden):
        told.say(world.stranger, verb, **what(world, verb, now))


@pytest.mark.parametrize("verb", [v for v in SAID if v not in ("note", "heard", "void", "hand_over")])
def test_in_another_state_it_says_which_state_and_what_is_possible(
    world: World, refer: Refer, now: datetime, verb: str
) -> None:
    told = refer()
    told.say(world.doctor, "void", reason="test_entry")
    with pytest.raises(Conflict, match="已作废") as refused:
        told.say(world.doctor, verb, **what(world, verb, now))
    assert (refused.value.code, refused.value.extra["state"], refused.value.extra["allowed"]) == (
        "wrong_state", "entered-in-error", [],
    )  # fmt: skip


@pytest.mark.parametrize("verb", NEEDS)
def test_without_what_it_needs_it_is_refused_and_says_what_is_missing(
    world: World, refer: Refer, now: datetime, verb: str
) -> None:
    told = ready(world, refer, verb, now)
    seq = told.row.seq
    owner = getattr(world, SAID[verb][1])
    with pytest.raises(Invalid):
        told.say(owner, verb)
    if "reason" in NEEDS[verb]:
        with pytest.raises(Invalid, match="no_such_code") as refused:
            told.say(owner, verb, **{**what(world, verb, now), "reason": "no_such_code"})
        assert refused.value.extra["possible"]
    assert told.row.seq == seq


def test_words_of_ones_own_count_as_another_reason(world: World, refer: Refer) -> None:
    told = refer()
    told.say(world.social_worker, "decline", reason="这位老人由街道专案负责")
    assert told.row.state == "rejected"


def test_nobody_says_what_only_the_clock_may(world: World, refer: Refer) -> None:
    told = refer()
    for verb in ("remind", "escalate", "retime", "auto_confirm", "fly"):
        with pytest.raises(Invalid, match=verb):
            told.say(world.social_worker, verb)


def test_a_loop_that_is_not_there(world: World, now: datetime) -> None:
    with pytest.raises(NotFound):
        acts.act(world.social_worker, "accept", ids.new(), seq=1, at=now)


def test_late_is_never_forbidden(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    for days, verb in ((100, "accept"), (200, "start"), (300, "complete")):
        told.say(world.social_worker, verb, at=now + timedelta(days=days), **what(world, verb, now))
    row = told.say(world.doctor, "confirm", at=now + timedelta(days=400))
    assert row.closed_as == "served"


@pytest.mark.parametrize("verb", ["decline", "fail"])
def test_refusal_and_failure_come_back_to_the_sender_with_a_clock(
    world: World, refer: Refer, now: datetime, verb: str
) -> None:
    told = ready(world, refer, verb, now)
    row = told.say(world.social_worker, verb, **what(world, verb, now))
    assert (row.owner, row.turn) == (world.doctor.staff_id, "sender")
    assert row.next_at is not None
    assert row.due_at is not None
    told.say(world.doctor, "confirm", reason="C8")
    assert told.row.closed_as == "not_served"


def test_a_performer_who_cancels_leaves_the_end_to_the_sender(
    world: World, refer: Refer, now: datetime
) -> None:
    told = refer()
    told.say(world.social_worker, "accept")
    row = told.say(world.social_worker, "cancel", reason="already_solved")
    assert (row.state, row.closed_at, row.owner) == ("cancelled", None, world.doctor.staff_id)
    told.say(world.doctor, "confirm", reason="C1")
    assert told.row.closed_as == "not_served"


def test_it_can_be_reopened_for_ninety_days_and_not_longer(world: World, refer: Refer, now: datetime) -> None:
    told = ready(world, refer, "reopen", now)
    promised = told.row.promised_by
    with pytest.raises(Conflict) as refused:
        told.say(world.doctor, "reopen", reason="came_back", at=now + timedelta(days=91))
    assert refused.value.code == "reopen_too_late"
    row = told.say(world.doctor, "reopen", reason="came_back", at=now + timedelta(days=89))
    assert (row.state, row.closed_as, row.completed_at, row.owner) == (
        "in-progress",
        "",
        None,
        world.social_worker.staff_id,
    )
    assert row.promised_by > promised


def test_asking_for_more_pauses_the_time_for_accepting(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    due = datetime.fromisoformat(told.row.clocks["accept"]["due"])
    told.say(world.social_worker, "ask_more", note="请补充", at=now + timedelta(hours=1))
    assert "next" not in told.row.clocks["accept"]
    told.say(world.doctor, "supply", note="补充在此", at=now + timedelta(hours=3))
    later = datetime.fromisoformat(told.row.clocks["accept"]["due"])
    assert later - due == timedelta(hours=2)


def test_a_hold_is_limited_and_moves_no_promise(world: World, refer: Refer, now: datetime) -> None:
    told = refer()
    told.say(world.social_worker, "accept")
    promised = told.row.promised_by
    for until in (now, now - timedelta(hours=1), now + timedelta(days=29), None):
        with pytest.raises(Invalid) as refused:
            told.say(world.social_worker, "hold", reason="resident_away", until=until)
        assert refused.value.code == "hold_until"
    told.say(world.social_worker, "hold", reason="resident_away", until=now + timedelta(days=28))
    assert told.row.promised_by == promised


def test_the_residents_word_is_shown_apart_when_the_performer_wrote_it(
    world: World, refer: Refer, now: datetime
) -> None:
    told = ready(world, refer, "heard", now)
    told.say(world.doctor, "heard", outcome="no", said_by="resident")
    assert (told.row.heard, told.row.heard_by_performer) == ("no", False)
    told.say(world.social_worker, "heard", outcome="yes", said_by="proxy")
    assert (told.row.heard, told.row.heard_by_performer) == ("yes", True)


def test_a_void_loop_is_counted_nowhere_and_its_reason_is_free_again(world: World, refer: Refer) -> None:
    told = refer()
    told.say(world.director, "void", reason="wrong_resident")
    assert (told.row.status, told.row.closed_as) == ("entered-in-error", "void")
    assert refer(command_id="again").loop != told.loop


def test_a_referral_passed_on_is_tied_to_the_first(world: World, refer: Refer, now: datetime) -> None:
    told = ready(world, refer, "refer_on", now)
    first = told.loop
    row = told.say(world.doctor, "refer_on", reason="C8", note="再转")
    assert (row.follows, row.sender, row.closed_at) == (first, world.doctor.staff_id, None)
    again = ready_again(world, told)
    with pytest.raises(Invalid) as refused:
        again.say(world.doctor, "refer_on", reason="C8", to=world.nurse.staff_id)
    assert refused.value.code == "to_duty"


def ready_again(world: World, told: Said) -> Said:
    told.say(world.social_worker, "decline", reason="ineligible")
    if told.row.owner != world.doctor.staff_id:
        told.say(world.director, "hand_over", to=world.doctor.staff_id, reason="better_placed")
    return told
