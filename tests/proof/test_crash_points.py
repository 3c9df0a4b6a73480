"""Nothing is lost or doubled wherever a process dies: see crash_points.py."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.database import KIND
from tests.proof import place
from tests.proof.writers import ALL

AT_ONCE = 2


def halves() -> list[list[str]]:
    """The writers dealt out to processes that run beside each other, each in a database of its own."""
    names = [writer.name for writer in ALL]
    return [names[n::AT_ONCE] for n in range(AT_ONCE)]


def test_every_writer_survives_being_killed_at_every_point(capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda names: place.run("tests.proof.crash_points", KIND, *names), halves()))
    lines = [json.loads(line) for done in runs for line in done.stdout.splitlines() if line.startswith("{")]
    wrong = [line for line in lines if "wrong" in line]
    writers = [line for line in lines if "points" in line]
    with capsys.disabled():
        print(
            f"\n{KIND}: {len(writers)} writers, {sum(w['statements'] for w in writers)} statements, "
            f"{sum(w['points'] for w in writers)} crash points, {len(wrong)} wrong\n\n| writer | statements | points |\n|---|---|---|"
        )
        for line in writers:
            print(f"| {line['writer']} | {line['statements']} | {line['points']} |")
    assert not wrong, wrong[:3]
    assert [done.returncode for done in runs] == [0] * AT_ONCE, [done.stderr[-2000:] for done in runs]
    assert {w["writer"] for w in writers} == {writer.name for writer in ALL}
