"""How indicators are counted: Ibis expressions over the tables of the lake, the same for every engine.

A measure is rows with `centre, team, person`, one for each thing that may be counted, and what makes it `asked` (in the denominator)
and a `hit` (in the numerator as well). Of these everything follows: the values by team and centre, and who stands behind a
number. Measures that are counted on the same rows are counted together.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from typing import Any

import ibis
from ibis import _

from .indicator_rules import (
    Aim,
    Closing,
    Control,
    Coverage,
    Fulfilment,
    Group,
    Measure,
    Outcome,
    Patients,
    Quarter,
    Reading,
    Standard,
)

Rows = Any
"""An Ibis table; what Ibis says of its types is too wide to help."""

SCHEMAS: dict[str, dict[str, str]] = {
    "residents": {
        "person": "string", "centre": "string", "team": "string", "sex": "string", "born": "date", "traits": "string",
        "created_on": "date", "deceased_on": "date", "moved_on": "date",
    },
    "contracts": {
        "contract": "string", "person": "string", "centre": "string", "team": "string", "package": "string",
        "since": "date", "until": "date", "over_on": "date",
    },
    "owed": {
        "promise": "string", "person": "string", "centre": "string", "team": "string", "service": "string", "duty": "string",
        "starts": "date", "due": "date", "ends": "date", "kept_on": "date", "withdrawn_on": "date", "over_on": "date",
    },
    "loops": {
        "loop": "string", "person": "string", "centre": "string", "team": "string", "kind": "string", "urgency": "string",
        "status": "string", "confirmed_by": "string", "closed_as": "string", "gone": "string", "close_reason": "string",
        "promised_on": "date", "due_on": "date", "closed_on": "date",
        "promised_by": "timestamp", "completed_at": "timestamp",
    },
    "observations": {
        "reading": "string", "person": "string", "kind": "string", "context": "string", "day": "date", "at": "timestamp",
        "sbp": "float64", "dbp": "float64", "glucose": "float64", "hba1c": "float64",
    },
    "visits": {"visit": "string", "person": "string", "way": "string", "day": "date"},
    "followups": {"form": "string", "person": "string", "followup": "string", "day": "date"},
    "classes": {
        "person": "string", "to_class": "string", "medical": "string", "social": "string", "rules": "string",
    },
    "entries": {
        "stream": "string", "seq": "int64", "person": "string", "kind": "string", "day": "date", "at": "timestamp",
    },
}  # fmt: skip
"""Every table of the lake and its columns. Text is never null: empty says none."""
VOID, DONE = "entered-in-error", "completed"
PEOPLE = ("person", "not_needed")
"""By whom an end is confirmed when it counts as confirmed by a person."""
GONE = ("dead", "moved", "erased")
YEAR = 12


@dataclass(frozen=True)
class Asked:
    """The quarter that is counted; `left_us` are the reasons of an end that nobody could have helped."""

    quarter: Quarter
    left_us: Collection[str] = ()


@dataclass(frozen=True)
class Counting:
    """`rows`, and which of them are `asked` and `hit`: conditions on `_`, the row."""

    rows: Rows
    hit: Any
    asked: Any = field(default_factory=_.person.notnull)

    @property
    def top(self) -> Any:
        return _sure(self.hit & self.asked)

    @property
    def bottom(self) -> Any:
        return _sure(self.asked)


def members(measure: Measure, lake: Mapping[str, Rows], asked: Asked) -> Rows:
    """Rows of `centre, team, person, hit`: everything in the denominator of a measure."""
    one = _counting(measure, lake, asked)
    return one.rows.filter(one.bottom).select("centre", "team", "person", hit=_sure(one.hit))


def values(rows: Rows) -> Rows:
    """`numerator` and `denominator` by `centre` and `team` of such rows."""
    return rows.group_by("centre", "team").aggregate(
        numerator=_.hit.cast("int64").sum(), denominator=_.count()
    )


def together(
    measures: Mapping[str, Measure], lake: Mapping[str, Rows], asked: Asked
) -> Iterator[tuple[tuple[str, ...], Rows]]:
    """The same values of many measures, those on the same rows in one go: codes, and `<code>_top` and `<code>_bottom` by `centre`
    and `team`."""
    groups: dict[Any, dict[str, Counting]] = {}
    for code, measure in measures.items():
        one = _counting(measure, lake, asked)
        groups.setdefault(one.rows.op(), {})[code] = one
    for found in groups.values():
        sums = {f"{code}_top": one.top.cast("int64").sum() for code, one in found.items()}
        sums |= {f"{code}_bottom": one.bottom.cast("int64").sum() for code, one in found.items()}
        rows = next(iter(found.values())).rows
        yield tuple(found), rows.group_by("centre", "team").aggregate(**sums)


def _counting(measure: Measure, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    found: Counting = _COUNTED[type(measure)](measure, lake, asked)
    return found


def _closing(measure: Closing, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    last = asked.quarter.last
    rows = lake["loops"]
    sent = rows.filter(
        rows.status != VOID,
        rows.promised_on >= asked.quarter.first,
        rows.promised_on <= last,
        rows.gone.notin(GONE),
    )
    if asked.left_us:
        sent = sent.filter(sent.close_reason.notin(tuple(asked.left_us)))
    mine = _.kind.isin(measure.kinds)
    confirmed = (_.status == DONE) & _.confirmed_by.isin(PEOPLE)
    if measure.in_time:
        return Counting(sent, confirmed & (_.completed_at <= _.promised_by), mine & (_.due_on <= last))
    return Counting(sent, confirmed & (_.closed_on <= last), mine)


def _fulfilment(measure: Fulfilment, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    rows = lake["owed"]
    due = rows.filter(
        rows.due >= asked.quarter.first, rows.due <= asked.quarter.last,
        rows.over_on.isnull() | (rows.due < rows.over_on),
        rows.withdrawn_on.isnull() | (rows.due < rows.withdrawn_on),
    )  # fmt: skip
    if measure.without:
        due = due.filter(due.service.notin(measure.without))
    return Counting(due, _.kept_on <= _.due)


def _coverage(measure: Coverage, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    last, contracts = asked.quarter.last, lake["contracts"]
    held = contracts.filter(
        contracts.since <= last,
        contracts.until > last,
        contracts.over_on.isnull() | (contracts.over_on > last),
    )
    signed = held.group_by("person").aggregate(contracts=_.count())
    rows = _living(lake, last).left_join(signed, "person").drop("person_right")
    if measure.group is None:
        return Counting(rows, _.contracts > 0)
    return Counting(rows, _.contracts > 0, _of_group(measure.group, last))


def _standard(measure: Standard, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    since, last = _months_back(asked.quarter.last, measure.months), asked.quarter.last
    managed = _managed(measure.patients, lake, since, last)
    visits = lake["visits"]
    met = visits.filter(visits.way.isin(measure.ways), visits.day >= since, visits.day <= last)
    met = met.select("person", "day").distinct()
    days = _followed(measure.patients, lake, since, last).semi_join(met, ["person", "day"])
    often = days.group_by("person").aggregate(days=_.count())
    return Counting(managed.left_join(often, "person").drop("person_right"), _.days >= measure.times)


def _control(measure: Control, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    since, last = _months_back(asked.quarter.last, measure.months), asked.quarter.last
    managed = _managed(measure.patients, lake, since, last)
    newest = _newest(measure.reading, lake, since, last)
    rows = managed.left_join(newest, "person").drop("person_right")
    return Counting(rows, _as_aimed(measure.reading, last))


def _outcome(measure: Outcome, lake: Mapping[str, Rows], asked: Asked) -> Counting:
    last = asked.quarter.last
    people = _registered(measure.patients, lake, last)
    newest = _newest(measure.reading, lake, None, last).rename(read_on="day")
    met = _met(measure.reading, lake, last)
    rows = (
        people.left_join(met, "person").drop("person_right").left_join(newest, "person").drop("person_right")
    )
    registered, seen, read = (
        _age_in_months(_[name], last) for name in ("registered_on", "met_on", "read_on")
    )
    care = (registered < measure.lost_after) | _sure(seen < measure.lost_after)
    if measure.counts == "lost":
        return Counting(rows, ~care)
    visited = _sure(seen < measure.months)
    measured = visited & _sure(read < measure.months)
    good = _sure(_as_aimed(measure.reading, last))
    hit = {
        "missed": ~visited, "unmeasured": visited & ~measured,
        "controlled": measured & good, "uncontrolled": measured & ~good,
    }[measure.counts]  # fmt: skip
    return Counting(rows, hit, care & (registered >= measure.registered))


_COUNTED: dict[type, Any] = {
    Closing: _closing, Fulfilment: _fulfilment, Coverage: _coverage, Standard: _standard, Control: _control,
    Outcome: _outcome,
}  # fmt: skip


# The parts


def _sure(condition: Any) -> Any:
    """What cannot be told is no."""
    return condition.fill_null(False)


def _living(lake: Mapping[str, Rows], last: date) -> Rows:
    """Residents of the last day: in the records by then, not dead, not moved away."""
    rows = lake["residents"]
    return rows.filter(
        rows.created_on <= last, rows.deceased_on.isnull() | (rows.deceased_on > last),
        rows.moved_on.isnull() | (rows.moved_on > last),
    )  # fmt: skip


def _of_group(group: Group, last: date) -> Any:
    """Age is that of the last day of a month, so that the month of birth says it exactly."""
    ways = [_has(_, one) for one in group.traits]
    months = _age_in_months(_.born, last)
    if group.from_age is not None:
        ways.append(_sure(months >= YEAR * group.from_age))
    if group.below_age is not None:
        ways.append(_sure(months < YEAR * group.below_age))
    return reduce(lambda one, other: one | other, ways)


def _has(rows: Rows, trait: str) -> Any:
    return rows.traits.contains(f"|{trait}|")


def _age_in_months(day: Any, last: date) -> Any:
    """Calendar months from the month of a day to that of the last day."""
    return (last.year * YEAR + last.month) - (day.year().cast("int64") * YEAR + day.month().cast("int64"))


def _months_back(last: date, months: int) -> date:
    """The first day of the `months` calendar months that end with that of `last`."""
    year, month = divmod(last.year * YEAR + last.month - months, YEAR)
    return date(year, month + 1, 1)


def _followed(patients: Patients, lake: Mapping[str, Rows], since: date, last: date) -> Rows:
    """The days on which somebody was followed up by the form."""
    rows = lake["followups"]
    found = rows.filter(rows.followup == patients.form, rows.day >= since, rows.day <= last)
    return found.select("person", "day").distinct()


def _managed(patients: Patients, lake: Mapping[str, Rows], since: date, last: date) -> Rows:
    """Residents of the last day and that age who were followed up in the span."""
    living = _living(lake, last)
    old = living.filter(_age_in_months(living.born, last) >= YEAR * patients.from_age)
    return old.semi_join(_followed(patients, lake, since, last), "person")


def _registered(patients: Patients, lake: Mapping[str, Rows], last: date) -> Rows:
    """Those who have the disease, from the month of their first follow-up on; without one since they are in the records."""
    followed = lake["followups"].filter(_.followup == patients.form, _.day <= last)
    first = followed.group_by("person").aggregate(first_on=_.day.min())
    living = _living(lake, last)
    old = living.filter(_age_in_months(living.born, last) >= YEAR * patients.from_age)
    both = old.left_join(first, "person").drop("person_right")
    both = both.filter(_has(both, patients.trait) | both.first_on.notnull())
    return both.mutate(registered_on=ibis.coalesce(both.first_on, both.created_on))


def _met(reading: Reading, lake: Mapping[str, Rows], last: date) -> Rows:
    """The last day somebody was met: a contact of any way, or a measurement."""
    visits, readings = lake["visits"], lake["observations"]
    days = visits.filter(visits.day <= last).select("person", "day")
    taken = readings.filter(readings.kind == reading.kind, readings.day <= last).select("person", "day")
    return ibis.union(days, taken).group_by("person").aggregate(met_on=_.day.max())


def _newest(reading: Reading, lake: Mapping[str, Rows], since: date | None, last: date) -> Rows:
    """Of each person the last reading of the span."""
    rows = lake["observations"]
    found = rows.filter(rows.kind == reading.kind, rows.day <= last)
    if since is not None:
        found = found.filter(found.day >= since)
    if reading.contexts:
        found = found.filter(found.context.isin(reading.contexts))
    order = ibis.window(group_by="person", order_by=[ibis.desc("at"), ibis.desc("reading")])
    ranked = found.mutate(rank=ibis.row_number().over(order))
    return ranked.filter(ranked["rank"] == 0).select("person", "day", *reading.aims)


def _as_aimed(reading: Reading, last: date) -> Any:
    """Every quantity below its number."""
    months = _age_in_months(_.born, last)
    return reduce(
        lambda one, other: one & other, [_below(_[name], aim, months) for name, aim in reading.aims.items()]
    )


def _below(quantity: Any, aim: Aim, months: Any) -> Any:
    if aim.from_age is None or aim.then_below is None:
        return quantity < aim.below
    old = (months >= YEAR * aim.from_age).fill_null(False)
    return (old & (quantity < aim.then_below)) | (~old & (quantity < aim.below))
