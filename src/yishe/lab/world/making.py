"""A whole district out of a seed: `yishe world --residents 1300000 --seed 1`. What it holds and leaves out: docs/decisions/0019."""

import gc
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from django.db import connection, connections

from yishe.lab import demo, hours
from yishe.lab.world import bare, founded, histories
from yishe.lab.world.filling import TABLES, Centres, Counts, Sources
from yishe.lab.world.frame import YEARS, Frame, frame
from yishe.lab.world.histories import LIVELY, PLAIN, STANDING, WAITING, WITHDRAWN, Life, Teller
from yishe.lab.world.measuring import Courses
from yishe.lab.world.settling import Pool
from yishe.lab.world.signing import Signing
from yishe.policy.refusals import Invalid
from yishe.trust import clock, columns

Mix = Mapping[str, float]
LIVES = (120, 6_000)
"""The smallest and the largest pool of lives; a small world needs no more than it has loops."""
LEAN: Mix = {WITHDRAWN: 0.4, PLAIN: 0.22, LIVELY: 0.015, STANDING: 0.3, WAITING: 0.05}
LIVING: Mix = {LIVELY: 0.65, WAITING: 0.35}
"""Shares of the pool by sort of life. The lean one keeps tens of millions of entries within a disk; the living one is distributed as
what people do by verbs. Which of a resident's loops are open is `settling`'s to say."""
DAY = timedelta(days=1)
PATIENCE = 0.5
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Made:
    """What there is now: the frame and how many rows by table."""

    frame: Frame
    rows: Counts


def world(
    residents: int, seed: int, at: datetime, progress: Progress = lambda *_: None, processes: int = 1, *,
    lively: bool = False,
) -> Made:  # fmt: skip
    """Fill an empty database with a district of so many residents as it stands at `at`, and mark it demo. The same seed and moment,
    the same world; `lively` with loops as various as people make them. Conflict when the database holds anything already."""
    demo.refuse_unless_empty()
    kinds = histories.kinds_of(at)
    if not kinds:
        raise Invalid("no_kinds", "政策包里没有这一天可用的闭环类型：请换一个日期，或补上政策包。")
    clock.mark_demo()
    made = frame(residents, seed, at, opened(at))
    founded.found(made, [kind for kind, _ in kinds])
    sources = Sources(
        made,
        Pool.of(lives(seed, pool_of(residents), (made.opening, at), lively=lively)),
        Signing(at),
        Courses(made),
    )
    whole = columns.on_postgresql() and not connection.in_atomic_block
    with _without_collecting(), bare.tables(TABLES) if whole else nullcontext():
        many = processes if whole else 1
        counts = _one_by_one(sources, progress) if many == 1 else _beside(sources, progress, many)
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


def pool_of(residents: int) -> int:
    """How many lives there are to draw from."""
    fewest, most = LIVES
    return min(most, max(fewest, residents // 25))


@lru_cache(maxsize=2)
def lives(seed: int, many: int, between: tuple[datetime, datetime], *, lively: bool) -> tuple[Life, ...]:
    """The pool of a seed, remembered: worlds of one moment are often made again."""
    teller = Teller(Random(f"world {seed} lives"), *between)
    mix = LIVING if lively else LEAN
    return tuple(teller.life(sort) for sort, share in mix.items() for _ in range(max(2, round(many * share))))


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
