"""Growth worked out: z-scores by WHO's L, M and S, what they are called, and the lines of a chart."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .growth_rules import DAYS_IN_MONTH, GrowthGrade, GrowthSheet, Indicator, Lms, Table, TableUse

FULL_TERM_WEEKS = 40
FAR = 3.0
"""Standard deviations beyond which WHO restricts the power transformation."""


@dataclass(frozen=True)
class Measured:
    """A child on a day: `days` of age, kg, cm; None is not measured. `lying`: how length was taken, None not known.
    `weeks`: of gestation at birth."""

    sex: str
    days: int
    weight: float | None = None
    length: float | None = None
    head: float | None = None
    lying: bool | None = None
    weeks: int | None = None


@dataclass(frozen=True)
class Score:
    """One indicator: `z` to two decimals, None with `why`. `doubtful`: outside what is plausible, measure again."""

    code: str
    indicator: Indicator
    value: float | None = None
    z: float | None = None
    grade: GrowthGrade | None = None
    doubtful: bool = False
    why: str = ""


@dataclass(frozen=True)
class Standard:
    """The sheet with its tables by name."""

    sheet: GrowthSheet
    tables: Mapping[str, Table]

    def scores(self, child: Measured) -> list[Score]:
        """Every indicator, whether or not it can be said."""
        return [self.score(code, child) for code in self.sheet.indicators]

    def score(self, code: str, child: Measured) -> Score:
        indicator = self.sheet.indicators[code]
        days = self.counted(child)
        length = self.corrected(child, days)
        value = _value(indicator, child, length)
        if value is None:
            return Score(code, indicator, why=f"还缺：{_missing(indicator, child)}")
        at = self._row(indicator, child.sex, days, length)
        if at is None:
            return Score(code, indicator, value, why="没有这个年龄或身长的标准")
        z = score(value, at, restricted=indicator.skewed)
        grade = next((one for one in indicator.grades if one.fits(z, days)), None)
        return Score(code, indicator, value, z, grade, not indicator.plausible.holds(z))

    def counted(self, child: Measured) -> int:
        """Days of age that count: from the expected day of birth for who was born early, while still small; below
        nothing before that day."""
        rule, weeks = self.sheet.preterm, child.weeks
        early = 7 * (FULL_TERM_WEEKS - weeks) if weeks is not None and weeks < rule.below_weeks else 0
        return child.days - early if child.days <= rule.until_days else child.days

    def corrected(self, child: Measured, days: int) -> float | None:
        """Length as it is measured at this age: lying below the limit, standing from it on."""
        if child.length is None or child.lying is None or child.lying == (days < self.sheet.lying_below):
            return child.length
        return child.length + (-self.sheet.lying_adds if child.lying else self.sheet.lying_adds)

    def read(self) -> None:
        """Read every table now. Raises PackErrors for a row that is none."""
        for table in self.tables.values():
            _ = table.rows

    def line(
        self, code: str, sex: str, z: float, places: Sequence[int], *, lying: bool = True
    ) -> list[tuple[int, float]]:
        """Where the line of `z` runs: (days or cm, value) for those of `places` that the tables know."""
        indicator = self.sheet.indicators[code]
        found = []
        for at in places:
            days, length = (self._age_of(lying=lying), float(at)) if indicator.by_length else (at, None)
            row = self._row(indicator, sex, days, length)
            if row is not None:
                found.append((at, value_at(z, row, restricted=indicator.skewed)))
        return found

    def _age_of(self, *, lying: bool) -> int:
        return 0 if lying else self.sheet.lying_below

    def _row(self, indicator: Indicator, sex: str, days: int, length: float | None) -> Lms | None:
        if indicator.until_days is not None and days > indicator.until_days:
            return None
        for use in indicator.tables:
            if use.lying is not None and use.lying != (days < self.sheet.lying_below):
                continue
            at = _place(use, days, length)
            row = None if at is None else _between(self.tables[use.name], sex, at)
            if row is not None:
                return row
        return None


def score(value: float, row: Lms, *, restricted: bool) -> float:
    """The z-score of a value. `restricted`: beyond 3 SD in steps of the distance from 2 to 3 SD, as WHO does for weight."""
    power, median, spread = row
    z = (
        math.log(value / median) / spread
        if power == 0
        else ((value / median) ** power - 1) / (power * spread)
    )
    if restricted and abs(z) > FAR:
        side = math.copysign(1, z)
        third = value_at(side * FAR, row, restricted=False)
        second = value_at(side * (FAR - 1), row, restricted=False)
        z = side * (FAR + (value - third) / (third - second))
    return round(z, 2)


def value_at(z: float, row: Lms, *, restricted: bool) -> float:
    """The value that has this z-score."""
    power, median, spread = row
    if restricted and abs(z) > FAR:
        side = math.copysign(1, z)
        third = value_at(side * FAR, row, restricted=False)
        second = value_at(side * (FAR - 1), row, restricted=False)
        return third + (abs(z) - FAR) * (third - second)
    if power == 0:
        return median * math.exp(spread * z)
    return median * (1 + power * spread * z) ** (1 / power)


def _place(use: TableUse, days: int, length: float | None) -> float | None:
    if use.by == "cm":
        return length
    return float(days) if use.by == "day" else days / DAYS_IN_MONTH


def _between(table: Table, sex: str, at: float) -> Lms | None:
    """The row at a place, or in proportion between the two beside it; None outside the table."""
    places, values = table.rows[sex]
    if not places or not places[0] <= at <= places[-1]:
        return None
    after = bisect_right(places, at)
    low = values[after - 1]
    if places[after - 1] == at:
        return low
    share = (at - places[after - 1]) / (places[after] - places[after - 1])
    high = values[after]
    return (
        low[0] + share * (high[0] - low[0]),
        low[1] + share * (high[1] - low[1]),
        low[2] + share * (high[2] - low[2]),
    )


def _value(indicator: Indicator, child: Measured, length: float | None) -> float | None:
    """What the indicator is of; None when a part of it is missing."""
    if indicator.by_length and length is None:
        return None
    if indicator.of == "bmi":
        whole = child.weight is not None and length is not None
        return child.weight / (length / 100) ** 2 if whole else None  # type: ignore[operator]
    return length if indicator.of == "length" else getattr(child, indicator.of)


def _missing(indicator: Indicator, child: Measured) -> str:
    wanted = {"weight": "体重", "length": "身长（身高）", "head": "头围"}
    needs = {"bmi": ("weight", "length")}.get(indicator.of, (indicator.of,))
    needs = (*needs, "length") if indicator.by_length else needs
    return "、".join(wanted[name] for name in dict.fromkeys(needs) if getattr(child, name) is None)
