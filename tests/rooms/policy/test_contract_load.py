"""The load of a pack, counted: one contact for several rules is one, however many contracts are alike."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from yishe.policy import packs
from yishe.policy.contract_load import Alike, asked, contacts
from yishe.policy.contract_year import end_of, year

PACKS = Path(__file__).resolve().parents[3] / "packs"
DEMO = packs.load([PACKS / "base", PACKS / "demo"])
BASE = packs.load([PACKS / "base"])
SHEET = DEMO.contracts
assert SHEET is not None
SINCE = date(2026, 1, 1)
TRAITS = st.lists(
    st.sampled_from(["hypertension", "diabetes", "smi", "disabled", "living_alone"]), unique=True, max_size=3
)


def facts(age: int, *traits: str) -> tuple[tuple[str, Any], ...]:
    return (("age", age), ("renewed", False), ("traits", tuple(sorted(traits))))


def test_two_diseases_followed_in_the_same_quarter_by_one_nurse_are_one_contact() -> None:
    both = asked(DEMO, [Alike("basic", facts(60, "hypertension", "diabetes"), SINCE)], SINCE)
    one = asked(DEMO, [Alike("basic", facts(60, "hypertension"), SINCE)], SINCE)
    quarters = [f"2026-{month:02d}" for month in (4, 7, 9, 12)]

    nurse = {month: count for (month, duty), count in both.contacts.items() if duty == "nurse"}
    assert nurse == {cell[0]: n for cell, n in one.contacts.items() if cell[1] == "nurse"}
    assert sum(nurse.values()) == 4, quarters
    behind = Counter[str]()
    for (_, duty, by), count in both.behind.items():
        behind[by] += count if duty == "nurse" else 0
    assert behind["htn_followup"] == behind["dm_followup"] == 4
    doctor = [count for (_, duty), count in both.contacts.items() if duty == "family_doctor"]
    assert doctor == [1], "the review and the yearly examination are one meeting with the doctor"


def test_a_running_term_counts_with_what_was_signed_and_the_next_with_the_package() -> None:
    signed = Alike("basic", facts(40), date(2025, 7, 1), items=(("contact", 12),))
    load = asked(DEMO, [signed], SINCE, 18)
    behind = Counter[str]()
    for (month, _, by), count in load.behind.items():
        behind["running" if month < "2026-07" else "next"] += count if by == "package:basic" else 0
    assert behind == {"running": 6, "next": 1}, (
        "six months of twelve; then a review that is the contact as well"
    )


@given(
    age=st.integers(0, 100),
    traits=TRAITS,
    package=st.sampled_from(["basic", "personal", "premium"]),
    since=st.dates(SINCE, date(2026, 12, 31)),
)
def test_every_promise_of_the_year_is_kept_by_exactly_one_contact_in_its_window(
    age: int, traits: list[str], package: str, since: date
) -> None:
    claims = DEMO.owing(package, dict(facts(age, *traits)), since)
    owed = year(SHEET, claims, since, end_of(since, 12))  # type: ignore[arg-type]
    made = contacts(SHEET, owed)  # type: ignore[arg-type]

    kept = Counter(service for one in made for service in one.services)
    assert kept == Counter(one.service for one in owed if one.service != "renewal")
    for one in made:
        for service in one.services:
            fits = [each for each in owed if each.service == service and each.starts <= one.on <= each.due]
            assert len(fits) == 1
    assert len(made) <= sum(kept.values())


@given(since=st.dates(date(2025, 3, 1), date(2026, 2, 28)), count=st.integers(1, 50))
def test_alike_contracts_count_as_often_as_they_are_and_a_year_holds_each_once(
    since: date, count: int
) -> None:
    few = asked(DEMO, [Alike("basic", facts(70), since)], date(2026, 3, 1))
    many = asked(DEMO, [Alike("basic", facts(70), since, count)], date(2026, 3, 1))
    assert many.contacts == {cell: n * count for cell, n in few.contacts.items()}
    assert many.residents == count


def test_a_draft_asks_for_nothing_until_it_is_switched_on() -> None:
    copd = [Alike("basic", facts(60, "copd"), SINCE)]
    assert not [by for _, _, by in asked(DEMO, copd, SINCE).behind if by == "copd_followup"]
    drafted = asked(DEMO, copd, SINCE, drafts=True)
    assert sum(n for (_, _, by), n in drafted.behind.items() if by == "copd_followup") == 4
    base = asked(BASE, copd, SINCE)
    assert (base.unknown, base.residents, base.total) == (0, 1, 1), "who signed for a package keeps it"
    assert asked(BASE, [Alike("gold", facts(60), SINCE)], SINCE).unknown == 1
