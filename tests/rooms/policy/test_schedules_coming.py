"""Which visits of a life come in a year: each once, at its last day in time, and none of what something else keeps."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from yishe.policy import packs, schedules
from yishe.policy.schedules import Person

BASE = packs.load([Path(__file__).resolve().parents[3] / "packs" / "base"]).life.schedules
SINCE, UNTIL = date(2026, 4, 1), date(2027, 4, 1)


def coming(person: Person, *, drafts: bool = False) -> list[tuple[str, date]]:
    return list(schedules.coming(BASE, person, SINCE, UNTIL, drafts=drafts))


def test_a_child_of_three_months_has_three_visits_in_her_year_each_in_its_window() -> None:
    days = [day for code, day in coming(Person(date(2026, 1, 1), "female")) if code == "child"]
    assert days == [date(2026, 6, 30), date(2026, 8, 31), date(2026, 12, 31)]
    assert not [one for one in coming(Person(date(2019, 3, 1), "female")) if one[0] == "child"], (
        "seven by then"
    )


def test_what_comes_every_month_comes_until_the_disease_is_over() -> None:
    person = Person(date(1970, 1, 1), "male", {"A15": date(2026, 3, 1)})
    found = Counter(code for code, _ in coming(person))
    first = date(2026, 3, 1) + timedelta(days=4)
    windows = [first + timedelta(days=30 * n + 29) for n in range(30)]
    assert found["tuberculosis_month"] == sum(SINCE <= day < UNTIL for day in windows)
    assert found["tuberculosis"] == 0, "the first visit was due in March"
    over = Person(date(1970, 1, 1), "male", {"A15": date(2024, 6, 1)})
    assert max(day for _, day in coming(over)) < date(2024, 6, 1) + timedelta(days=732)


def test_what_a_contract_or_a_measurement_keeps_is_not_counted_twice_nor_a_draft() -> None:
    old = Person(date(1950, 1, 1), "male", {"Z35": date(2026, 3, 1)})
    assert coming(old) == [], (
        "examination and first pressure of the year are kept by others, and he is no woman"
    )
    her = Person(date(1996, 1, 1), "female", {"Z35": date(2026, 3, 1)})
    assert {code for code, _ in coming(her)} == {"pregnancy"}
    assert coming(her) == coming(her, drafts=True), "the weekly look is kept by the checks"
