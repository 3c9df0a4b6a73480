"""The windows of a contract's year: every day of the year belongs to exactly one window of each service."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishe.policy import packs
from yishe.policy.contract_year import Claim, end_of, fitting, year
from yishe.policy.refusals import Invalid

PACKS = Path(__file__).resolve().parents[3] / "packs"
DEMO = packs.load([PACKS / "base", PACKS / "demo"])
SHEET = DEMO.contracts
assert SHEET is not None
DAYS = st.dates(date(2025, 1, 1), date(2040, 12, 31))
CLAIMS = st.lists(
    st.builds(
        Claim, st.sampled_from(["a", "b", "c"]), st.sampled_from(sorted(SHEET.services)), st.integers(1, 366)
    ),
    min_size=1,
    max_size=6,
)


@given(since=DAYS, claims=CLAIMS)
def test_each_service_is_owed_as_often_as_the_strictest_asks_without_gap_or_overlap(
    since: date, claims: list[Claim]
) -> None:
    until = end_of(since, SHEET.months)
    owed = year(SHEET, tuple(claims), since, until)
    for service in {claim.service for claim in claims}:
        mine = sorted((one for one in owed if one.service == service), key=lambda one: one.nth)
        assert len(mine) == max(claim.times for claim in claims if claim.service == service)
        assert (mine[0].starts, mine[-1].due) == (since, until - timedelta(days=1))
        assert all(b.starts == a.due + timedelta(days=1) for a, b in pairwise(mine))
        assert all(one.starts <= one.due + timedelta(days=1) and one.due <= one.ends for one in mine)
        assert {one.covers for one in mine} == {tuple(c.by for c in claims if c.service == service)}
    assert [one.service for one in owed].count("renewal") == 1
    assert len({(one.service, one.nth) for one in owed}) == len(owed)


@given(since=DAYS, months=st.integers(1, 36))
def test_a_term_ends_on_the_same_day_of_the_month_or_its_last(since: date, months: int) -> None:
    until = end_of(since, months)
    assert (until.year - since.year) * 12 + until.month - since.month == months
    assert until.day == since.day or (until + timedelta(days=1)).day == 1


def test_the_renewal_is_offered_thirty_days_before_the_end() -> None:
    renewal = year(SHEET, (), date(2026, 3, 2), date(2027, 3, 2))[-1]
    assert (renewal.service, renewal.starts, renewal.due) == ("renewal", date(2027, 1, 31), date(2027, 3, 1))


def test_a_visit_for_hypertension_is_also_a_contact_and_a_call_is_neither() -> None:
    assert fitting(SHEET, ("htn_followup",), "1") == ("htn_followup", "contact")
    assert fitting(SHEET, ("htn_followup",), "3") == ("contact",)


def test_only_an_approved_package_can_be_chosen() -> None:
    base = packs.load([PACKS / "base"])
    facts = {"age": 70, "traits": (), "renewed": False}
    with pytest.raises(Invalid, match="没有批准的服务包"):
        base.owing("basic", facts, date(2026, 3, 2))
    claims = DEMO.owing("basic", facts, date(2026, 3, 2))
    assert [(one.by, one.times) for one in claims] == [
        ("package:basic", 1), ("package:basic", 1), ("elder_exam", 1),
    ]  # fmt: skip


def test_what_is_not_published_yet_owes_nothing_even_in_the_demo() -> None:
    facts = {"age": 60, "traits": ("copd",), "renewed": False}
    assert "copd_followup" not in [one.service for one in DEMO.owing("basic", facts, date(2026, 3, 2))]
