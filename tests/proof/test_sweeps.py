"""kill -9 of two workers over clocks that all passed at once: every clock is taken once, whoever takes it."""

import json
import os

import pytest

from tests.database import KIND
from tests.proof import place

LOOPS = int(os.environ.get("YISHE_PROOF_LOOPS", "60"))
KILLS = int(os.environ.get("YISHE_PROOF_KILLS", "2"))


def test_clocks_that_killed_workers_left_are_taken_once(capsys: pytest.CaptureFixture[str]) -> None:
    done = place.run("tests.proof.sweeping", KIND, str(LOOPS), str(KILLS), timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{KIND}: {found}")
    assert 1 <= found["swept meanwhile"] < found["loops"]
    assert found["killed"] >= 1
    assert found["with a clock"] == found["loops"] >= LOOPS
    wrong = ("faults", "lost", "doubled", "told twice", "untold", "broken")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
