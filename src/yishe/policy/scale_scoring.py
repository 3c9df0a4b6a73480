"""Reading answers and scoring them: which questions are asked, what is missing, what a result is made of.

Nothing is guessed. A missing answer leaves its score open, a condition about something unknown decides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from . import cel, cel_types
from .refusals import Invalid
from .scale_rules import Band, Effect, Flag, Item, Rule, Scale, Score

Answers = Mapping[str, Any]
LONGEST = 2000
_NUMBER = re.compile(r"([-+]?\d+(?:[.]\d+)?)\s*(.*)")


@dataclass(frozen=True)
class About:
    """What is known of her: `age` in full years, `months` in full months, `sex` male or female (empty when unknown), traits of
    the pack."""

    age: int | None = None
    sex: str = ""
    traits: tuple[str, ...] = ()
    months: int | None = None


@dataclass(frozen=True)
class Part:
    """What one item gave to a score."""

    item: str
    points: float


@dataclass(frozen=True)
class Scored:
    """A score with what it is made of; `value` None while `missing` names items without an answer."""

    value: float | None
    band: str = ""
    parts: tuple[Part, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a filled form says. `undecided` are rules about something that is not known."""

    scores: Mapping[str, Scored] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def findings(self, scale: Scale) -> list[Band | Rule | Flag]:
        """What was found, in the order of the pack, each with its words and effects."""
        bands = [(scale.scores[code], one.band) for code, one in self.scores.items() if one.band]
        found: list[Band | Rule | Flag] = [scale.flags[code] for code in self.flags]
        return [
            *found,
            *(score.bands[band] for score, band in bands),
            *(scale.rules[code] for code in self.rules),
        ]

    def effects(self, scale: Scale) -> list[Effect]:
        """Everything that follows, each once."""
        return list(dict.fromkeys(effect for one in self.findings(scale) for effect in one.then))


def fits(scale: Scale, about: About) -> bool | None:
    """Whether the scale is made for her; None when what decides it is not known."""
    return True if scale.fits is None else holds(scale.fits.when, known(scale, {}, about))


def asked(scale: Scale, answers: Answers, about: About) -> tuple[str, ...]:
    """The items she is asked, in order: those whose condition holds by what was answered to asked ones before."""
    found: list[str] = []
    given: dict[str, Any] = {}
    for code, item in scale.items.items():
        if item.when and holds(item.when, known(scale, given, about)) is not True:
            continue
        found.append(code)
        if code in answers:
            given[code] = answers[code]
    return tuple(found)


def counted(scale: Scale, answers: Answers, about: About) -> dict[str, Any]:
    """The answers to questions that are asked; others are left where they are and count nowhere."""
    return {code: answers[code] for code in asked(scale, answers, about) if code in answers}


def missing(scale: Scale, answers: Answers, about: About) -> tuple[str, ...]:
    """Required questions without an answer."""
    return tuple(
        code for code in asked(scale, answers, about) if scale.items[code].required and code not in answers
    )


def result(scale: Scale, answers: Answers, about: About) -> Result:
    """Scores, bands and conclusions of what was answered."""
    given = counted(scale, answers, about)
    scores = {code: _scored(scale, score, given) for code, score in scale.scores.items()}
    facts = known(scale, given, about)
    facts |= {code: one.value for code, one in scores.items() if one.value is not None}
    held = {code: holds(rule.when, facts) for code, rule in scale.rules.items()}
    return Result(
        scores,
        tuple(code for code, holds in held.items() if holds),
        tuple(code for code, holds in held.items() if holds is None),
        flagged(scale, answers, about),
    )


def flagged(scale: Scale, answers: Answers, about: About) -> tuple[str, ...]:
    """The red flags that stand, whether or not the form is finished."""
    facts = known(scale, counted(scale, answers, about), about)
    return tuple(code for code, flag in scale.flags.items() if holds(flag.when, facts))


def read(scale: Scale, code: str, given: Any, *, confirmed: bool = False) -> Any:
    """An answer as it is kept: a code, codes, a decimal as text, a day, words; None for one taken back.

    Raises Invalid: no such item, no such answer, `value_impossible`, `value_unusual` unless `confirmed`."""
    item = scale.items.get(code)
    if item is None:
        raise Invalid("item_unknown", f"《{scale.title}》没有“{code}”这一题：请刷新后重填。", item=code)
    if given in (None, "", [], ()):
        return None
    if item.type == "multi":
        chosen = [given] if isinstance(given, str) else given
        if not isinstance(chosen, list | tuple) or not all(isinstance(one, str) for one in chosen):
            raise _unreadable(item, code)
        return [_chosen(scale, code, one) for one in dict.fromkeys(chosen)]
    if not isinstance(given, str | int | float) or isinstance(given, bool):
        raise _unreadable(item, code)
    if item.type == "choice":
        return _chosen(scale, code, given)
    if item.type == "number":
        return str(_number(item, code, str(given), confirmed=confirmed))
    return _day(item, code, str(given)) if item.type == "date" else _text(item, code, str(given))


def _unreadable(item: Item, code: str) -> Invalid:
    return Invalid("answer_unreadable", f"“{item.ask}”的回答读不出来：请重新填写这一题。", item=code)


