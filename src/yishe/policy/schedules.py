"""Schedules worked out for one person on one day: what is done, due, late, to come or missed, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from .schedule_rules import YEAR, Schedule, Visit

State = Literal["done", "done_late", "due", "late", "later", "missed"]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Person:
    """Whose schedule it is. `anchors`: condition code → day from which its schedule counts; `kept`: code of a visit
    (`child.m3`), of a service, `observation:<kind>` or `followup:<form>:<way>` → the local days on which it was done; `traits`
    what is known of her as the roster calls it."""

    born: date
    sex: str
    anchors: Mapping[str, date] = field(default_factory=dict)
    kept: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Line:
    """One visit: in time from `starts` to `due`, possible until `ends`, all included; `on` the day it was done. `why` names the
    window and the source, `how` the ways in which it counts. A `draft` is owed to
    nobody."""

    code: str
    title: str
    state: State
    why: str
    starts: date
    due: date
    ends: date
    on: date | None = None
    how: tuple[str, ...] = ()
    draft: bool = False

    def counts(self, how: str) -> bool:
        """Whether a contact of this way is one."""
        return not self.how or how in self.how

    @property
    def days_late(self) -> int:
        return (self.on - self.due).days if self.on and self.on > self.due else 0


def lines(
    schedules: Mapping[str, Schedule], person: Person, today: date, *, drafts: bool = False
) -> list[Line]:
    """Every visit that some schedule owes this person, in the order of the schedules. `drafts`: those of drafts as well, which
    are shown and tried out but owed to nobody."""
    usable = [(code, one) for code, one in schedules.items() if drafts or one.status == "approved"]
    return [line for code, one in usable for line in _of(code, one, person, today)]


def doable(found: Iterable[Line]) -> list[Line]:
    """What can be done today, the latest first: what a contact that takes place anyway is reminded of."""
    return sorted((one for one in found if one.state in ("due", "late")), key=lambda one: (one.due, one.code))


def coming(
    schedules: Mapping[str, Schedule], person: Person, since: date, until: date, *, drafts: bool = False
) -> Iterator[tuple[str, date]]:
    """Schedule and last day in time of every visit that is to be made for itself (no service and no measurement keeps it), where that
    day lies from `since` on and before `until`. A birth that is not recorded yet is not foreseen."""
    for code, schedule in schedules.items():
        anchor = _anchor(schedule, person)
        if anchor is None or not (drafts or schedule.status == "approved"):
            continue
        if schedule.sex and schedule.sex != person.sex:
            continue
        over = schedule.over.after(anchor) if schedule.over else until
        for visit in schedule.visits.values():
            days = () if visit.kept_by else _last_days(schedule, visit, anchor, since, min(over, until))
            yield from ((code, day) for day in days)


def _last_days(schedule: Schedule, visit: Visit, anchor: date, since: date, until: date) -> Iterator[date]:
    """The last days in time of a visit's windows that lie there."""
    at = max(since, visit.begins.after(anchor))
    while at < until and (window := _window(schedule, visit, anchor, at)) is not None:
        if since <= window[1] < until:
            yield window[1]
        if schedule.every is None and schedule.anchor != YEAR:
            return
        at = window[2] + DAY


def _of(code: str, schedule: Schedule, person: Person, today: date) -> Iterator[Line]:
    anchor = _anchor(schedule, person)
    if anchor is None or (schedule.sex and schedule.sex != person.sex):
        return
    if schedule.traits and person.traits.isdisjoint(schedule.traits):
        return
    if schedule.over and today >= schedule.over.after(anchor):
        return
    for name, visit in schedule.visits.items():
        window = _window(schedule, visit, anchor, today)
        if window is not None:
            yield _line(f"{code}.{name}", schedule, visit, person, window, today)


def _anchor(schedule: Schedule, person: Person) -> date | None:
    if schedule.anchor != "condition":
        return person.born
    days = [day for code, day in person.anchors.items() if code.startswith(schedule.conditions)]
    return max(days) if days else None


def _window(schedule: Schedule, visit: Visit, anchor: date, today: date) -> tuple[date, date, date] | None:
    """First day, last day in time, last day at all; for what comes again the window that today lies in."""
    if schedule.anchor == YEAR:
        return _part(visit, anchor, today)
    starts, due, ends = (one.after(anchor) for one in (visit.begins, visit.before, visit.last))
    if schedule.every is None:
        return starts, due - DAY, ends - DAY
    step = (schedule.every.after(anchor) - anchor).days
    if today >= starts:
        starts += timedelta(days=(today - starts).days // step * step)
    last = starts + timedelta(days=step) - DAY
    return starts, last, last


def _part(visit: Visit, born: date, today: date) -> tuple[date, date, date] | None:
    """The part of the year that today lies in, cut to the ages at which it is owed."""
    begins, over = visit.begins.after(born), visit.before.after(born)
    if not begins <= today < over:
        return None
    months = 12 // visit.times
    first = (today.month - 1) // months * months + 1
    following = date(today.year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
    last = min(following, over) - DAY
    return max(date(today.year, first, 1), begins), last, last


def _line(
    code: str, schedule: Schedule, visit: Visit, person: Person, window: tuple[date, date, date], today: date
) -> Line:
    starts, due, ends = window
    days = sorted(day for name in (code, *visit.kept_by) for day in person.kept.get(name, ()))
    on = next((day for day in days if starts <= day <= ends), None)
    says = f"{visit.says}。" if visit.says else ""
    why = f"{says}{starts:%Y-%m-%d} 至 {due:%Y-%m-%d}；依据：{schedule.source.said}"
    return Line(
        code,
        str(visit.title),
        _state(window, on, today),
        why,
        starts,
        due,
        ends,
        on,
        visit.how,
        schedule.status != "approved",
    )


def _state(window: tuple[date, date, date], on: date | None, today: date) -> State:
    starts, due, ends = window
    if on is not None:
        return "done" if on <= due else "done_late"
    if today < starts:
        return "later"
    if today <= due:
        return "due"
    return "late" if today <= ends else "missed"
