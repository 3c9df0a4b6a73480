"""A care plan in any legal history: one that is current, each dated action promised exactly once, versions that never change, and
replay equal.

王医生 and 赵护士 write and confirm for the one side, 李敏 for the other, 钱医生 the stranger tries; 王秀兰 dies and comes back from a
mistaken death.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.proof.histories import AHistory, lived
from yishe.care import departures, plan_promises, plan_stream, plans
from yishe.care.models import Plan, PlanPromise
from yishe.care.plans import Wish
from yishe.loops import acts, worker
from yishe.loops.models import Loop
from yishe.people import residents
from yishe.people.actors import Actor
from yishe.policy.plan_content import Action, Content, dated
from yishe.policy.refusals import Forbidden, Refused

DUTIES = ["nurse", "social_worker", "family_doctor"]
ACTION = "plan.action"


class APlan(AHistory):
    """One resident, and whatever her team makes of her plan."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = dict[tuple[UUID, int], Content]()
        self._written("doctor", [("a", "nurse", 5), ("b", "social_worker", 40)])
        self.somebody_confirms("social_worker")

    def who(self, name: str) -> Actor:
        return {"doctor": self.world.doctor, "nurse": self.world.nurse}.get(name, self.world.social_worker)

    @rule(
        name=st.sampled_from(["doctor", "nurse", "social_worker"]), alone=st.sampled_from([False, False, True]),
        stale=st.sampled_from([False, False, False, True]),
        asked=st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from(DUTIES), st.integers(-1, 60)), max_size=4, unique_by=lambda one: one[0],
        ),
    )  # fmt: skip
    def somebody_writes(
        self, name: str, asked: list[tuple[str, str, int]], *, alone: bool, stale: bool
    ) -> None:
        with suppress(Refused):
            self._written(name, asked, alone=alone, stale=stale)

    def _written(
        self, name: str, asked: list[tuple[str, str, int]], *, alone: bool = False, stale: bool = False
    ) -> None:
        begun = plans.started("hypertension_elder", self.today)
        goal = replace(begun.goals[0], baseline="160")
        actions = tuple(
            Action(code, goal.id, f"做{code}", duty, "monthly", None if days < 0 else self.today + timedelta(days=days))
            for code, duty, days in asked
        )  # fmt: skip
        said = replace(begun, goals=(goal, *begun.goals[1:]), actions=actions)
        row = plans.current(self.world.resident)
        base = max(0, (row.version if row else 0) - stale)
        wish = Wish(said, base, alone="no_social_need" if alone else "")
        with pytest.raises(Forbidden):
            plans.write(self.world.stranger, self.her, wish, self.at)
        plans.write(self.who(name), self.her, wish, self.at)

    @rule(name=st.sampled_from(["doctor", "nurse", "social_worker"]))
    def somebody_confirms(self, name: str) -> None:
        row = plans.current(self.world.resident)
        with suppress(Refused):
            if row is not None:
                plans.confirm(self.who(name), row.id, row.version, self.at)

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.at += timedelta(days=days)
        worker.sweep_all(self.at)
        departures.end(self.at)
        plan_promises.open_due(self.at)
        assert plan_promises.open_due(self.at) == 0
        near = PlanPromise.objects.filter(dropped=False, loop=None, opens__lte=self.today)
        assert not near.exists(), "what is near is somebody's"

    @rule()
    def somebody_does_what_he_promised(self) -> None:
        loop = Loop.objects.filter(kind=ACTION, closed_at=None).order_by("promised_at", "id").first()
        performers = {one.staff_id: one for one in map(self.who, ("doctor", "nurse", "social_worker"))}
        if loop is not None and loop.owner in performers:
            said = {
                "outcome": "done",
                "evidence": [{"type": "statement", "text": "做过了"}],
                "note": "做过了",
            }
            with suppress(Refused):
                acts.act(performers[loop.owner], "complete", loop.id, seq=loop.seq, at=self.at, **said)  # type: ignore[arg-type]

    @rule(reason=st.sampled_from(["reached", "no_such", "no_such", "no_such"]))
    def it_is_ended(self, reason: str) -> None:
        row = plans.current(self.world.resident)
        with suppress(Refused):
            if row is not None:
                plans.end(self.world.social_worker, row.id, reason, self.at)

    @rule()
    def a_death_is_recorded_by_mistake_and_taken_back(self) -> None:
        residents.die(self.world.director, self.her, self.at)
        worker.sweep_all(self.at)
        departures.end(self.at)
        assert not Plan.objects.filter(ended_at=None).exists()
        assert not Loop.objects.filter(closed_at=None).exclude(state="completed").exists()
        residents.revive(self.world.director, self.her, self.at)

    @invariant()
    def there_is_one_plan_at_most_and_each_dated_action_is_promised_once(self) -> None:
        rows = list(Plan.objects.all())
        assert sum(one.ended_at is None for one in rows) <= 1
        for row in rows:
            version = plan_stream.story(row).version(row.in_force)
            wanted = dated(version.content) if version and row.ended_at is None else []
            standing = [(one.action, one.duty, one.due) for one in plan_promises.standing(row)]
            assert sorted(standing) == sorted((one.action, one.duty, one.due) for one in wanted)

    @invariant()
    def no_loop_is_of_two_promises_and_none_outlives_its_own(self) -> None:
        begun = dict(PlanPromise.objects.exclude(loop=None).values_list("loop", "dropped"))
        assert len(begun) == PlanPromise.objects.exclude(loop=None).count()
        for loop in Loop.objects.filter(kind=ACTION):
            assert loop.id in begun
            assert not (begun[loop.id] and loop.closed_at is None and loop.state != "completed")

    @invariant()
    def a_version_once_written_stays_as_it_was(self) -> None:
        for row in Plan.objects.all():
            told = plan_stream.story(row).versions
            assert [one.number for one in told] == list(range(1, row.version + 1))
            for one in told:
                assert self.seen.setdefault((row.id, one.number), one.content) == one.content


@pytest.mark.django_db
def test_in_any_legal_history_one_plan_is_current_and_each_dated_action_is_promised_once() -> None:
    lived(APlan)
