"""The year of a contract in any legal history: each promise owed exactly once, always a next one, replay equal.

王秀兰 signs, falls ill, recovers, grows older, is corrected, changes her class and back, moves to other intervals, dies and comes
back from a mistaken death;
赵护士 and 王医生 keep what is owed, twice at times, 钱医生 the stranger tries.
"""

from contextlib import suppress
from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.proof.histories import START, AHistory, lived
from tests.rooms.care.test_contracts import signed
from yishe.care import (
    class_rounds,
    class_stream,
    classes,
    conditions,
    contracts,
    departures,
    entries,
    replanning,
    year,
)
from yishe.care.models import Contract, Owed
from yishe.loops.models import Loop
from yishe.people import packs, residents
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.refusals import Forbidden, Refused

TITLES = {"糖尿病": "disease", "严重精神障碍": "disease", "失能": "social", "独居": "social"}
SERVICES = ["htn_followup", "dm_followup", "smi_followup", "annual_exam", "review", "contact"]
STEPS_SAID = [{"class": "healthy"}, {"class": "chronic"}, {"class": "key", "medical": "high"}]


class AYear(AHistory):
    """One resident, some years."""

    def __init__(self) -> None:
        super().__init__()
        self.number = count()
        self.born, self.listed = date(1960, 9, 1), ("hypertension",)
        residents.amend(self.world.doctor, self.her, {"birth_date": self.born, "traits": self.listed}, START)
        signed(self.world, self.her, self.at)

    @rule(days=st.integers(1, 70))
    def time_passes(self, days: int) -> None:
        self.at += timedelta(days=days)
        departures.end(self.at)
        class_rounds.keep_up(self.at)
        class_rounds.of_the_day(self.at)
        replanning.everybody(self.at)
        year.open_due(self.at)

    @rule(title=st.sampled_from(sorted(TITLES)))
    def something_is_found_or_is_over(self, title: str) -> None:
        known = {one.title: one.id for one in conditions.standing(entries.keys_of(self.her))}
        said = {"state": "resolved", "supersedes": known[title]} if title in known else {}
        with suppress(Refused):
            conditions.record(
                self.world.doctor, self.her, kind=TITLES[title], title=title, at=self.at,
                command_id=f"c{next(self.number)}", **said,
            )  # fmt: skip

    @rule(service=st.sampled_from(SERVICES), times=st.integers(1, 2), doctor=st.booleans())
    def somebody_keeps_it(self, service: str, times: int, *, doctor: bool) -> None:
        actor = self.world.doctor if doctor else self.world.nurse
        for _ in range(times):
            said = {"services": [service], "how": "1", "summary": "随访", "at": self.at}
            with suppress(Refused):
                year.keep(actor, self.her, command_id=f"k{next(self.number)}", **said)  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            year.keep(self.world.stranger, self.her, command_id=f"s{next(self.number)}", **said)  # type: ignore[arg-type]

    @rule(
        years=st.integers(-6, 6),
        listed=st.sampled_from([(), ("hypertension",), ("diabetes", "hypertension")]),
    )
    def the_roster_is_corrected(self, years: int, listed: tuple[str, ...]) -> None:
        said = {"birth_date": date(1960 + years, 9, 1), "traits": listed}
        with suppress(Refused):
            residents.amend(self.world.doctor, self.her, said, self.at)
        replanning.everybody(self.at)

    @rule(steps=st.sampled_from(STEPS_SAID), days=st.integers(1, 200))
    def another_class_is_said_for_a_time(self, steps: dict[str, str], days: int) -> None:
        until = self.today + timedelta(days=days)
        with suppress(Refused):
            classes.correct(self.world.doctor, self.her, steps, reason="temporary", until=until, at=self.at)

    @rule(looks=st.booleans())
    def the_rules_speak_again(self, *, looks: bool) -> None:
        with suppress(Refused):
            if not looks:
                classes.uncorrect(self.world.doctor, self.her, self.at)
            classes.look(self.her, self.at)

    @rule(ends=st.booleans())
    def it_ends_or_is_signed_again(self, *, ends: bool) -> None:
        with suppress(Refused):
            if ends:
                contracts.end(
                    self.world.doctor, Contract.objects.latest("applied_at").id, reason="asked", at=self.at
                )
            signed(self.world, self.her, self.at)

    @rule()
    def a_death_is_recorded_by_mistake_and_taken_back(self) -> None:
        residents.die(self.world.director, self.her, self.at)
        assert not replanning.replan(self.world.doctor, self.her, self.at)
        residents.revive(self.world.director, self.her, self.at)

    @invariant()
    def every_promise_is_owed_exactly_once_and_there_is_a_next(self) -> None:
        today = self.today
        for row in Contract.objects.exclude(signed_at=None):
            mine = list(row.owed.filter(withdrawn_on=None))
            assert len({(one.service, one.times, one.nth) for one in mine}) == len(mine)
            if row.ended_at is None and row.since and row.until and row.since <= today < row.until:
                self._asked(row, mine, today)
                assert any(one.kept_on is None and one.ends >= today for one in mine)
        loops = [one for one in Owed.objects.values_list("loop", flat=True) if one]
        assert len(set(loops)) == len(loops)
        fell = Owed.objects.exclude(withdrawn_on=None).exclude(loop=None).values("loop")
        assert not Loop.objects.filter(id__in=fell, closed_at=None).exists()

    def _asked(self, row: Contract, mine: list[Owed], today: date) -> None:
        """What is unkept is what the rules ask for today, and today lies in one window of each, or was kept in it."""
        card = residents.placed(self.her)
        standing = [one.title for one in conditions.standing(entries.keys_of(self.her))]
        born = residents.Resident.objects.get(id=self.her).birth_date
        named = {"糖尿病": "diabetes", "严重精神障碍": "smi", "失能": "disabled", "独居": "living_alone"}
        traits = sorted({*card.traits, *(named[one] for one in standing)})
        facts = {
            "age": today.year - born.year - ((today.month, today.day) < (born.month, born.day)),
            "traits": traits, "renewed": row.renews is not None, **class_stream.standing([self.her], today).get(self.her, {}),
        }  # fmt: skip
        asked: dict[str, int] = {}
        for claim in packs.in_force().owing(row.package, facts, today):
            asked[claim.service] = max(claim.times, asked.get(claim.service, 0))
        for one in mine:
            if one.kept_on is None and one.service != RENEWAL:
                assert asked.get(one.service) == one.times, (one.service, one.times, asked)
        for service, times in asked.items():
            here = [one for one in mine if one.service == service and one.times == times]
            now = [one for one in here if one.starts <= today <= one.due]
            assert len(now) <= 1
            assert now or any(one.service == service and one.kept_on for one in mine), service


@pytest.mark.django_db
def test_in_any_legal_history_each_promise_is_owed_once_with_a_next_and_replay_is_equal() -> None:
    lived(AYear)
