"""Answers read and scored: weighted, turned round, by branches, and never guessed."""

from typing import Any

import pytest

from yishe.policy import scale_scoring
from yishe.policy.refusals import Invalid
from yishe.policy.scale_rules import Scale
from yishe.policy.scale_scoring import About

SCALE = {
    "scale": "try", "version": "2026-01-01", "title": "试", "source": {"id": "test"}, "status": "approved",
    "licence": {"note": "试", "wording": "own"}, "fields": ["assessment"], "filled_by": {"staff": ["nurse"]},
    "choices": {"level": {"0": {"say": "低", "score": 0}, "1": {"say": "中", "score": 1}, "2": {"say": "高", "score": 2}}},
    "items": {
        "a": {"ask": "甲", "choice": "level"},
        "b": {"ask": "乙", "choice": "level"},
        "more": {"ask": "丙", "choice": "level", "when": "a == '2'"},
        "deepest": {"ask": "丁", "choice": "level", "when": "more == '2'"},
        "kg": {"ask": "体重", "type": "number", "unit": "kg", "shown": "公斤", "hard": [20, 300], "soft": [30, 200],
               "decimals": 1, "required": False},
        "day": {"ask": "哪天", "type": "date", "required": False},
        "many": {"ask": "哪些", "type": "multi", "options": {"x": {"say": "子"}, "y": {"say": "丑"}}, "required": False},
        "words": {"ask": "说明", "type": "text", "required": False},
    },
    "scores": {
        "weighted": {"title": "加权", "of": ["a", "b"], "weights": {"a": 3}, "times": 2},
        "turned": {"title": "反向", "of": ["a", "b"], "reversed": ["b"], "by": "mean", "decimals": 1},
    },
    "rules": {
        "grown": {"title": "成年", "when": "age >= 18 && weighted >= 4.0"},
        "chose_x": {"title": "选了子", "when": "'x' in many"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def scale() -> Scale:
    return Scale.model_validate(SCALE)


def test_scores_weigh_turn_round_and_say_what_gave_what(scale: Scale) -> None:
    result = scale_scoring.result(scale, {"a": "1", "b": "2"}, About())
    assert result.scores["weighted"].value == 10
    assert [(part.item, part.points) for part in result.scores["weighted"].parts] == [("a", 3), ("b", 2)]
    assert result.scores["turned"].value == 0.5
    assert scale.range(scale.scores["weighted"]) == (0, 16)


def test_what_is_not_known_decides_nothing(scale: Scale) -> None:
    answers = {"a": "1", "b": "2", "many": ["y"]}
    assert scale_scoring.result(scale, answers, About()).undecided == ("grown",)
    assert scale_scoring.result(scale, answers, About(age=18)).rules == ("grown",)
    assert scale_scoring.result(scale, {"a": "1"}, About(age=18)).undecided == ("grown", "chose_x")


def test_branches_open_and_close_and_what_is_closed_counts_nowhere(scale: Scale) -> None:
    deep = {"a": "2", "b": "0", "more": "2", "deepest": "1"}
    assert set(deep) <= set(scale_scoring.asked(scale, deep, About()))
    shut = {**deep, "a": "0"}
    assert {"more", "deepest"} & set(scale_scoring.asked(scale, shut, About())) == set()
    assert scale_scoring.counted(scale, shut, About()) == {"a": "0", "b": "0"}
    assert scale_scoring.missing(scale, {"a": "2"}, About()) == ("b", "more")


@pytest.mark.parametrize(
    ("code", "given", "kept"),
    [
        ("kg", "61.55", "61.6"), ("kg", " 61。5 公斤", "61.5"), ("kg", 61, "61.0"), ("day", "2026-03-02", "2026-03-02"),
        ("many", ["y", "x", "y"], ["y", "x"]), ("many", "x", ["x"]), ("words", " 摔过 ", "摔过"), ("words", "", None),
        ("many", [], None),
    ],
)  # fmt: skip
def test_answers_are_kept_as_they_are_meant(scale: Scale, code: str, given: Any, kept: Any) -> None:
    assert scale_scoring.read(scale, code, given) == kept


@pytest.mark.parametrize(
    ("code", "given", "refused"),
    [
        ("kg", "122 斤", "unit_other"), ("kg", "615", "value_impossible"), ("kg", "25", "value_unusual"),
        ("kg", "六十", "not_a_number"), ("kg", "NaN", "not_a_number"), ("kg", True, "answer_unreadable"),
        ("kg", {"value": 61}, "answer_unreadable"), ("day", "昨天", "not_a_day"), ("a", "9", "answer_unknown"),
        ("many", ["x", "z"], "answer_unknown"), ("many", 5, "answer_unreadable"),
        ("words", "长" * 2001, "text_unreadable"), ("nothing", "1", "item_unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_into_a_question(scale: Scale, code: str, given: Any, refused: str) -> None:
    with pytest.raises(Invalid) as said:
        scale_scoring.read(scale, code, given)
    assert said.value.code == refused


def test_an_unusual_value_is_taken_once_it_was_checked(scale: Scale) -> None:
    assert scale_scoring.read(scale, "kg", "25", confirmed=True) == "25.0"


def test_a_stored_definition_reads_back_equal(scale: Scale) -> None:
    again = Scale.from_json(scale.to_json())
    assert (again, again.sha256) == (scale, scale.sha256)
