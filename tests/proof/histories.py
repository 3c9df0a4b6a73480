"""What the machines about one resident share: the small world they live in, its clock, and how a history is run and looked over.

YISHE_PROOF_EXAMPLES makes it longer.
"""

import os
from datetime import UTC, date, datetime

from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import settings as how
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.rooms.care.world import World, build
from yishe.care import rebuild
from yishe.people import directory
from yishe.people.particulars import ZONE

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
EXAMPLES = max(10, int(os.environ.get("YISHE_PROOF_EXAMPLES", "10")))
STEPS = 14
WORLDS: list[World] = []
"""Where the machines live: built once by each run, because hypothesis makes machines without arguments."""


class AHistory(RuleBasedStateMachine):
    """王秀兰, and whatever comes; at its end replay is equal to what stands."""

    def __init__(self) -> None:
        super().__init__()
        self.point, self.world, self.at = transaction.savepoint(), WORLDS[-1], START
        self.her = self.world.resident.resident
        directory.forget()

    def teardown(self) -> None:
        try:
            assert rebuild.differences() == []
        finally:
            transaction.savepoint_rollback(self.point)
            directory.forget()

    @property
    def today(self) -> date:
        return self.at.astimezone(ZONE).date()


def lived(machine: type[AHistory]) -> None:
    """Many histories of it, each in the world as it was."""
    WORLDS.append(build(START))
    tried(machine, EXAMPLES, STEPS)


def tried(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """The same run every time; the first history that breaks a promise is raised."""
    run = how(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=run)
