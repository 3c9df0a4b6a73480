"""The clocks of a loop: when each started, when it is due, which rung of its ladder comes next.

A clock is kept as JSON: `from` (last start), `ran` (clock seconds before it), `total` (clock seconds allowed),
`due`, `passed` (rungs passed) and `next` (the coming rung's moment; absent while the clock stands);
`fixed` when it ends on a given date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from yishe.policy.calendars import Calendar
from yishe.policy.loop_kinds import Clock, LoopKind, Rung
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_table import table

Kept = dict[str, Any]
BARE = "finish"


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Passed:
    """What one clock's ladder has reached: the highest rung, and every rung newly passed in order."""

    clock: str
    highest: int
    rungs: tuple[Rung, ...]
    at: datetime


class Keeper:
    """Clock arithmetic for one loop kind, reason and urgency under one calendar."""

    def __init__(self, kind: LoopKind, reason: str, urgency: str, calendar: Calendar) -> None:
        self.kind, self.reason, self.urgency, self.calendar = kind, reason or None, urgency, calendar

    def declared(self, name: str) -> Clock | None:
        """The clock of that name; a question without its own clock takes the time for accepting."""
        found = self.kind.clock(name, self.reason)
        return found or (self.kind.clock("accept", self.reason) if name == "supply" else None)

    def ladder(self, name: str) -> tuple[Rung, ...]:
        rungs = self.kind.ladder(name, self.urgency)
        return rungs or (self.kind.ladder("accept", self.urgency) if name == "supply" else ())

    def running_in(self, state: str) -> list[str]:
        """Names of the clocks that run in this state; a kind without any of them keeps its promise date."""
        names = [n for n in table().states[state].clocks if self.declared(n) is not None]
        return names or ([BARE] if state in table().open_states else [])

    def started(self, name: str, at: datetime, until: datetime | None = None) -> Kept | None:
        """The clock begun at `at`; a date-bound one ends at `until` when that is given."""
        clock = self.declared(name)
        if clock is None:
            return None
        due = until or self.calendar.add(at, clock.within, clock.clock)
        total = self.calendar.elapsed(at, due, clock.clock)
        kept = {"from": written(at), "ran": 0.0, "total": total, "passed": 0}
        return self._scheduled(name, {**kept, "fixed": True} if until else kept)

    def stopped(self, name: str, kept: Kept, at: datetime) -> Kept:
        """The clock paused: it remembers how long it ran and has no next moment."""
        clock = self.declared(name)
        ran = kept["ran"] + self.calendar.elapsed(read(kept["from"]), at, clock.clock if clock else "wall")
        return {k: v for k, v in {**kept, "ran": ran}.items() if k != "next"}

    def resumed(self, name: str, kept: Kept, at: datetime) -> Kept:
        """The clock goes on where it stood."""
        return self._scheduled(name, {**kept, "from": written(at)})

    def retimed(self, name: str, kept: Kept) -> Kept:
        """The same clock under the calendar as it is known now; a paused one stays paused, a date stays a date."""
        clock = self.declared(name)
        if clock is None or "next" not in kept or clock.clock == "wall" or kept.get("fixed"):
            return kept
        if kept["ran"] == 0.0 and clock.within.unit == "workday":
            total = self.calendar.elapsed(
                read(kept["from"]),
                self.calendar.add(read(kept["from"]), clock.within, clock.clock),
                clock.clock,
            )
            kept = {**kept, "total": total}
        return self._scheduled(name, kept)

    def passed(self, name: str, kept: Kept, at: datetime) -> tuple[Kept, Passed | None]:
        """The clock after every rung up to `at`, and what was passed; None when nothing was."""
        ladder = self.ladder(name)
        if not ladder or "next" not in kept or read(kept["next"]) > at:
            return kept, None
        reached, coming = self._count(name, kept, at)
        hit = tuple(ladder[min(i, len(ladder) - 1)] for i in range(kept["passed"], min(reached, len(ladder))))
        hit = hit or (ladder[-1],)
        after = self._scheduled(name, {**kept, "passed": reached}, coming)
        return after, Passed(name, reached, hit, read(kept["next"]))

    def _count(self, name: str, kept: Kept, at: datetime) -> tuple[int, datetime]:
        """How many rungs lie at or before `at`, repeats of the last one included, and when the one after them comes."""
        ladder = self.ladder(name)
        count = kept["passed"]
        while count < len(ladder):
            moment = self._moment(name, kept, count)
            if moment > at:
                return count, moment
            count += 1
        again = ladder[-1].again_every
        if again is not None:
            over = at - self._moment(name, kept, len(ladder) - 1)
            count = max(count, len(ladder) + int(over / again.exact()))
        return count, self._moment(name, kept, count)

    def _moment(self, name: str, kept: Kept, index: int) -> datetime:
        """When rung `index` comes; beyond the ladder's end the last one repeats."""
        ladder, clock = self.ladder(name), self.declared(name)
        if index >= len(ladder):
            again = ladder[-1].again_every
            step = again.exact() if again else timedelta(days=1)
            return self._moment(name, kept, len(ladder) - 1) + step * (index - len(ladder) + 1)
        rung, start = ladder[index], read(kept["from"])
        if rung.after is not None:
            return start + rung.after.exact() - timedelta(seconds=kept["ran"])
        wanted = kept["total"] * (rung.percent or 0) / 100 - kept["ran"]
        return self.calendar.advance(start, max(0.0, wanted), clock.clock if clock else "wall")

    def _scheduled(self, name: str, kept: Kept, coming: datetime | None = None) -> Kept:
        """The clock with its end and its next moment, which is `coming` where that is known already."""
        clock = self.declared(name)
        left = max(0.0, kept["total"] - kept["ran"])
        due = self.calendar.advance(read(kept["from"]), left, clock.clock if clock else "wall")
        full = {**kept, "due": written(due)}
        if coming is None:
            coming = self._moment(name, full, kept["passed"]) if self.ladder(name) else due
        full["next"] = written(coming)
        return full


def running(state: LoopState, keeper: Keeper) -> list[str]:
    """Clocks of the loop that run now: those of its state that have been started and are not paused."""
    return [n for n in keeper.running_in(state.state) if "next" in state.clocks.get(n, {})]


def due_of(state_name: str, clocks: dict[str, Kept], promised_by: datetime) -> datetime:
    """The deadline of the present step; the promise date when the step has no clock of its own."""
    name = table().states[state_name].due
    kept = clocks.get(name or "")
    return read(kept["due"]) if kept else promised_by


def next_of(
    state_name: str,
    clocks: dict[str, Kept],
    keeper: Keeper,
    others: Iterable[datetime | None],
    fallback: datetime,
) -> datetime:
    """The earliest moment at which the clock must look at this loop again."""
    moments = [read(clocks[n]["next"]) for n in keeper.running_in(state_name) if "next" in clocks.get(n, {})]
    moments += [m for m in others if m is not None]
    return min(moments, default=fallback)
