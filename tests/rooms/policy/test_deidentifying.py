"""No row in a small cell, no date out of step, no two extracts to be laid over each other: over invented people at random."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yishe.policy import deidentifying
from yishe.policy.deidentifying import Cover, Known
from yishe.policy.refusals import Conflict
from yishe.policy.research_rules import ResearchSheet

PEOPLE = st.lists(
    st.builds(
        lambda sex, age, area: (sex, age, area),
        st.sampled_from("12"),
        st.one_of(st.none(), st.integers(0, 108)),
        st.integers(0, 7),
    ),
    max_size=120,
)


def sheet(k: int = 5, most: int = 20) -> ResearchSheet:
    return ResearchSheet.model_validate(
        {
            "source": {"id": "test"}, "kind": "r", "review": "e", "consent": "research", "k": k, "k_rare": 10,
            "most_suppressed": most, "shift": "180 d", "kept": "30 d", "reason_letters": 1,
            "ages": {"widths": [5, 10, 20], "top": 90}, "variables": {},
        }
    )  # fmt: skip


def known(people: list[tuple[str, int | None, int]]) -> list[Known]:
    return [
        Known(f"p{number:03}", sex, age, (f"小区{area}", f"中心{area % 2}", "全部"))
        for number, (sex, age, area) in enumerate(people)
    ]


@settings(max_examples=120, deadline=None)
@given(people=PEOPLE, k=st.integers(2, 8), most=st.sampled_from([0, 10, 20, 50]))
def test_no_row_stands_in_a_cell_smaller_than_k(
    people: list[tuple[str, int | None, int]], k: int, most: int
) -> None:
    told = known(people)
    try:
        made = deidentifying.coarsened(told, sheet(k, most))
    except Conflict:  # refused rather than let anybody stand out
        return
    cells = Counter((row.sex, row.age, row.area) for row in made.rows)
    assert min(cells.values()) >= k
    assert made.k == min(cells.values())
    assert len(made.rows) + made.left_out == len(told)
    assert 100 * made.left_out <= most * len(told)
    assert {row.who for row in made.rows} <= {one.who for one in told}


@settings(max_examples=120, deadline=None)
@given(
    key=st.binary(min_size=32, max_size=32),
    who=st.binary(min_size=16, max_size=16),
    days=st.lists(st.dates(date(1950, 1, 1), date(2040, 1, 1)), min_size=2, max_size=6),
)
def test_what_lies_between_two_days_of_a_person_stays(key: bytes, who: bytes, days: list[date]) -> None:
    cover = Cover(key, 180)
    moved = [cover.moved(who, day) for day in days]
    assert [b - a for a, b in pairwise(moved)] == [b - a for a, b in pairwise(days)]
    assert all(
        timedelta(0) < abs(new - old) <= timedelta(days=180) for new, old in zip(moved, days, strict=True)
    )


@given(
    one=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32),
    who=st.binary(min_size=16, max_size=16),
)  # fmt: skip
def test_two_extracts_share_no_pseudonym(one: bytes, other: bytes, who: bytes) -> None:
    assert (Cover(one, 180).pseudonym(who) == Cover(other, 180).pseudonym(who)) == (one == other)


@given(age=st.integers(0, 120), width=st.sampled_from([5, 10, 20]))
def test_an_age_lies_in_its_band_and_ninety_and_older_are_one(age: int, width: int) -> None:
    said = deidentifying.band(age, width, 90)
    if age >= 90:
        assert said == "90+"
    else:
        first, last = map(int, said.split("-"))
        assert first <= age <= last < 90
        assert last - first < width


def test_the_finest_table_that_holds_is_taken() -> None:
    crowd = known([("1", 62, 0)] * 5 + [("1", 67, 0)] * 5)
    assert deidentifying.coarsened(crowd, sheet()).width == 5
    spread = known([("1", 62, area) for area in range(5)])
    made = deidentifying.coarsened(spread, sheet())
    assert (made.level, {row.area for row in made.rows}) == (2, {"全部"})


def test_too_few_people_are_refused_in_words() -> None:
    with pytest.raises(Conflict, match="每格至少 5 人"):
        deidentifying.coarsened(known([("1", 62, 0)] * 4), sheet())


def test_rare_codes_are_those_few_people_have() -> None:
    seen = [(f"p{n}", "I10") for n in range(12)] + [("p1", "G35"), ("p1", "G35"), ("p2", "G35")]
    assert deidentifying.rare(seen, 10) == {"G35"}
