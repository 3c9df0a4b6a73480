"""What is measured of invented people: blood pressure and sugar by disease, weight and height by age, the rest of an examination.

The demo's people and the generated district measure with the same hand, so that both agree.
"""

from collections.abc import Mapping
from random import Random

from yishe.care import growth

INFANT = 2
VISITED = (1, 3, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72)
"""Months of age at which a child is weighed and measured, and given the doses that are due."""
MONTH = 30.4
MISSED = 0.07
"""Share of a child's visits that do not take place: what was due then is late."""
BUILD = (0.92, 1.08)
"""How much heavier or lighter than others of that age."""
KG = (
    (0, 3.3), (1, 4.4), (3, 6.4), (6, 7.9), (12, 9.6), (24, 12.2), (36, 14.3), (48, 16.3), (72, 20.5), (144, 41.0), (216, 58.0),
)  # fmt: skip
CM = (
    (0, 49.9), (1, 54.7), (3, 61.4), (6, 67.6), (12, 75.7), (24, 87.1), (36, 96.1), (48, 103.3), (72, 116.0), (144, 151.0),
    (216, 168.0),
)  # fmt: skip

HYPERTENSION, DIABETES = "hypertension", "diabetes"
TOP = {True: (112, 172, 138), False: (96, 146, 121)}
"""Systolic, with hypertension and without: lowest, highest, most often."""
UNDER = (0.56, 0.64)
SUGAR = {True: (4.6, 12.5, 6.9), False: (3.9, 7.4, 5.2)}
OTHERS: Mapping[str, tuple[float, float, float]] = {
    "heart_rate": (54, 104, 74), "hba1c": (5.6, 10.4, 7.0), "waist": (64, 112, 86), "cholesterol": (2.9, 7.6, 4.8),
    "ldl": (1.2, 5.2, 2.8), "hdl": (0.7, 2.2, 1.3), "triglycerides": (0.5, 4.9, 1.4), "creatinine": (42, 128, 72),
    "haemoglobin": (98, 172, 134), "uric_acid": (170, 520, 320),
}  # fmt: skip
WHOLE = ("heart_rate", "creatinine", "haemoglobin", "uric_acid")
HEIGHT = {"1": (158, 186, 170), "2": (146, 174, 158)}
LEAN = (19.0, 31.0, 24.0)
"""Body mass index."""
EMPTY, FASTING = "", "fasting"

Values = dict[str, float | int]


def pressure(rng: Random, *, high: bool) -> Values:
    """Blood pressure in mmHg."""
    top = int(rng.triangular(*TOP[high]))
    return {"sbp": top, "dbp": int(top * rng.uniform(*UNDER))}


def sugar(rng: Random, *, high: bool) -> Values:
    """Glucose in mmol/L."""
    return {"glucose": round(rng.triangular(*SUGAR[high]), 1)}


def grown(month: float, build: float) -> tuple[tuple[str, Values, str], ...]:
    """A child at an age in months: (kind, values, context)."""
    kg, cm = (_between(table, month) for table in (KG, CM))
    how = growth.LYING if month <= INFANT * 12 else growth.STANDING
    return (
        ("child_weight", {"child_weight": round(kg * build, 1)}, EMPTY),
        ("child_length", {"child_length": round(cm * (1 + build) / 2, 1)}, how),
    )


class Body:
    """One grown person: as tall each time, about as heavy."""

    def __init__(self, rng: Random, sex: str, traits: frozenset[str]) -> None:
        self._rng, self._traits = rng, traits
        self._cm = rng.triangular(*HEIGHT[sex])
        self._kg = (self._cm / 100) ** 2 * rng.triangular(*LEAN)

    def measured(self, kind: str) -> Values:
        """The values of a kind of measurement, in the pack's units."""
        if kind == "bp":
            return pressure(self._rng, high=HYPERTENSION in self._traits)
        if kind == "glucose":
            return sugar(self._rng, high=DIABETES in self._traits)
        if kind == "height":
            return {kind: round(self._cm, 1)}
        if kind == "weight":
            return {kind: round(self._kg * self._rng.uniform(0.97, 1.03), 1)}
        value = self._rng.triangular(*OTHERS[kind])
        return {kind: round(value) if kind in WHOLE else round(value, 1)}


def _between(table: tuple[tuple[int, float], ...], month: float) -> float:
    """The value at that age, between those of the ages beside it."""
    below = max(pair for pair in table if pair[0] <= month)
    above = min(pair for pair in table if pair[0] >= month)
    share = (month - below[0]) / (above[0] - below[0]) if above[0] > below[0] else 0
    return below[1] + (above[1] - below[1]) * share
