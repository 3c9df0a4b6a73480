"""A whole district out of a seed: `yishe world --residents 1300000 --seed 1`. What it holds and leaves out: docs/decisions/0019."""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.db import connection, connections

from yishe.lab import demo, hours
from yishe.lab.world import founded, histories
from yishe.lab.world.filling import Centres, Counts, Sources
from yishe.lab.world.frame import YEARS, Frame, frame
from yishe.lab.world.histories import Life, Teller
from yishe.lab.world.settling import Pool
from yishe.lab.world.signing import Signing
from yishe.policy.refusals import Invalid
from yishe.trust import clock, columns

LIVES = (150, 6_000)
"""The smallest and the largest pool of lives; a small world needs no more than it has loops."""
OPEN_LIVES = 0.35
DAY = timedelta(days=1)
PATIENCE = 0.5
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Made:
    """What there is now: the frame and how many rows by table."""

    frame: Frame
    rows: Counts


def world(
    residents: int, seed: int, at: datetime, progress: Progress = lambda *_: None, processes: int = 1
) -> Made:
    """Fill an empty database with a district of so many residents as it stands at `at`, and mark it demo. The same seed and moment,
    the same world. Conflict when the database holds anything already."""
    demo.refuse_unless_empty()
    kinds = histories.kinds_of(at)
    if not kinds:
        raise Invalid("no_kinds", "政策包里没有这一天可用的闭环类型：请换一个日期，或补上政策包。")
    clock.mark_demo()
    made = frame(residents, seed, at, opened(at))
    founded.found(made, [kind for kind, _ in kinds])
    sources = Sources(made, Pool.of(lives(made)), Signing(at))
    with _without_collecting():
        alone = processes == 1 or not columns.on_postgresql() or connection.in_atomic_block
        counts = _one_by_one(sources, progress) if alone else _beside(sources, progress, processes)
    rows = Counter[str]()
    for one in counts:
        rows.update(one)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Made(made, dict(rows))


def opened(at: datetime) -> datetime:
    """The morning on which the history begins: three years back, or as soon as the packs have kinds to tell of."""
    day = (at - YEARS).astimezone(hours.ZONE).date()
    while not histories.kinds_of(hours.local(day, hours.OPENS)):
        day += DAY
    return hours.local(day, hours.OPENS)


def lives(made: Frame) -> list[Life]:
    """The pool of the frame's seed."""
    fewest, most = LIVES
    many = min(most, max(fewest, made.residents // 10))
    teller = Teller(Random(f"world {made.seed} lives"), made.opening, made.at)
    return [teller.life(open_=n < many * OPEN_LIVES) for n in range(many)]


def _one_by_one(sources: Sources, progress: Progress) -> list[Counts]:
    whole, done, counts = sources.frame.residents, 0, []

    def tick(more: int) -> None:
        nonlocal done
        done += more
        progress(done, whole)

    for centre in sources.frame.centres:
        counts.append(Centres(sources, centre).fill(tick))
    return counts


_sources: Sources | None = None
_done: Any = None


def _fill(number: int) -> Counts:
    """In a process of its own: one centre, with what the parent had when it forked."""
    if _sources is None:
        raise AssertionError("forked before there was anything to draw from")
    return Centres(_sources, _sources.frame.centres[number]).fill(_count)


def _count(more: int) -> None:
    with _done.get_lock():
        _done.value += more


def _beside(sources: Sources, progress: Progress, processes: int) -> list[Counts]:
    """Centres beside each other: no two of them share a stream, a resident or a key."""
    global _sources, _done  # noqa: PLW0603 - what a fork inherits
    context = multiprocessing.get_context("fork")
    _sources, _done = sources, context.Value("q", 0)
    connections.close_all()
    try:
        with context.Pool(processes) as pool:
            working = pool.map_async(_fill, range(len(sources.frame.centres)), chunksize=1)
            while not working.ready():
                working.wait(PATIENCE)
                progress(_done.value, sources.frame.residents)
            return working.get()
    finally:
        _sources = None


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing here goes in circles, and what was made so far stays."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
