"""Risk models against the tables as published, boundary by boundary; nothing is guessed, and many are reckoned as one."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yishe.policy import packs, risks
from yishe.policy.formulas import Formula, FormulaError, Incalculable
from yishe.policy.refusals import Invalid

PACK = packs.load([Path(__file__).resolve().parents[3] / "packs" / "base"]).life
LOWEST: dict[str, float | bool | str] = {
    "age": 20, "sex": "female", "sbp": 100, "bmi": 20, "waist": 60, "family_diabetes": False,
}  # fmt: skip
NCDRS = {
    "age": [(20, 0), (24, 0), (25, 4), (34, 4), (35, 8), (39, 8), (40, 11), (44, 11), (45, 12), (49, 12), (50, 13),
            (54, 13), (55, 15), (59, 15), (60, 16), (64, 16), (65, 18), (74, 18)],
    "sbp": [(109, 0), (110, 1), (119, 1), (120, 3), (129, 3), (130, 6), (139, 6), (140, 7), (149, 7), (150, 8),
            (159, 8), (160, 10)],
    "bmi": [(21.9, 0), (22, 1), (23.9, 1), (24, 3), (29.9, 3), (30, 5)],
    "waist": [(69.9, 0), (70, 3), (74.9, 3), (75, 5), (79.9, 5), (80, 7), (84.9, 7), (85, 8), (89.9, 8), (90, 10)],
}  # fmt: skip
MEN = [(74.9, 0), (75, 3), (79.9, 3), (80, 5), (84.9, 5), (85, 7), (89.9, 7), (90, 8), (94.9, 8), (95, 10)]


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [(name, value, points) for name, rows in NCDRS.items() for value, points in rows],
)
def test_every_boundary_of_the_chinese_score_is_that_of_the_table(
    name: str, value: float, points: int
) -> None:
    assert PACK.risk("ncdrs", {**LOWEST, name: value}).value == points


@pytest.mark.parametrize(("waist", "points"), MEN)
def test_a_mans_waist_has_limits_of_its_own(waist: float, points: int) -> None:
    assert PACK.risk("ncdrs", {**LOWEST, "sex": "male", "waist": waist}).value == points + 2


@pytest.mark.parametrize(
    ("value", "grade"),
    [(14.9, "G5"), (15, "G4"), (29.9, "G4"), (30, "G3b"), (44.9, "G3b"), (45, "G3a"), (59.9, "G3a"), (60, "G2"),
     (89.9, "G2"), (90, "G1")],
)  # fmt: skip
def test_stages_of_the_kidney_begin_where_they_are_said_to(value: float, grade: str) -> None:
    grading = PACK.risks["egfr"].grading
    assert grading is not None
    (cuts,) = grading.of("male").values()
    passed = sum(cut.passed(value) for cut in cuts)
    assert grading.grades[passed].title.zh.split()[0] == grade


@given(st.integers(18, 100), st.sampled_from(["male", "female"]), st.integers(20, 1500))
def test_filtration_is_the_published_formula(age: int, sex: str, creatinine: int) -> None:
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1)
    ratio = round(creatinine / 88.4, 3) / kappa
    expected = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor
    found = PACK.risk("egfr", {"age": age, "sex": sex, "creatinine": creatinine}).value
    assert found is not None
    assert math.isclose(found, expected, abs_tol=0.06)


WHOLE: dict[str, float | bool | str] = {
    "age": 60, "sex": "male", "sbp": 150, "dbp": 95, "weight": 80, "height": 170, "waist": 92, "cholesterol": 5.5,
    "ldl": 3.5, "hdl": 1.2, "triglycerides": 2, "creatinine": 90, "fasting_glucose": 6.5, "bp_treated": False,
    "smoker": True, "diabetes": False, "north": True, "urban": True, "family_cvd": False, "family_diabetes": True,
    "family_diabetes_far": False, "active": True, "eats_greens": False, "high_glucose_ever": False,
}  # fmt: skip


@pytest.mark.parametrize("code", list(PACK.risks))
def test_whatever_is_missing_is_named_and_never_guessed(code: str) -> None:
    whole = PACK.risk(code, WHOLE)
    assert whole.state == "done"
    assert PACK.risk(code, {}).value is None
    raw = [name for name in WHOLE if name in whole.inputs]
    assert raw or whole.inputs
    for name in raw:
        without = PACK.risk(code, {**WHOLE, name: None})
        assert (without.state, without.value, without.grade) == ("missing", None, None)
        assert name in without.missing
        assert str(PACK.inputs[name].title) in without.why


def test_every_result_says_where_it_comes_from() -> None:
    found = PACK.risk("ncdrs", WHOLE)
    assert found.source.id == "S12"
    assert found.model.version == "2013"
    assert found.inputs["bmi"] == 27.7
    assert found.shown == f"{found.value:.0f} 分"
    assert PACK.risk("blood_pressure", WHOLE).shown == "150/95 mmHg"


def test_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(Invalid, match="ncdrs"):
        PACK.risk("horoscope", WHOLE)


def test_a_draft_gives_no_number_to_anybody() -> None:
    treated = PACK.risk("china_par", {**WHOLE, "bp_treated": True})
    assert (treated.state, treated.value) == ("draft", None)
    assert "尚未核对" in treated.why


ages = st.one_of(st.none(), st.integers(10, 90))
people = st.lists(
    st.fixed_dictionaries(
        {
            "age": ages,
            "sex": st.sampled_from(["male", "female", None]),
            "sbp": st.one_of(st.none(), st.integers(90, 200)),
            "bmi": st.one_of(st.none(), st.floats(15, 40).map(lambda one: round(one, 1))),
            "waist": st.one_of(st.none(), st.integers(50, 120)),
            "family_diabetes": st.sampled_from([True, False, None]),
            "creatinine": st.one_of(st.none(), st.integers(20, 900)),
        }
    ),
    min_size=1,
    max_size=12,
)


@given(people, st.sampled_from(["ncdrs", "egfr", "waist", "bmi"]))
def test_a_population_is_reckoned_as_each_of_its_people(
    everybody: list[dict[str, float | bool | str | None]], code: str
) -> None:
    columns = {name: [one[name] for one in everybody] for name in everybody[0]}
    together = risks.of_population(PACK.risks[code], PACK.inputs, columns, len(everybody))
    alone = [PACK.risk(code, one) for one in everybody]
    assert [(one.state, one.value) for one in together] == [(one.state, one.value) for one in alone]


def test_one_impossible_row_does_not_spoil_the_others() -> None:
    columns = {"age": [50, 50], "sex": ["male", "male"], "creatinine": [0, 88.4]}
    first, second = risks.of_population(PACK.risks["egfr"], PACK.inputs, columns, 2)
    assert first.state == "not_for"
    assert second.state == "done"


@pytest.mark.parametrize(
    "text", ["a.b", "a[0]", "open(a)", "a if b else c", "lambda: a", "'a'", "ln(a, b)", "a +"]
)
def test_a_formula_is_arithmetic_and_nothing_else(text: str) -> None:
    with pytest.raises(FormulaError, match="expected"):
        Formula(text)


def test_a_formula_of_impossible_values_says_so() -> None:
    with pytest.raises(Incalculable):
        Formula("ln(a)").of({"a": [0.0]}, 1)
    assert Formula("2 ** a / max(a, 1)").of({"a": [0.0, 3.0]}, 2) == [1.0, 8 / 3]
