"""Risk worked out: for a whole population in columns, and for one person in words.

Nothing is guessed: a row that lacks an input has no result and names what is missing. A draft gives no number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .formulas import Incalculable
from .pack_fields import Source
from .risk_rules import Grade, Input, RiskModel, Variant, band, needs_of

State = Literal["done", "missing", "not_for", "draft"]
Value = float | bool | str | None
Given = Mapping[str, Value]
Columns = Mapping[str, Sequence[Value]]


@dataclass(frozen=True)
class Outcome:
    """One row: `value` and `grade` (its number) when `done`; `names` what is missing, or what speaks against it."""

    state: State
    value: float | None = None
    grade: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What one model says about one person. `inputs` are what was read, by name, derived ones after their parts; `why` says
    why there is no value."""

    code: str
    model: RiskModel
    state: State
    value: float | None
    grade: Grade | None
    inputs: Mapping[str, Value]
    missing: tuple[str, ...]
    why: str = ""

    @property
    def source(self) -> Source:
        return self.model.source

    @property
    def shown(self) -> str:
        """The value with its decimals and unit; several that are graded together side by side."""
        if self.value is None:
            return ""
        others = sorted(self.model.grading.names - {self.model.value}) if self.model.grading else []
        beside = "".join(f"/{float(self.inputs[name] or 0):.{self.model.decimals}f}" for name in others)
        unit = f" {self.model.unit}" if self.model.unit else ""
        return f"{self.value:.{self.model.decimals}f}{beside}{unit}"


def of_person(code: str, model: RiskModel, inputs: Mapping[str, Input], given: Given) -> Result:
    """The model's word on one person. `given` may leave out anything; None is not known."""
    known = {name: [value] for name, value in given.items()}
    outcome = of_population(model, inputs, known, 1)[0]
    filled = {name: column[0] for name, column in _derived(inputs, known, 1).items()}
    read = [part for name in (*model.needs, *_of_variant(model, filled)) for part in _parts(inputs, name)]
    grade = model.grading.grades[outcome.grade] if model.grading and outcome.grade is not None else None
    missing = lacking(inputs, filled, outcome.names) if outcome.state == "missing" else ()
    used = {name: filled[name] for name in dict.fromkeys(read) if filled.get(name) is not None}
    why = _why(model, inputs, outcome, missing)
    return Result(code, model, outcome.state, outcome.value, grade, used, missing, why)


def of_population(
    model: RiskModel, inputs: Mapping[str, Input], columns: Columns, count: int, *, drafts: bool = False
) -> list[Outcome]:
    """One outcome for each of `count` rows. `sex` is male or female, yes-and-no columns are booleans."""
    read = {*model.needs, *(name for one in model.variants for name in needs_of(one))}
    filled = _derived({name: one for name, one in inputs.items() if name in read}, columns, count)
    outcomes: list[Outcome | None] = [_against(model, filled, row) for row in range(count)]
    for variant in model.variants or (None,):
        rows = [row for row in range(count) if outcomes[row] is None and _fits(variant, filled, row)]
        needs = [*model.needs, *(needs_of(variant) if variant else ())]
        whole, short = _split(needs, filled, rows)
        for row, names in short.items():
            outcomes[row] = Outcome("missing", names=names)
        status = variant.status if variant and model.status == "approved" else model.status
        told = drafts or status == "approved"
        found = _worked(model, variant, filled, whole) if told and whole else [Outcome("draft")] * len(whole)
        for row, one in zip(whole, found, strict=True):
            outcomes[row] = one
    return [one or Outcome("not_for") for one in outcomes]


def _worked(
    model: RiskModel, variant: Variant | None, columns: Columns, rows: Sequence[int]
) -> list[Outcome]:
    """The outcomes of whole rows. One the model can't be worked out for doesn't spoil the others."""
    try:
        return _together(model, variant, columns, rows)
    except Incalculable:
        if len(rows) == 1:
            return [Outcome("not_for")]
        return [_worked(model, variant, columns, [row])[0] for row in rows]


def _together(
    model: RiskModel, variant: Variant | None, columns: Columns, rows: Sequence[int]
) -> list[Outcome]:
    if variant is not None:
        values = _by_formula(variant, columns, rows)
    elif model.points:
        values = _by_points(model, columns, rows)
    else:
        values = _floats(columns[model.value], rows)
    exact = [_rounded(value, model.decimals) for value in values]
    return [
        Outcome("done", value, _grade(model, columns, row, value))
        for row, value in zip(rows, exact, strict=True)
    ]


def _by_formula(variant: Variant, columns: Columns, rows: Sequence[int]) -> list[float]:
    known = {name: _floats(columns[name], rows) for name in needs_of(variant)}
    for name, formula in variant.let.items():
        known[name] = formula.of(known, len(rows))
    return variant.formula.of(known, len(rows))


