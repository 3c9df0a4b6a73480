"""Vaccines worked out for one child: what is done, due, late, later, held or past, and why.

A dose counts when it was given old enough and far enough from the one before, by the programme of its own day. One that does
not count is named and given again; nothing begins anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from .vaccine_rules import Age, DoseRule, Instead, Programme, Series, Uncounted, VaccineSheet

State = Literal["done", "uncounted", "late", "due", "later", "held", "past", "unsettled"]


@dataclass(frozen=True)
class Given:
    """A dose that was given."""

    vaccine: str
    on: date


@dataclass(frozen=True)
class Held:
    """A vaccine that is not given, for a `reason` of the sheet, until a day (None: until somebody says otherwise)."""

    vaccine: str
    reason: str
    until: date | None = None


@dataclass(frozen=True)
class Child:
    """Whose schedule it is; `flags` of the sheet that hold."""

    born: date
    sex: str
    given: tuple[Given, ...] = ()
    held: tuple[Held, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dose:
    """One dose of a series. `earliest` day it may be given, `late_from` the first day on which it is late, `on` the day it
    was given, `days_late` on the day asked about. `number` 0: a dose that does not count."""

    series: str
    title: str
    number: int
    vaccine: str
    state: State
    why: str
    on: date | None = None
    earliest: date | None = None
    late_from: date | None = None
    days_late: int = 0

    @property
    def code(self) -> str:
        return f"{self.series}.{self.number}"


@dataclass
class _Course:
    """A series while it is worked out: doses that count so far, and everything to say."""

    code: str
    series: Series
    valid: list[Given] = field(default_factory=list)
    doses: list[Dose] = field(default_factory=list)


@dataclass(frozen=True)
class _Work:
    """One child on one day; `courses` are the series worked out so far."""

    sheet: VaccineSheet
    child: Child
    today: date
    courses: dict[str, _Course] = field(default_factory=dict)

    def title(self, vaccine: str) -> str:
        return str(self.sheet.vaccines[vaccine].title)

    def at(self, age: Age) -> date:
        """The day the child is, or was, of that age."""
        return age.after(self.child.born)

    def given_up(self, series: str) -> bool:
        """Whether a dose of it can't be given any more."""
        course = self.courses.get(series)
        return course is not None and any(dose.state == "past" for dose in course.doses)

    def youngest(self, rule: DoseRule) -> Age:
        sooner = [age for other, age in rule.sooner_without.items() if self.given_up(other)]
        return sooner[0] if sooner else rule.from_age


def schedule(sheet: VaccineSheet, child: Child, today: date) -> list[Dose]:
    """Every dose of every series that is this child's, in the order of the sheet."""
    work = _Work(sheet, child, today)
    for code, series in sheet.series.items():
        if series.status == "approved" and _is_for(series, work) and _chosen(sheet, code, child):
            course = _Course(code, series)
            _past(work, course)
            _to_come(work, course)
            work.courses[code] = course
    return [dose for course in work.courses.values() for dose in course.doses]


def _is_for(series: Series, work: _Work) -> bool:
    born = series.born_from is None or work.child.born >= series.born_from
    begun = series.free_from is None or work.today >= series.free_from
    return born and begun and series.sex in (None, work.child.sex)


def _chosen(sheet: VaccineSheet, code: str, child: Child) -> bool:
    """Of series that do the same: the one that was begun first, else the usual one."""
    first = sheet.series[code].instead_of or code
    same = [first, *(other for other, one in sheet.series.items() if one.instead_of == first)]
    begun = [
        (given.on, other)
        for given in child.given
        for other in same
        if given.vaccine in sheet.series[other].vaccines()
    ]
    return code == (min(begun)[1] if begun else first)


def _past(work: _Work, course: _Course) -> None:
    mine = [one for one in work.child.given if one.vaccine in course.series.vaccines()]
    for given in sorted(mine, key=lambda one: one.on):
        why = _against(work, course, given)
        number = 0 if why else len(course.valid) + 1
        state: State = "uncounted" if why else "done"
        said = f"{given.on:%Y-%m-%d} 这一剂{why}" if why else f"{given.on:%Y-%m-%d} 已种"
        title = work.title(given.vaccine)
        course.doses.append(Dose(course.code, title, number, given.vaccine, state, said, on=given.on))
        if not why:
            course.valid.append(given)


def _against(work: _Work, course: _Course, given: Given) -> str:
    """Why a dose that was given does not count; empty when it does."""
    rules = _rules(work, course.series.on(given.on), len(course.valid), given.on)
    if len(course.valid) >= len(rules):
        return "是多种的：程序内的剂次已够"
    rule = rules[len(course.valid)]
    if given.vaccine not in rule.vaccines:
        return f"应种{work.title(rule.vaccines[0])}，不计入，需补种"
    youngest = rule.counts_from or work.youngest(rule)
    if given.on < work.at(youngest):
        return f"种早了，不满 {youngest.words}，不计入，需补种"
    if course.valid and rule.apart and given.on < rule.apart.after(course.valid[-1].on):
        days = (given.on - course.valid[-1].on).days
        return f"与上一剂只隔 {days} 天，少于 {rule.apart.apart}，不计入，需补种"
    for one in _flagged(work, course):
        if given.on < work.at(one.below):
            return f"不计入：{one.words}"
    return ""


def _flagged(work: _Work, course: _Course) -> list[Uncounted]:
    return [one for one in course.series.uncounted if one.flag in work.child.flags]


