"""kill -9 of a running server and worker: every answered command is there afterwards, nothing twice."""

import json
import os

import pytest

from tests.database import KIND
from tests.proof import place

KILLS = int(os.environ.get("YISHE_PROOF_KILLS", "8"))


def test_a_killed_server_has_kept_every_word_it_gave(capsys: pytest.CaptureFixture[str]) -> None:
    done = place.run("tests.proof.killing", KIND, str(KILLS), timeout=120 + 60 * KILLS)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{KIND}: {found}")
    assert found["answered"] > 5 * KILLS
    wrong = ("lost", "doubled", "broken", "odd answers", "refused and written")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert found["messages"] == found["delivered"] == found["counted"]
