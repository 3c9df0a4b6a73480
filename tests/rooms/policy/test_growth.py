"""Growth against WHO's published tables of standard deviations, on a grid of ages and lengths."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishe.policy import packs
from yishe.policy.growth import Measured, Standard
from yishe.policy.growth_rules import DAYS_IN_MONTH, Table
from yishe.policy.pack_errors import PackErrors

BASE = Path(__file__).resolve().parents[3] / "packs" / "base"
FOUND = packs.load([BASE]).life.growth
assert FOUND is not None
WHO: Standard = FOUND
# what the published tables are rounded to, in a unit of z, lets a z be off: those of three decimals by nothing that counts
PUBLISHED = list(csv.DictReader(Path(__file__).with_name("who_growth_sd.csv").open(encoding="utf-8")))


def the_row(point: dict[str, str]) -> tuple[float, float, float]:
    places, values = WHO.tables[table_of(point)].rows[point["sex"]]
    return values[places.index(float(point["at"]))]


def table_of(point: dict[str, str]) -> str:
    return point["indicator"] + ("_2007" if point["unit"] == "month" else "")


def test_the_grid_is_one() -> None:
    assert len(PUBLISHED) > 1000
    assert {point["indicator"] for point in PUBLISHED} == {
        "weight_for_age", "length_for_age", "weight_for_length", "weight_for_height", "bmi_for_age", "head_for_age",
    }  # fmt: skip


def test_every_published_value_has_its_z_within_a_hundredth() -> None:
    off = []
    for point in PUBLISHED:
        if len(point["value"].partition(".")[2]) < 2 and point["indicator"] in (
            "bmi_for_age",
            "head_for_age",
        ):
            continue  # published to one decimal: see below
        indicator = point["indicator"].replace("weight_for_height", "weight_for_length")
        z = found(indicator, point)
        if z is None or abs(z - float(point["z"])) > 0.0101:
            off.append((point, z))
    assert off == []


def found(indicator: str, point: dict[str, str]) -> float | None:
    """The z of a published value, measured as such a child would be."""
    value, at = float(point["value"]), float(point["at"])
    days = round(at) if point["unit"] == "day" else int(at * DAYS_IN_MONTH)
    if point["unit"] == "cm":
        days = 10 if point["indicator"] == "weight_for_length" else 900
        return WHO.score(indicator, Measured(point["sex"], days, weight=value, length=at)).z
    if indicator == "bmi_for_age":
        return WHO.score(indicator, Measured(point["sex"], days, weight=value, length=100)).z
    name = {"weight_for_age": "weight", "length_for_age": "length", "head_for_age": "head"}[indicator]
    return WHO.score(indicator, Measured(point["sex"], days, **{name: value})).z


def test_values_published_to_one_decimal_are_where_the_lines_run() -> None:
    for point in PUBLISHED:
        if point["unit"] == "day" and point["indicator"] in ("bmi_for_age", "head_for_age"):
            (line,) = WHO.line(point["indicator"], point["sex"], float(point["z"]), [int(float(point["at"]))])
            assert abs(line[1] - float(point["value"])) <= 0.0501, point


@given(
    st.sampled_from(["male", "female"]),
    st.integers(0, 6900),
    st.floats(-5, 5),
    st.sampled_from(["weight_for_age", "length_for_age", "bmi_for_age", "head_for_age"]),
)
def test_a_value_and_its_z_lead_to_each_other_at_any_age(sex: str, days: int, z: float, code: str) -> None:
    drawn = WHO.line(code, sex, z, [days])
    for _, value in drawn:
        name = {"weight_for_age": "weight", "length_for_age": "length", "head_for_age": "head"}.get(code)
        child = (
            Measured(sex, days, weight=value, length=100)
            if name is None
            else Measured(sex, days, **{name: value})
        )
        back = WHO.score(code, child).z
        assert back is not None
        assert abs(back - z) <= 0.0051


def test_between_two_months_the_reference_is_taken_in_proportion() -> None:
    (low,), (mid,), (high,) = (
        WHO.line("length_for_age", "female", 0, [round(month * DAYS_IN_MONTH)]) for month in (100, 100.5, 101)
    )
    assert low[1] < mid[1] < high[1]
    assert abs(mid[1] - (low[1] + high[1]) / 2) < 0.02


def test_tables_are_read_only_when_asked_for() -> None:
    fresh = packs.load([BASE]).life.growth
    assert fresh is not None
    assert not any("rows" in vars(table) for table in fresh.tables.values())


@pytest.mark.parametrize(
    ("row", "what"),
    [("male,x,1,3,0.1", "no row"), ("child,0,1,3,0.1", "no row"), ("male,0,1,3", "no row"), ("male,0,1,0,0.1", "out of")],
)  # fmt: skip
def test_a_table_that_is_none_says_so_with_file_and_line(tmp_path: Path, row: str, what: str) -> None:
    path = tmp_path / "weights.csv"
    path.write_text(f"sex,at,l,m,s\n{row}\n", encoding="utf-8")
    with pytest.raises(PackErrors, match=rf"mine/growth/weights\.csv:2: .*{what}"):
        _ = Table(path, "mine/growth/weights.csv").rows
