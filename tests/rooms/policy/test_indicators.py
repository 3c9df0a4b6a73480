"""Indicators beside an oracle in plain Python, which knows neither Ibis nor SQL, on small worlds of any shape; and their words."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import ibis
import pytest
import yaml
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st
from ibis.backends.sql.compilers import TrinoCompiler

from yishe.policy import case_indicators, indicators, packs
from yishe.policy.indicator_rules import Closing, Control, Coverage, Fulfilment, Outcome, Quarter, Standard
from yishe.policy.indicators import SCHEMAS, Asked
from yishe.policy.refusals import Invalid

Q = Quarter(2026, 1)
LAST = Q.last
LEFT = ("C6", "C7")
PACK = packs.load(settings.PACKS)
DECLARED = PACK.indicators.indicators if PACK.indicators else {}
INDICATOR_CASES = [
    case_indicators.IndicatorCase.model_validate(one)
    for one in yaml.safe_load((settings.PACKS[0] / "cases" / "indicators.yaml").read_text(encoding="utf-8"))
]
Row = dict[str, Any]
World = dict[str, list[Row]]

EDGES = [
    date(2025, 1, 15), date(2025, 3, 31), date(2025, 4, 1), date(2025, 9, 30), date(2025, 12, 31), date(2026, 1, 1),
    date(2026, 1, 2), date(2026, 2, 14), date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1),
]  # fmt: skip
days = st.sampled_from(EDGES)
maybe = st.none() | days
people = st.sampled_from("abcd")
moments = st.builds(datetime.combine, days, st.sampled_from([time(8), time(9)]))
teams = st.sampled_from(["", "t1", "t2"])
births = st.sampled_from(
    [
        date(1961, 3, 1),
        date(1961, 4, 1),
        date(1991, 3, 1),
        date(1991, 4, 1),
        date(2019, 3, 1),
        date(2019, 4, 1),
    ]
)
kinds = st.sampled_from(
    ["referral.doctor_to_social_worker", "referral.social_worker_to_doctor", "contract.item"]
)
services = st.sampled_from(["contact", "contact", "renewal"])
RESIDENT = st.fixed_dictionaries(
    {
        "team": teams, "born": st.none() | births,
        "traits": st.lists(st.sampled_from(["hypertension", "diabetes", "copd", "chd"]), unique=True),
        "created_on": days, "deceased_on": maybe, "moved_on": maybe,
    }
)  # fmt: skip
LOOP = st.fixed_dictionaries(
    {
        "person": people, "team": teams, "kind": kinds,
        "status": st.sampled_from(["completed", "completed", "completed", "rejected", "entered-in-error"]),
        "confirmed_by": st.sampled_from(["person", "person", "not_needed", "auto", ""]),
        "gone": st.sampled_from(["", "", "", "dead"]), "close_reason": st.sampled_from(["", "", "C6"]),
        "promised_on": days, "due_on": days, "closed_on": maybe, "promised_by": moments, "completed_at": st.none() | moments,
    }
)  # fmt: skip
OWED = st.fixed_dictionaries(
    {
        "person": people, "team": teams, "service": services, "due": days, "kept_on": maybe, "withdrawn_on": maybe,
        "over_on": maybe,
    }
)  # fmt: skip
CONTRACT = st.fixed_dictionaries({"person": people, "since": days, "until": days, "over_on": maybe})
READING = st.fixed_dictionaries(
    {
        "person": people, "kind": st.sampled_from(["bp", "glucose"]), "context": st.sampled_from(["fasting", "random", ""]), "at": moments,
        "sbp": st.none() | st.sampled_from([139.0, 140.0, 149.0, 150.0]), "dbp": st.none() | st.sampled_from([89.0, 90.0]),
        "glucose": st.none() | st.sampled_from([6.9, 7.0]),
    }
)  # fmt: skip
VISIT = st.fixed_dictionaries({"person": people, "way": st.sampled_from(["1", "2", "3"]), "day": days})
FOLLOWUP = st.fixed_dictionaries({"person": people, "followup": st.sampled_from(["htn", "dm"]), "day": days})


@st.composite
def worlds(draw: st.DrawFn) -> World:
    residents = [{"person": one, **draw(RESIDENT)} for one in "abc"]  # d is somebody who was erased
    readings = [
        {**one, "reading": f"{number:03}", "day": one["at"].date()}
        for number, one in enumerate(draw(st.lists(READING, max_size=8)))
    ]
    return {
        "residents": residents, "loops": draw(st.lists(LOOP, max_size=8)), "owed": draw(st.lists(OWED, max_size=6)),
        "contracts": draw(st.lists(CONTRACT, max_size=4)), "observations": readings,
        "visits": draw(st.lists(VISIT, max_size=12)), "followups": draw(st.lists(FOLLOWUP, max_size=12)),
    }  # fmt: skip


@cache
def as_one() -> str:
    """Every indicator, compiled once, all in one question."""
    lake = case_indicators.tables({})
    told = {code: indicators.members(one.measure, lake, Asked(Q, LEFT)) for code, one in DECLARED.items()}
    parts = (f"SELECT '{code}' AS code, * FROM ({case_indicators.said(rows)})" for code, rows in told.items())
    return " UNION ALL ".join(parts)


@given(world=worlds())
@tries(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_every_indicator_counts_what_plain_python_counts(world: World) -> None:
    asked = as_one()
    case_indicators.tables(world)
    came: dict[str, list[Any]] = {code: [] for code in DECLARED}
    for row in case_indicators.rows(asked):
        came[row["code"]].append((row["person"], row["team"], row["hit"]))
    for code, one in DECLARED.items():
        expected = [(row["person"], row.get("team", ""), hit) for row, hit in oracle(one.measure, world)]
        assert sorted(came[code]) == sorted(expected), code


def test_what_is_counted_together_is_what_is_counted_alone() -> None:
    """On the cases of the base pack, which have somebody on each side of every edge."""
    cases = [one for one in INDICATOR_CASES if one.quarter == str(Q)]
    measures = {code: one.measure for code, one in DECLARED.items()}
    lake = case_indicators.tables({})
    asked = [
        (codes, case_indicators.said(rows))
        for codes, rows in indicators.together(measures, lake, Asked(Q, LEFT))
    ]
    assert len(asked) < len(measures)
    for case in cases:
        case_indicators.tables(
            {name: [{**case.usual.get(name, {}), **row} for row in rows] for name, rows in case.given.items()}
        )
        came = dict.fromkeys(DECLARED, (0, 0))
        for codes, sql in asked:
            for row in case_indicators.rows(sql):
                for code in codes:
                    came[code] = (came[code][0] + row[f"{code}_top"], came[code][1] + row[f"{code}_bottom"])
        assert {code: came[code] for code in case.then} == case.then


def oracle(measure: Any, world: World) -> Iterable[tuple[Row, bool]]:
    if isinstance(measure, Closing):
        return closing(measure, world)
    if isinstance(measure, Fulfilment):
        return fulfilment(measure, world)
    return ((one, who(measure, one, world)) for one in world["residents"] if asked_of(measure, one, world))


def closing(measure: Closing, world: World) -> Iterable[tuple[Row, bool]]:
    for one in world["loops"]:
        sent = (
            one["kind"] in measure.kinds
            and Q.first <= one["promised_on"] <= LAST
            and one["status"] != "entered-in-error"
        )
        if (
            not sent
            or one["gone"]
            or one["close_reason"] in LEFT
            or (measure.in_time and one["due_on"] > LAST)
        ):
            continue
        confirmed = one["status"] == "completed" and one["confirmed_by"] in ("person", "not_needed")
        if measure.in_time:
            yield (
                one,
                confirmed and one["completed_at"] is not None and one["completed_at"] <= one["promised_by"],
            )
        else:
            yield one, confirmed and one["closed_on"] is not None and one["closed_on"] <= LAST


def fulfilment(measure: Fulfilment, world: World) -> Iterable[tuple[Row, bool]]:
    for one in world["owed"]:
        ended = [day for day in (one["over_on"], one["withdrawn_on"]) if day]
        if (
            Q.first <= one["due"] <= LAST
            and one["service"] not in measure.without
            and all(one["due"] < day for day in ended)
        ):
            yield one, one["kept_on"] is not None and one["kept_on"] <= one["due"]


def living(one: Row) -> bool:
    return one["created_on"] <= LAST and all(
        day is None or day > LAST for day in (one["deceased_on"], one["moved_on"])
    )


def age(one: Row) -> int | None:
    born = one["born"]
    return None if born is None else LAST.year - born.year - (LAST.month < born.month)


def of(world: World, table: str, person: str) -> list[Row]:
    return [row for row in world[table] if row["person"] == person]


def followed(measure: Any, one: Row, world: World, since: date) -> set[date]:
    form = measure.patients.form
    return {
        row["day"]
        for row in of(world, "followups", one["person"])
        if row["followup"] == form and since <= row["day"] <= LAST
    }


def ago(day: date) -> int:
    return (LAST.year - day.year) * 12 + LAST.month - day.month


def asked_of(measure: Any, one: Row, world: World) -> bool:
    """Whether she is in the denominator."""
    if not living(one):
        return False
    if isinstance(measure, Coverage):
        group, years = measure.group, age(one)
        if group is None:
            return True
        by_age = years is not None and (years >= (group.from_age or 999) or years < (group.below_age or 0))
        return by_age or bool(set(one["traits"]) & set(group.traits))
    years = age(one)
    if years is None or years < measure.patients.from_age:
        return False
    if isinstance(measure, Standard | Control):
        return bool(followed(measure, one, world, date(2025, 4, 1)))
    if measure.patients.trait not in one["traits"] and not followed(measure, one, world, date.min):
        return False
    return measure.counts == "lost" or (
        cared_for(measure, one, world) and ago(registered(measure, one, world)) >= measure.registered
    )


def registered(measure: Outcome, one: Row, world: World) -> date:
    return min(followed(measure, one, world, date.min), default=one["created_on"])


def met(measure: Outcome, one: Row, world: World) -> list[date]:
    readings = [
        row["day"] for row in of(world, "observations", one["person"]) if row["kind"] == measure.reading.kind
    ]
    return [
        day for day in [*readings, *(row["day"] for row in of(world, "visits", one["person"]))] if day <= LAST
    ]


def cared_for(measure: Outcome, one: Row, world: World) -> bool:
    return any(
        ago(day) < measure.lost_after for day in [registered(measure, one, world), *met(measure, one, world)]
    )


def newest(measure: Control | Outcome, one: Row, world: World, since: date) -> Row | None:
    said = measure.reading
    found = [
        row for row in of(world, "observations", one["person"])
        if row["kind"] == said.kind and since <= row["day"] <= LAST and (not said.contexts or row["context"] in said.contexts)
    ]  # fmt: skip
    return max(found, key=lambda row: (row["at"], row["reading"]), default=None)


def good(measure: Control | Outcome, one: Row, row: Row | None) -> bool:
    if row is None:
        return False
    for quantity, aim in measure.reading.aims.items():
        older = aim.from_age is not None and (age(one) or 0) >= aim.from_age
        below = aim.then_below if older else aim.below
        if row[quantity] is None or below is None or row[quantity] >= below:
            return False
    return True


def who(measure: Any, one: Row, world: World) -> bool:
    """Whether she is in the numerator as well."""
    if isinstance(measure, Coverage):
        return any(
            row["since"] <= LAST < row["until"] and (row["over_on"] is None or row["over_on"] > LAST)
            for row in of(world, "contracts", one["person"])
        )
    since = date(2025, 4, 1)
    if isinstance(measure, Standard):
        face = {row["day"] for row in of(world, "visits", one["person"]) if row["way"] in measure.ways}
        return len(followed(measure, one, world, since) & face) >= measure.times
    if isinstance(measure, Control):
        return good(measure, one, newest(measure, one, world, since))
    if measure.counts == "lost":
        return not cared_for(measure, one, world)
    reading = newest(measure, one, world, date.min)
    visited = any(ago(day) < measure.months for day in met(measure, one, world))
    measured = visited and reading is not None and ago(reading["day"]) < measure.months
    came = (
        "missed"
        if not visited
        else "unmeasured"
        if not measured
        else "controlled"
        if good(measure, one, reading)
        else "uncontrolled"
    )
    return came == measure.counts


def test_the_four_outcomes_of_those_under_care_are_all_there_are() -> None:
    world: World = {
        "residents": [
            {
                "person": "a",
                "born": date(1950, 1, 1),
                "traits": ["hypertension"],
                "created_on": date(2025, 6, 1),
            }
        ]
    }
    lake = case_indicators.tables(world)
    came = {
        code: case_indicators.counted(indicators.members(DECLARED[f"htn_{code}"].measure, lake, Asked(Q)))
        for code in ("controlled", "uncontrolled", "unmeasured", "missed")
    }
    assert came == {"controlled": (0, 1), "uncontrolled": (0, 1), "unmeasured": (0, 1), "missed": (1, 1)}


def test_every_indicator_compiles_for_trino() -> None:
    lake = {name: ibis.table(columns, name=name) for name, columns in SCHEMAS.items()}
    for code, one in DECLARED.items():
        said = TrinoCompiler().to_sqlglot(
            indicators.values(indicators.members(one.measure, lake, Asked(Q, LEFT)))
        )
        assert "GROUP BY" in said.sql("trino"), code


def test_every_indicator_says_in_words_what_it_counts_and_where_it_comes_from() -> None:
    for code, one in DECLARED.items():
        assert one.numerator.zh.startswith("其中"), code
        assert one.denominator.zh, code
        assert one.source.said, code
        assert one.status == ("draft" if one.family == "simple" else "approved"), code


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("2026Q1", date(2026, 1, 1), date(2026, 3, 31)), ("2024-q4", date(2024, 10, 1), date(2024, 12, 31))],
)
def test_a_quarter_is_its_days(asked: str, first: date, last: date) -> None:
    quarter = Quarter.parse(asked)
    assert (quarter.first, quarter.last) == (first, last)
    assert Quarter.ended(last + timedelta(days=1)) == quarter
    assert Quarter.of(first - timedelta(days=1)) == quarter.before


@pytest.mark.parametrize("asked", ["", "2026", "2026Q5", "1999Q4", "２０２６Q1", "2026Q1; DROP"])
def test_what_is_no_quarter_is_asked_again(asked: str) -> None:
    with pytest.raises(Invalid, match="2026Q1"):
        Quarter.parse(asked)
