"""The demo community: an invented district with residents, staff and a year of honest history.

Only an empty database takes it, and the database is marked demo by it. Everything is one transaction: an interrupted
load leaves nothing behind.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from yishe.lab import families, founding, hours, population, town
from yishe.lab.founding import PASSWORD, District
from yishe.lab.history import History
from yishe.loops.models import Loop
from yishe.people import directory, packs
from yishe.people.models import Resident, Staff
from yishe.policy.refusals import Conflict, Forbidden
from yishe.trust import clock, commit, origin

RESIDENTS, SEED = 2000, 20260101
YEAR_DAYS = 395
"""How long contracts have been signed here: the first ones are in their second year."""
LIVELY_DAYS = 91
"""How long referrals, visits and changed medicines have been coming in."""
ROSTER_AHEAD_DAYS = 15
DAY_WEIGHT = 60
"""How many residents' worth of work one simulated day is, for the progress bar."""

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done now, in Chinese)."""


@dataclass(frozen=True)
class Loaded:
    """What the demo holds now. `stirred` counts acts by verb."""

    residents: int
    staff: int
    loops: int
    open_loops: int
    since: date
    stirred: dict[str, int] = field(default_factory=dict)


def load(
    residents: int = RESIDENTS,
    seed: int = SEED,
    *,
    at: datetime,
    progress: Progress = lambda done, total, words: None,
    days: int = LIVELY_DAYS,
    year: int = YEAR_DAYS,
) -> Loaded:
    """Fill an empty database. Conflict when it holds anything already."""
    refuse_unless_empty()
    today = at.astimezone(hours.ZONE).date()
    since, lively = today - timedelta(days=max(days, year)), today - timedelta(days=days)
    bar = _Bar(progress, residents + max(days, year) * DAY_WEIGHT)
    played = origin.Origin("web", device="演示历史")
    with origin.coming_from(played), commit.atomically(), directory.one_picture(), _without_collecting():
        clock.mark_demo()
        made = _founded(residents, seed, since, today, bar)
        history = History(made, Random(f"history {seed}"))
        history.run(since, lively, at, lambda day: bar.step(DAY_WEIGHT, f"重演 {day:%m月%d日}"))
        families.agree(made, at)
        bar.finish()
    return _summary(made, since, history)


def _founded(residents: int, seed: int, since: date, today: date, bar: "_Bar") -> District:
    opening = hours.local(since - timedelta(days=1), hours.OPENS)
    made = founding.district(opening)
    people = population.residents(residents, seed, today)
    founding.settle(
        made, [p for p in people if p.birth_date < since], opening, lambda done: bar.step(done, "居民建档")
    )
    made.coming = sorted((p for p in people if p.birth_date >= since), key=lambda p: p.birth_date)
    founding.rosters_between(made, since, today + timedelta(days=ROSTER_AHEAD_DAYS), opening)
    return made


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A burst of millions of short-lived objects: looking for cycles among them takes a sixth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Bar:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def step(self, by: int, words: str) -> None:
        self._done = min(self._done + by, self._total)
        self._progress(self._done, self._total, words)

    def finish(self) -> None:
        self._progress(self._total, self._total, "完成")


def refuse_unless_empty() -> None:
    """Conflict when there are residents or staff: a demo is never mixed with anything."""
    if Resident.objects.exists() or Staff.objects.exists():
        words = "演示社区已经装好，不必再装" if clock.is_demo() else "数据库里已有数据，不能装入演示社区"
        raise Conflict("not_empty", f"{words}：要重新开始，请换一个空的数据文件夹（YISHE_HOME）。")


def _summary(made: District, since: date, history: History) -> Loaded:
    loops = Loop.objects.all()
    return Loaded(
        residents=Resident.objects.count(),
        staff=len(made.staff),
        loops=loops.count(),
        open_loops=loops.filter(closed_at=None).count(),
        since=since,
        stirred=history.stirred,
    )


def own_accounts(at: datetime) -> list[dict[str, Any]]:
    """The resident and the relative who can try the residents' pages: name, phone, birth date. Forbidden outside a demo."""
    _refuse_unless_demo()
    return families.accounts(at)


def _refuse_unless_demo() -> None:
    if not clock.is_demo():
        raise Forbidden("not_demo", "这不是演示库：演示账号只在演示库里有。")


def accounts(at: datetime) -> list[dict[str, Any]]:
    """Who can sign in to the demo: username, password, duties, team, centre. Forbidden outside a demo."""
    _refuse_unless_demo()
    book = directory.current()
    rows = []
    for employee in town.employees():
        member = next((m for m in book.people.values() if m.name == employee.name), None)
        if member is None or member.account is None:
            continue
        team, centre = next(iter(member.teams(at)), None), member.centre(at)
        rows.append(
            {
                "username": employee.username,
                "password": PASSWORD,
                "name": employee.name,
                "duties": list(employee.posts),
                "titles": [packs.in_force().duties[duty].title.zh for duty in employee.posts],
                "team": book.organisation(team).name if team else None,
                "centre": book.organisation(centre).name if centre else None,
            }
        )
    return rows
