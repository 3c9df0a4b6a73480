"""A new holiday table re-times open loops by an entry of its own; what runs on the wall stays where it was."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.rooms.care.world import World
from tests.rooms.loops.conftest import Said
from yishe.loops import rebuild, retiming, worker
from yishe.trust import ids, ledger

Refer = Callable[..., Said]
CALENDAR = """
years:
  2026:
    source: {id: test, section: 临时放假}
    holidays:
      元旦: [2026-01-01..2026-01-03]
      临时: [2026-03-03..2026-03-04]
    makeup: []
"""
HEAD = """
id: extra
title: {zh: 临时放假, en: Extra days off}
version: "1"
overlays: base
"""


@pytest.fixture
def days_off(settings: Settings, tmp_path: Path) -> Callable[[], None]:
    """Tuesday and Wednesday are announced as days off."""
    (tmp_path / "pack.yaml").write_text(HEAD, encoding="utf-8")
    (tmp_path / "calendar.yaml").write_text(CALENDAR, encoding="utf-8")

    def announced() -> None:
        settings.PACKS = [*settings.PACKS, tmp_path]

    return announced


def test_working_clocks_move_and_an_entry_says_so(
    world: World, refer: Refer, now: datetime, days_off: Callable[[], None]
) -> None:
    told = refer("D12")
    worker.sweep_all(now)
    assert told.row.seq == 1
    before = told.row
    days_off()
    assert worker.sweep_all(now).retimed == 1
    assert before.due_at is not None
    assert told.row.due_at == before.due_at + timedelta(days=4)  # the third workday is now the Monday after
    entry = ledger.entries(told.loop)[-1]
    assert (entry.kind, entry.actor) == ("retimed", ids.SYSTEM)
    assert told.row.promised_by == before.promised_by  # four weeks run on the wall
    assert worker.sweep_all(now).retimed == 0
    assert rebuild.differences() == []


def test_what_runs_on_the_wall_stays(
    world: World, refer: Refer, now: datetime, days_off: Callable[[], None]
) -> None:
    told = refer("D01")
    worker.sweep_all(now)
    days_off()
    worker.sweep_all(now)
    assert told.row.seq == 1


def test_what_would_move_is_told_before_anything_does(
    world: World, refer: Refer, now: datetime, days_off: Callable[[], None]
) -> None:
    working, wall = refer("D12"), refer("D01")
    worker.sweep_all(now)
    days_off()
    steps: list[tuple[int, int]] = []
    found = retiming.foreseen(now, 1, lambda done, total: steps.append((done, total)))
    assert (found.looked_at, dict(found.moved), found.later, found.earlier) == (
        2,
        {working.row.kind: 1},
        1,
        0,
    )
    assert steps == [(1, 2), (2, 2)]
    assert (working.row.seq, wall.row.seq) == (1, 1)
    worker.sweep_all(now)
    assert (working.row.seq, wall.row.seq) == (2, 1)


def test_many_are_taken_in_batches(
    world: World, refer: Refer, now: datetime, days_off: Callable[[], None]
) -> None:
    loops = [refer(reason) for reason in ("D10", "D11", "D12", "D13", "D14")]
    worker.sweep_all(now)
    days_off()
    looked = [worker.sweep(now, limit=2).retimed for _ in range(5)]
    assert looked == [2, 2, 1, 0, 0]
    assert {ledger.entries(told.loop)[-1].kind for told in loops} == {"retimed"}
