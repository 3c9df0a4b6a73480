"""Invented people only do what the pack has words for, in times that can be late."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import pytest

from yishe.lab import habits, hours
from yishe.people import packs
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_table import table


@dataclass
class Standing:
    state: str
    urgency: str = "yellow"
    due_at: datetime | None = None
    hold_until: datetime | None = None


@pytest.fixture
def kind(now: datetime) -> LoopKind:
    return packs.in_force().loop_kind("referral.doctor_to_social_worker", now.date())


def test_every_wish_is_an_edge_of_the_table(kind: LoopKind, now: datetime) -> None:
    rng = Random(1)
    for state in habits.TURNS:
        possible = {edge.verb for edge in table().leaving(state)}
        for _ in range(60):
            assert habits.wish(rng, Standing(state), kind, now).verb in possible


def test_every_open_state_has_somebody_who_knows_what_to_do() -> None:
    assert set(habits.TURNS) == {name for name, state in table().states.items() if state.turn != "nobody"}


def test_nobody_invents_a_death(kind: LoopKind) -> None:
    for verb, state in (("fail", "in-progress"), ("cancel", "accepted"), ("confirm", "failed")):
        assert not {"death", "moved", "C6", "C7"} & set(habits.reasons(verb, Standing(state), kind))


def test_most_are_in_time_some_are_late_and_some_forget(now: datetime) -> None:
    rng, due = Random(2), now + timedelta(hours=10)
    shares = [habits.delay(rng, Standing("accepted", due_at=due), now) / (due - now) for _ in range(2000)]
    late = sum(share > 1 for share in shares) / len(shares)
    assert 0.05 < late < 0.2
    assert max(shares) > 2


def test_people_come_to_it_at_their_desks(now: datetime) -> None:
    rng, calendar = Random(3), packs.in_force().calendar
    for hour in range(0, 400, 7):
        at = hours.at_desk(rng, calendar, now + timedelta(hours=hour)).astimezone(hours.ZONE)
        assert calendar.is_workday(at.date())
        assert hours.OPENS <= at.time() <= hours.CLOSES