def _by_points(model: RiskModel, columns: Columns, rows: Sequence[int]) -> list[float]:
    total = [0.0] * len(rows)
    for name, points in model.points.items():
        column = columns[name]
        sexes = columns.get("sex", ())
        for place, row in enumerate(rows):
            value = column[row]
            if points.sex:
                total[place] += points.sex[value]  # type: ignore[index]
            elif points.by_sex:
                total[place] += points.by_sex[sexes[row]].of(float(value or 0))  # type: ignore[index]
            elif points.bands:
                total[place] += points.bands.of(float(value or 0))
            else:
                total[place] += (points.yes if value else points.no) or 0.0
    return total


def _grade(model: RiskModel, columns: Columns, row: int, value: float) -> int | None:
    if model.grading is None:
        return None
    cuts = model.grading.of(str(columns["sex"][row]) if model.grading.by_sex else "")
    return max(
        band(one, value if name == "value" else float(columns[name][row] or 0)) for name, one in cuts.items()
    )


def _against(model: RiskModel, columns: Columns, row: int) -> Outcome | None:
    """What speaks against the model for this row, known yes or outside the ages it was made for."""
    known = [name for name in model.not_when if name in columns and columns[name][row]]
    outside = [
        name
        for name, span in model.applies.items()
        if name in columns and columns[name][row] is not None and not span.holds(float(columns[name][row]))  # type: ignore[arg-type]
    ]
    return Outcome("not_for", names=(*known, *outside)) if known or outside else None


def _fits(variant: Variant | None, columns: Columns, row: int) -> bool:
    """Whether the row is this variant's. One that lacks what tells variants apart fits the first it may be."""
    if variant is None:
        return True
    wanted: dict[str, Value] = {**variant.where, **({"sex": variant.sex} if variant.sex else {})}
    known = {name: columns[name][row] if name in columns else None for name in wanted}
    return all(known[name] is None or known[name] == value for name, value in wanted.items())


def _split(
    needs: Sequence[str], columns: Columns, rows: Sequence[int]
) -> tuple[list[int], dict[int, tuple[str, ...]]]:
    whole, short = [], {}
    for row in rows:
        lacking = tuple(
            name for name in dict.fromkeys(needs) if name not in columns or columns[name][row] is None
        )
        if lacking:
            short[row] = lacking
        else:
            whole.append(row)
    return whole, short


def _derived(inputs: Mapping[str, Input], columns: Columns, count: int) -> dict[str, Sequence[Value]]:
    """The columns, and those that others of them give (BMI from weight and height)."""
    filled = dict(columns)
    for name, one in inputs.items():
        if one.formula is None or name in filled:
            continue
        whole, _ = _split(one.formula.names, filled, range(count))
        column: list[Value] = [None] * count
        known = {part: _floats(filled[part], whole) for part in one.formula.names if whole}
        for row, value in zip(whole, one.formula.of(known, len(whole)) if whole else [], strict=True):
            column[row] = _rounded(value, one.decimals)
        filled[name] = column
    return filled


def _parts(inputs: Mapping[str, Input], name: str) -> tuple[str, ...]:
    """An input, after what it is derived from."""
    formula = inputs[name].formula if name in inputs else None
    return (*formula.names, name) if formula else (name,)


def _of_variant(model: RiskModel, filled: Given) -> tuple[str, ...]:
    columns = {name: [value] for name, value in filled.items()}
    fitting = [variant for variant in model.variants if _fits(variant, columns, 0)]
    return needs_of(fitting[0]) if fitting else ()


def _floats(column: Sequence[Value], rows: Sequence[int]) -> list[float]:
    return [float(column[row] or 0) for row in rows]


def _rounded(value: float, decimals: int) -> float:
    """Half up, as tables are read; what binary fractions lose is given back."""
    scale = 10**decimals
    if not math.isfinite(value):
        raise Incalculable(str(value))
    return math.floor(value * scale + 0.5 + 1e-9) / scale


def lacking(inputs: Mapping[str, Input], filled: Given, names: Sequence[str]) -> tuple[str, ...]:
    """What must really be measured or asked: for a derived input, those of its parts that are not known."""
    found: dict[str, None] = {}
    for name in names:
        formula = inputs[name].formula if name in inputs else None
        parts = [part for part in formula.names if filled.get(part) is None] if formula else [name]
        found |= dict.fromkeys(parts)
    return tuple(found)


def _why(
    model: RiskModel, inputs: Mapping[str, Input], outcome: Outcome, missing: tuple[str, ...] = ()
) -> str:
    if outcome.state == "missing":
        named = "、".join(title(inputs, name) for name in missing)
        return f"还缺：{named}。补齐后再算，不作估计。"
    if outcome.state == "draft":
        return "这部分系数尚未核对原件，不给出数值。"
    said = [str(model.not_when[name]) for name in outcome.names if name in model.not_when]
    spans = [
        f"只适用于{title(inputs, name)} {model.applies[name].low:g}–{model.applies[name].high:g}"
        for name in outcome.names
        if name not in model.not_when
    ]
    if outcome.state == "not_for":
        return "；".join([*said, *spans] or ["这些数值代入公式没有意义，请核对"]) + "。"
    return ""


def title(inputs: Mapping[str, Input], name: str) -> str:
    """What an input is called."""
    return str(inputs[name].title) if name in inputs else name