def _rules(work: _Work, programme: Programme, had: int, day: date) -> tuple[DoseRule, ...]:
    """The doses that hold for a child of this age who has had so many that count."""
    other = _instead(work, programme, had, day)
    return other.doses if other and other.status == "approved" else programme.doses


def _instead(work: _Work, programme: Programme, had: int, day: date) -> Instead | None:
    fitting = (one for one in programme.instead if had < one.fewer_than and day >= work.at(one.from_age))
    return next(fitting, None)


def _to_come(work: _Work, course: _Course) -> None:
    programme, had = course.series.on(work.today), len(course.valid)
    other = _instead(work, programme, had, work.today)
    if other is not None and other.status != "approved":
        vaccine = programme.doses[had].vaccines[0]
        course.doses.append(
            Dose(course.code, work.title(vaccine), had + 1, vaccine, "unsettled", str(other.words))
        )
        return
    before = course.valid[-1].on if course.valid else None
    for number, rule in enumerate(_rules(work, programme, had, work.today)[had:], start=had + 1):
        dose = _next(work, course, number, rule, before)
        course.doses.append(dose)
        before = max(dose.earliest or work.today, work.today)


def _next(work: _Work, course: _Course, number: int, rule: DoseRule, before: date | None) -> Dose:
    earliest, because = max(_bounds(work, course, rule, before), key=lambda one: one[0])
    late_from = work.at(rule.before) if rule.before else None
    state, why = _state(work, rule, earliest, late_from)
    if state in ("later", "due"):
        why = because if state == "later" else f"{earliest:%Y-%m-%d} 起可种（{because}）"
    if state == "late" and rule.before:
        why = f"应在满 {rule.before.words}前（{late_from:%Y-%m-%d}）种完；尽早补，不必重新开始"
    said = [why]
    if rule.meanwhile and state != "past" and max(work.today, earliest) >= work.at(rule.meanwhile.from_age):
        said.append(str(rule.meanwhile.words))
    if rule.remark and state in ("due", "late", "later"):
        said.append(str(rule.remark))
    days = (work.today - late_from).days + 1 if state == "late" and late_from else 0
    vaccine = rule.vaccines[0]
    return Dose(
        course.code, work.title(vaccine), number, vaccine, state, "。".join(said), None, earliest, late_from, days
    )  # fmt: skip


def _bounds(work: _Work, course: _Course, rule: DoseRule, before: date | None) -> Iterable[tuple[date, str]]:
    """Each day before which the dose may not be given, with the reason."""
    youngest = work.youngest(rule)
    yield work.at(youngest), f"满 {youngest.words}" if youngest.amount else "出生后"
    if course.series.free_from:
        yield course.series.free_from, f"{course.series.free_from:%Y-%m-%d} 起纳入免疫规划"
    if before is not None and rule.apart is not None:
        yield rule.apart.after(before), f"与上一剂至少隔 {rule.apart.apart}"
    for flagged in _flagged(work, course) if before is None else ():
        yield work.at(flagged.below), str(flagged.words)
    for named, apart in rule.apart_from.items():
        other, _, number = named.partition(".")
        given = work.courses[other].valid[int(number) - 1 :][:1] if other in work.courses else []
        for one in given:
            yield (
                apart.after(one.on),
                f"与{work.courses[other].series.title}第 {number} 剂至少隔 {apart.apart}",
            )
    if work.sheet.vaccines[rule.vaccines[0]].live:
        yield from _live(work, rule)


def _live(work: _Work, rule: DoseRule) -> Iterable[tuple[date, str]]:
    """Another live vaccine that was given on another day keeps this one at a distance."""
    apart = work.sheet.live_apart
    for given in work.child.given:
        if (
            work.sheet.vaccines[given.vaccine].live
            and given.vaccine not in rule.vaccines
            and given.on != work.today
        ):
            yield (
                apart.after(given.on),
                f"与{work.title(given.vaccine)}（注射减毒活疫苗）至少隔 {apart.apart}",
            )


def _state(work: _Work, rule: DoseRule, earliest: date, late_from: date | None) -> tuple[State, str]:
    today = work.today
    if rule.until and max(today, earliest) >= work.at(rule.until):
        return "past", str(rule.afterwards or f"满 {rule.until.words}后不再补种")
    held = next((one for one in work.child.held if _holds(one, rule, today)), None)
    if held is not None:
        until = f"，到 {held.until:%Y-%m-%d}" if held.until else ""
        reason = work.sheet.holds[held.reason]
        return "held", f"{'不宜接种' if reason.lasting else '暂缓'}：{reason.title}{until}"
    if today < earliest:
        return "later", ""
    return ("late", "") if late_from and today >= late_from else ("due", "")


def _holds(held: Held, rule: DoseRule, today: date) -> bool:
    return held.vaccine in rule.vaccines and (held.until is None or today < held.until)


def soon(doses: Iterable[Dose], today: date, within: int = 31) -> list[Dose]:
    """What is late, due, or comes within so many days: late ones first."""
    near = [
        dose
        for dose in doses
        if dose.state in ("late", "due")
        or (
            dose.state == "later" and dose.earliest is not None and dose.earliest <= today + timedelta(within)
        )
    ]
    order = {"late": 0, "due": 1, "later": 2}
    return sorted(near, key=lambda dose: (order[dose.state], dose.late_from or dose.earliest or today))
