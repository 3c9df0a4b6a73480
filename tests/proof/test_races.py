"""Eight people and two workers at the same loops at once: each step happens once, and whoever loses is told so.

Processes, not threads of one: each has its own connection and its own picture of the roster, as in production.
"""

import json

import pytest

from tests.database import KIND
from tests.proof import place


@pytest.fixture(scope="module")
def raced() -> dict[str, int]:
    done = place.run("tests.proof.racing", KIND)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    counted = dict(json.loads(done.stdout.splitlines()[-1]))
    assert counted["other_errors"] == 0, done.stderr  # what broke is said where it is first seen
    return counted


def test_no_step_is_lost_or_doubled(raced: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{KIND}: {raced}")
    assert raced["answered"] == raced["entries"]
    assert raced["wrong"] == 0
    assert raced["answered"] > 0


def test_whoever_loses_is_told_what_happened(raced: dict[str, int]) -> None:
    assert raced["refused_stale"] > 0


def test_a_passed_moment_is_one_event_however_many_workers_see_it(raced: dict[str, int]) -> None:
    assert raced["swept"] == raced["reminders"] > 0


def test_two_tracks_ending_at_once_complete_their_parent(raced: dict[str, int]) -> None:
    assert raced["parents"] == raced["parents_completed"] > 0


def test_a_contract_that_several_sign_at_once_is_signed_once_and_the_others_are_told(
    raced: dict[str, int],
) -> None:
    assert raced["signed"] == raced["signings"] > 0
    assert raced["signed_refused"] == 2 * raced["signings"]
    assert raced.get("signings_wrong", 0) == 0


def test_a_contract_that_two_end_while_its_team_changes_is_over_once(raced: dict[str, int]) -> None:
    assert raced["ended"] == raced["endings"] > 0
    assert raced["ended_refused"] >= raced["endings"]
    assert raced.get("moved", 0) + raced.get("moved_refused", 0) == raced["endings"]
    assert raced.get("endings_wrong", 0) == raced.get("contract_wordless", 0) == 0


def test_two_messages_carriers_deliver_each_message_once(raced: dict[str, int]) -> None:
    assert raced["delivered"] == raced["messages"] == raced["counted"]
