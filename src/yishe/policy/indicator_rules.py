"""What a pack says of indicators: what is counted of what, in words and in numbers; how it is counted stands in `indicators`.

A changed definition is a new `version`; values stored under the old one stay what they were.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Said, Sourced, Strict
from .refusals import Invalid

ASKED = re.compile(r"([0-9]{4})-?[Qq]([1-4])")
EARLIEST = 2000


@dataclass(frozen=True, order=True)
class Quarter:
    """A quarter of the calendar, by local days."""

    year: int
    number: int

    @classmethod
    def parse(cls, asked: str) -> "Quarter":
        """Read `2026Q1`. Invalid, saying what was expected."""
        found = ASKED.fullmatch(asked.strip())
        if found is None or int(found[1]) < EARLIEST:
            raise Invalid(
                "quarter_unreadable", f"“{asked[:12]}”不是季度：请写成 2026Q1 这样。", field="quarter"
            )
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> "Quarter":
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def ended(cls, today: date) -> "Quarter":
        """The latest one that is over."""
        return cls.of(today).before

    @property
    def before(self) -> "Quarter":
        return Quarter.of(self.first - timedelta(days=1))

    @property
    def first(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last(self) -> date:
        return (self.first + timedelta(days=99)).replace(day=1) - timedelta(days=1)

    @property
    def said(self) -> str:
        return f"{self.year} 年第 {self.number} 季度"

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"


class Closing(Strict):
    """Promises of these `kinds` made in the quarter that a person confirmed as served; `in_time`: by the promised date, of those
    whose date has come."""

    of: Literal["closing"]
    kinds: tuple[str, ...] = Field(min_length=1)
    in_time: bool = False


class Fulfilment(Strict):
    """What contracts owed in the quarter and was kept by its day; `without` are services that are not counted."""

    of: Literal["fulfilment"]
    without: tuple[str, ...] = ()


class Group(Strict):
    """Whoever has one of the traits, or is of that age in years (`from_age` and older, younger than `below_age`)."""

    traits: tuple[str, ...] = ()
    from_age: int | None = None
    below_age: int | None = None


class Coverage(Strict):
    """Residents of the last day, of a group or all, who have a contract in force on it."""

    of: Literal["coverage"]
    group: Group | None = None


class Patients(Strict):
    """Whom a disease is about: the `trait` of the roster, or a follow-up by `form`; from `from_age` years on."""

    trait: str
    form: str
    from_age: int = 0


class Aim(Strict):
    """A reading is below this; from an age in years on below another number."""

    below: float
    from_age: int | None = None
    then_below: float | None = None

    @model_validator(mode="after")
    def whole(self) -> Self:
        if (self.from_age is None) != (self.then_below is None):
            raise ValueError("from_age and then_below go together; expected both or none")
        return self


class Reading(Strict):
    """A measurement of this `kind`, in one of the `contexts` where they are said, and what it should be, by quantity."""

    kind: Literal["bp", "glucose", "hba1c"]
    contexts: tuple[str, ...] = ()
    aims: dict[Literal["sbp", "dbp", "glucose", "hba1c"], Aim] = Field(min_length=1)


class Standard(Strict):
    """Those followed up in the last `months` who were met on at least `times` days of follow-up in one of these `ways`."""

    of: Literal["standard"]
    patients: Patients
    months: int = Field(ge=1)
    times: int = Field(ge=1)
    ways: tuple[str, ...] = Field(min_length=1)


class Control(Strict):
    """Those followed up in the last `months` whose last reading in them is as it should be."""

    of: Literal["control"]
    patients: Patients
    months: int = Field(ge=1)
    reading: Reading


class Outcome(Strict):
    """The outcomes of the Simple project, by calendar month: of those under care (registered or met in the last `lost_after`
    months) and registered for `registered` months, how it stood in the last `months`. `lost` is of all that are registered."""

    of: Literal["outcome"]
    patients: Patients
    reading: Reading
    counts: Literal["controlled", "uncontrolled", "unmeasured", "missed", "lost"]
    months: int = Field(ge=1)
    registered: int = Field(ge=0)
    lost_after: int = Field(ge=1)


Measure = Annotated[Closing | Fulfilment | Coverage | Standard | Control | Outcome, Field(discriminator="of")]


class Indicator(Sourced):
    """One indicator. `unit` is what is counted; `good` says whether more or less of it is better."""

    title: Said
    version: int = Field(ge=1)
    family: Literal["house", "national", "simple"]
    unit: Literal["loop", "promise", "resident"]
    good: Literal["more", "less"] = "more"
    numerator: Said
    denominator: Said
    measure: Measure


class IndicatorSheet(Sourced):
    """`families` and `units` in words; indicators in the order in which they are shown."""

    families: dict[str, Said]
    units: dict[str, Said]
    indicators: dict[str, Indicator]

    @model_validator(mode="after")
    def worded(self) -> Self:
        for code, one in self.indicators.items():
            if one.family not in self.families or one.unit not in self.units:
                raise ValueError(f"{code}: family or unit without words; expected them in families and units")
        return self
