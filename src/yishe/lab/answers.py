"""How an invented person answers a form: mostly well, now and then not, and never what nobody would say."""

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any

from yishe.policy import scale_scoring
from yishe.policy.scale_rules import Item, Scale
from yishe.policy.scale_scoring import About

WELL = 0.74
"""How often the best answer to a question is given; each further one is as much rarer."""
SELDOM = 0.2
"""How often something that may be left open is answered."""
NONE = "none"
QUANTITIES: Mapping[str, tuple[float, float, float]] = {
    "sbp": (112, 176, 136), "dbp": (66, 98, 82), "glucose": (4.6, 12.0, 6.8), "heart_rate": (58, 96, 74),
    "weight": (46, 88, 64), "height": (150, 178, 163), "waist": (70, 104, 86), "hba1c": (5.2, 9.4, 6.9),
}  # fmt: skip
"""Lowest, highest and most usual value of what is measured."""


def answered(rng: Random, form: Scale, whose: About, today: date, said: Mapping[str, Any]) -> dict[str, Any]:
    """A whole form; `said` are answers that are given beforehand."""
    given = {code: one for code, one in said.items() if code in form.items}
    left: set[str] = set()
    while open_ := [
        one for one in scale_scoring.asked(form, given, whose) if one not in given and one not in left
    ]:
        for code in open_:
            item = form.items[code]
            if _is_answered(rng, item):
                given[code] = _answer(rng, form, code, item, today)
            else:
                left.add(code)
    return given


def _is_answered(rng: Random, item: Item) -> bool:
    return item.required or (item.type in ("choice", "number") and rng.random() < SELDOM)


def _answer(rng: Random, form: Scale, code: str, item: Item, today: date) -> Any:
    if item.type == "number":
        return _number(rng, item)
    if item.type == "date":
        return today.isoformat()
    if item.type == "text":
        return "无特殊"
    options = form.options(code)
    if item.type == "multi":
        return [NONE if NONE in options else next(iter(options))]
    best_first = sorted(options, key=lambda one: options[one].score or 0)
    return next((one for one in best_first if rng.random() < WELL), best_first[0])


def _number(rng: Random, item: Item) -> str:
    usual = item.soft or item.hard
    if usual is None:
        raise ValueError("a number without limits")
    low, high, mode = QUANTITIES.get(item.quantity, (usual.low, usual.high, usual.low))
    return f"{rng.triangular(max(low, usual.low), min(high, usual.high), mode):.{item.decimals}f}"
