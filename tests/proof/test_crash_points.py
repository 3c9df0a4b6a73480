"""Nothing is lost or doubled wherever a process dies: see crash_points.py."""

import json

import pytest

from tests.database import KIND
from tests.proof import place


def test_every_writer_survives_being_killed_at_every_point(capsys: pytest.CaptureFixture[str]) -> None:
    done = place.run("tests.proof.crash_points", KIND)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    wrong = [line for line in lines if "wrong" in line]
    writers = [line for line in lines if "points" in line]
    with capsys.disabled():
        print(f"\n{KIND}: {len(writers)} writers, {sum(w['statements'] for w in writers)} statements, "
              f"{sum(w['points'] for w in writers)} crash points, {len(wrong)} wrong")  # fmt: skip
    assert not wrong, wrong[:3]
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(writers) >= 36
