"""What a pack says about growth: indicators with the tables they are read from, and what their z-scores are called."""

import csv
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from .pack_errors import PackErrors, Problem
from .pack_fields import Said, Sourced, Strict
from .sheets import Span

DAYS_IN_MONTH = 30.4375
"""As WHO reckons."""

Lms = tuple[float, float, float]


class TableUse(Strict):
    """Rows of `growth/<name>.csv` are by `day` or `month` of age or by `cm` of length; `lying` for those measured so."""

    name: str
    by: Literal["day", "month", "cm"]
    lying: bool | None = None


class GrowthGrade(Strict):
    """Said of a z below `below` or above `above`; the first that fits counts. `until_days`: up to which age."""

    title: Said
    level: Literal["calm", "watch", "warn", "alarm"]
    below: float | None = None
    above: float | None = None
    until_days: int | None = None
    advice: Said | None = None

    def fits(self, z: float, days: int) -> bool:
        young = self.until_days is None or days <= self.until_days
        low = self.below is not None and z < self.below
        return young and (low or (self.above is not None and z > self.above))


class Indicator(Strict):
    """`of`: the measure read. `skewed`: beyond 3 SD WHO's restricted application holds (weight). A z outside `plausible`
    asks for another measurement."""

    title: Said
    of: Literal["weight", "length", "bmi", "head"]
    unit: str
    decimals: int = 1
    skewed: bool = False
    plausible: Span
    until_days: int | None = None
    tables: tuple[TableUse, ...] = Field(min_length=1)
    grades: tuple[GrowthGrade, ...] = ()

    @property
    def by_length(self) -> bool:
        return self.tables[0].by == "cm"


class Preterm(Strict):
    """Born before `below_weeks`: age counts from the expected day of birth until `until_days` of it."""

    below_weeks: int
    until_days: int


class GrowthDraft(Sourced):
    title: Said
    words: Said


class GrowthSheet(Sourced):
    """`lying_below`: days of age below which length is measured lying; `lying_adds`: cm by which that is longer."""

    licence: str
    lying_below: int
    lying_adds: float
    preterm: Preterm
    indicators: dict[str, Indicator]
    drafts: dict[str, GrowthDraft] = Field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One file of L, M and S, read when it is first asked. Reading raises PackErrors for a row that is none."""

    path: Path
    shown: str = field(default="")

    @cached_property
    def rows(self) -> dict[str, tuple[list[float], list[Lms]]]:
        """By sex: where each row stands, rising, and its values."""
        found: dict[str, tuple[list[float], list[Lms]]] = {"male": ([], []), "female": ([], [])}
        with self.path.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            next(reader, None)
            for number, row in enumerate(reader, start=2):
                places, values = found[_checked(self, found, row, number)]
                places.append(float(row[1]))
                values.append((float(row[2]), float(row[3]), float(row[4])))
        return found


def _checked(
    table: Table, found: dict[str, tuple[list[float], list[Lms]]], row: list[str], number: int
) -> str:
    """The sex of the row. Raises PackErrors."""
    try:
        sex, at, _, median, spread = row[0], float(row[1]), float(row[2]), float(row[3]), float(row[4])
        rising = not found[sex][0] or found[sex][0][-1] < at
    except (ValueError, IndexError, KeyError):
        raise PackErrors(
            [Problem(table.shown, number, f"{row} is no row; expected male or female, and at, l, m, s")]
        ) from None
    if not rising or median <= 0 or spread <= 0:
        raise PackErrors(
            [
                Problem(
                    table.shown, number, f"{row} is out of order; expected at rising, m and s above nothing"
                )
            ]
        )
    return sex
