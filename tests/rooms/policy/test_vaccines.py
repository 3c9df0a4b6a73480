"""The schedule of a child holds for any birth date and any history: nothing lost, nothing before its time, an end in reach."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yishe.policy import packs
from yishe.policy.vaccine_rules import Age, VaccineSheet
from yishe.policy.vaccines import Child, Given, Held, schedule, soon

FOUND = packs.load([Path(__file__).resolve().parents[3] / "packs" / "base"]).life.vaccines
assert FOUND is not None
SHEET: VaccineSheet = FOUND

days = st.integers(0, 6000).map(lambda n: date(2015, 1, 1) + timedelta(days=n))
children = st.builds(
    lambda born, sex, doses: Child(
        born, sex, tuple(Given(vaccine, born + timedelta(days=after)) for vaccine, after in doses)
    ),
    days,
    st.sampled_from(["male", "female"]),
    st.lists(st.tuples(st.sampled_from(list(SHEET.vaccines)), st.integers(0, 3000)), max_size=14),
)


@settings(max_examples=60)
@given(children, st.integers(0, 6500))
def test_every_dose_that_was_given_is_told_once_and_no_number_twice(child: Child, after: int) -> None:
    today = child.born + timedelta(days=after)
    doses = schedule(SHEET, child, today)
    assert all(dose.why for dose in doses)
    numbered = [dose.code for dose in doses if dose.number]
    assert len(numbered) == len(set(numbered))
    shown = [(dose.vaccine, dose.on) for dose in doses if dose.on]
    begun = {dose.series for dose in doses}
    mine = [one for one in child.given if any(one.vaccine in SHEET.series[code].vaccines() for code in begun)]
    assert sorted(shown) == sorted((one.vaccine, one.on) for one in mine)


@settings(max_examples=60)
@given(children, st.integers(0, 6500))
def test_nothing_is_asked_for_before_its_earliest_day_nor_called_late_before_its_date(
    child: Child, after: int
) -> None:
    today = child.born + timedelta(days=after)
    for dose in schedule(SHEET, child, today):
        if dose.state in ("due", "late"):
            assert dose.earliest is not None
            assert dose.earliest <= today
        if dose.state == "later":
            assert dose.earliest is not None
            assert dose.earliest > today
        if dose.state == "late":
            assert dose.late_from is not None
            assert dose.days_late == (today - dose.late_from).days + 1 >= 1


@settings(max_examples=25)
@given(days, st.sampled_from(["male", "female"]), st.integers(0, 2000))
def test_who_comes_whenever_something_is_due_is_done_in_the_end(born: date, sex: str, begin: int) -> None:
    """Given on its earliest day, every dose counts; nothing is ever asked for again."""
    child, today = Child(born, sex), born + timedelta(days=begin)
    for _ in range(80):
        doses = schedule(SHEET, child, today)
        assert not any(dose.state == "uncounted" for dose in doses)
        ready = [dose for dose in doses if dose.state in ("due", "late")]
        later = [dose.earliest for dose in doses if dose.state == "later" and dose.earliest]
        if not ready and not later:
            return
        child = Child(born, sex, (*child.given, *(Given(dose.vaccine, today) for dose in ready)))
        today = min(later, default=today) if not ready else today + timedelta(days=1)
    raise AssertionError("never done")


def test_a_hold_ends_on_its_day() -> None:
    child = Child(date(2025, 3, 1), "male", held=(Held("MMR", "ill", until=date(2025, 11, 15)),))
    states = [
        next(dose.state for dose in schedule(SHEET, child, day) if dose.code == "mmr.1")
        for day in (date(2025, 11, 14), date(2025, 11, 15))
    ]
    assert states == ["held", "due"]


def test_what_is_near_comes_late_ones_first() -> None:
    child = Child(
        date(2025, 3, 1), "male", (Given("HepB", date(2025, 3, 1)), Given("HepB", date(2025, 4, 1)))
    )
    near = soon(schedule(SHEET, child, date(2026, 3, 10)), date(2026, 3, 10))
    assert near[0].state == "late"
    assert [dose.state for dose in near] == sorted(
        (dose.state for dose in near), key=["late", "due", "later"].index
    )


@pytest.mark.parametrize("text", ["4 weeks", "m 4", "", "4.5 y", "-1 d"])
def test_an_age_is_days_months_or_years(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Age.parse(text)


def test_nobody_is_older_early() -> None:
    assert Age(1, "m").after(date(2026, 1, 31)) == date(2026, 3, 3)
    assert Age(1, "y").after(date(2024, 2, 29)) == date(2025, 3, 1)
    assert Age(6, "m").after(date(2025, 12, 2)) == date(2026, 6, 2)