def _chosen(scale: Scale, code: str, given: object) -> str:
    options = scale.options(code)
    if str(given) not in options:
        choice = "、".join(f"{option.say}（{name}）" for name, option in options.items())
        raise Invalid("answer_unknown", f"“{scale.items[code].ask}”没有这个选项；可选：{choice}。", item=code)
    return str(given)


def _number(item: Item, code: str, given: str, *, confirmed: bool) -> Decimal:
    found = _NUMBER.fullmatch(given.strip().replace("。", ".").replace("．", "."))
    if found is None:
        raise Invalid("not_a_number", f"“{item.ask}”要填一个数，单位是{item.shown}。", item=code)
    unit = found[2].strip()
    if unit in item.units:
        raise _other_unit(item, code, found[1], unit)
    if unit and unit not in (item.unit, item.shown):
        raise Invalid(
            "unit_other", f"“{item.ask}”的单位是{item.shown}，填的是{unit}：请换算后只填数。", item=code
        )
    try:
        value = Decimal(found[1])
        _within(item, code, value, confirmed=confirmed)
        return round(value, item.decimals)
    except InvalidOperation:
        raise _unreadable(item, code) from None


def _other_unit(item: Item, code: str, number: str, unit: str) -> Invalid:
    """A value in another unit is answered with what it comes to, never turned silently."""
    said = f"{item.units[unit].of(float(number)):.{item.decimals}f}"
    return Invalid(
        "unit_other", f"“{item.ask}” {number} {unit} 合 {said} {item.shown}：核对无误请填 {said}。",
        item=code, suggestion=said,
    )  # fmt: skip


def _within(item: Item, code: str, value: Decimal, *, confirmed: bool) -> None:
    if item.hard and not item.hard.holds(float(value)):
        raise Invalid(
            "value_impossible",
            f"“{item.ask}”填了 {value} {item.shown}，超出可能的范围（{item.hard.low:g}–{item.hard.high:g}）："
            f"是不是多写或少写了一位，或单位不同？{_meant(item, value)}请核对后重填。",
            item=code,
        )
    if item.soft and not item.soft.holds(float(value)) and not confirmed:
        raise Invalid(
            "value_unusual",
            f"“{item.ask}”填了 {value} {item.shown}，很少见：请再核对或复测一次；仍是这样，勾选“已核对”再保存。",
            item=code, confirm="confirmed",
        )  # fmt: skip


def _meant(item: Item, value: Decimal) -> str:
    """What it would be in the other units people write, where that is usual."""
    usual = item.soft or item.hard
    turned = {unit: one.of(float(value)) for unit, one in item.units.items()}
    said = [
        f"若按 {unit} 填的，合 {n:.{item.decimals}f} {item.shown}。"
        for unit, n in turned.items()
        if usual and usual.holds(n)
    ]
    return "".join(said)


def _day(item: Item, code: str, given: str) -> str:
    try:
        return date.fromisoformat(given.strip()).isoformat()
    except ValueError:
        raise Invalid("not_a_day", f"“{item.ask}”要填日期，如 2026-03-02。", item=code) from None


def _text(item: Item, code: str, given: str) -> str:
    said = given.strip()
    if len(said) > LONGEST or "\x00" in said or any("\ud800" <= one <= "\udfff" for one in said):
        raise Invalid(
            "text_unreadable",
            f"“{item.ask}”写得太长（最多 {LONGEST} 字）或有读不出的字符：请重写。",
            item=code,
        )
    return said


def _scored(scale: Scale, score: Score, answers: Answers) -> Scored:
    without = tuple(code for code in score.of if code not in answers)
    parts = tuple(
        Part(code, points(scale, score, code, answers[code])) for code in score.of if code in answers
    )
    if without:
        return Scored(None, parts=parts, missing=without)
    total = sum(part.points for part in parts)
    value = round(total * score.times / (len(parts) if score.by == "mean" else 1), score.decimals)
    return Scored(value, score.band(value), parts)


def points(scale: Scale, score: Score, code: str, answer: Any) -> float:
    """What an answer counts in a score, turned round and weighted as the pack says."""
    option = scale.options(code).get(str(answer))
    value = float(answer) if option is None else option.score or 0.0
    if code in score.reversed:
        low, high = scale.points(code) or (0.0, 0.0)
        value = low + high - value
    return value * score.weights.get(code, 1)


def known(scale: Scale, answers: Answers, about: About) -> dict[str, Any]:
    """What conditions see: her age, sex and traits as far as known, and what was answered."""
    said = {"age": about.age, "months": about.months, "sex": about.sex or None}
    facts: dict[str, Any] = {"traits": list(about.traits)}
    facts |= {name: value for name, value in said.items() if value is not None}
    for code, answer in answers.items():
        kind = scale.items[code].type
        if kind in ("choice", "multi", "number"):
            facts[code] = float(answer) if kind == "number" else answer
    return facts


@lru_cache(maxsize=4096)
def _ready(expression: str) -> tuple[cel.Condition, frozenset[str]]:
    return cel.ready(expression), cel_types.names(expression)


def holds(expression: str, known: Mapping[str, Any]) -> bool | None:
    """Whether it holds; None when it speaks of something not known."""
    condition, names = _ready(expression)
    return condition.holds(known) if names <= set(known) else None
