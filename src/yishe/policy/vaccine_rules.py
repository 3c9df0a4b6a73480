"""What a pack says about vaccines: which there are, and which doses from which age, how far apart, until when."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from .pack_fields import Said, Sourced, Strict
from .timeline import in_force

PATTERN = r"^[0-9]+ (d|m|y)$"
_WORDS = {"d": "天", "m": "月", "y": "岁"}


@dataclass(frozen=True)
class Age:
    """So many days, months or years, counted on the calendar."""

    amount: int
    unit: Literal["d", "m", "y"]

    @classmethod
    def parse(cls, text: str) -> Self:
        if not re.fullmatch(PATTERN, text):
            raise ValueError(f"{text!r} is no age; expected such as 28 d, 6 m or 4 y")
        amount, unit = text.split()
        return cls(int(amount), unit)  # type: ignore[arg-type]

    def after(self, day: date) -> date:
        """That much after `day`. What would fall on no day falls on the next one: nobody is older early."""
        if self.unit == "d":
            return day + timedelta(days=self.amount)
        months = day.month - 1 + self.amount * (12 if self.unit == "y" else 1)
        year, month = day.year + months // 12, months % 12 + 1
        last = calendar.monthrange(year, month)[1]
        return date(year, month, min(day.day, last)) + timedelta(days=max(0, day.day - last))

    @property
    def words(self) -> str:
        """As an age (满 6 月), or a stretch (28 天)."""
        return f"{self.amount} {_WORDS[self.unit]}"

    @property
    def apart(self) -> str:
        return f"{self.amount} {'个月' if self.unit == 'm' else '年' if self.unit == 'y' else '天'}"

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


def _age(value: object) -> Age:
    return value if isinstance(value, Age) else Age.parse(str(value))


Span = Annotated[
    Age,
    BeforeValidator(_age),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["28 d", "6 m", "4 y"]}),
]


class Vaccine(Strict):
    """`live`: given by injection and alive, so that two of them keep their distance."""

    title: Said
    live: bool = False


class Meanwhile(Strict):
    """Something to be said of a dose from an age on (`from_age`), such as a test that comes first."""

    from_age: Span
    words: Said


class DoseRule(Strict):
    """One dose: `vaccines` that count, the first being the one to give. `from_age` is the youngest age, `before` the age by
    which it should be done, `until` the age from which it is given no more (`afterwards` says what then); `apart`
    from the dose before, `apart_from` doses of other series (`mpsva.2`). `counts_from`: from which age one that was
    given counts, when that is younger; `sooner_without`: from which age where another series was given up."""

    vaccines: tuple[str, ...] = Field(min_length=1)
    from_age: Span
    counts_from: Span | None = None
    before: Span | None = None
    until: Span | None = None
    afterwards: Said | None = None
    apart: Span | None = None
    apart_from: dict[str, Span] = Field(default_factory=dict)
    sooner_without: dict[str, Span] = Field(default_factory=dict)
    meanwhile: Meanwhile | None = None
    remark: Said | None = None


class Instead(Sourced):
    """From an age on, for who has `fewer_than` so many: these `doses` complete the series. A draft proposes none and says
    `words`."""

    from_age: Span
    fewer_than: int
    doses: tuple[DoseRule, ...] = ()
    words: Said


class Programme(Strict):
    """The doses of a series from a day on. `instead`: the first that fits counts."""

    doses: tuple[DoseRule, ...] = Field(min_length=1)
    instead: tuple[Instead, ...] = ()


class Uncounted(Strict):
    """A dose given below an age to a child with this flag does not count."""

    flag: str
    below: Span
    words: Said


class Series(Sourced):
    """`versions`: what holds from each day. `instead_of`: another series that does the same; the one that was begun is
    gone on with, and where none was, the one without `instead_of`. `sex`, `born_from`: whose it is;
    `free_from`: the day on which it became part of the programme."""

    title: Said
    versions: dict[date, Programme] = Field(min_length=1)
    instead_of: str = ""
    sex: Literal["male", "female"] | None = None
    born_from: date | None = None
    free_from: date | None = None
    uncounted: tuple[Uncounted, ...] = ()

    def on(self, day: date) -> Programme:
        """The programme of a day; before the first one, the first."""
        found = in_force([*self.versions.items()], day)
        return found[1] if found else self.versions[min(self.versions)]

    def rules(self) -> list[DoseRule]:
        """Every dose of any day."""
        usual = [rule for one in self.versions.values() for rule in one.doses]
        return usual + [
            rule for one in self.versions.values() for other in one.instead for rule in other.doses
        ]

    def vaccines(self) -> set[str]:
        return {code for rule in self.rules() for code in rule.vaccines}

    def leans_on(self) -> set[str]:
        """Other series that its ages and intervals depend on."""
        named = {name.partition(".")[0] for rule in self.rules() for name in rule.apart_from}
        return named | {name for rule in self.rules() for name in rule.sooner_without}


class Hold(Strict):
    """Why a vaccine is not given: for a time, or never (`lasting`)."""

    title: Said
    lasting: bool = False


class VaccineSheet(Sourced):
    """`live_apart`: between live vaccines given on different days. `under`: the age up to which pages ask for doses at all."""

    live_apart: Span
    under: Span
    vaccines: dict[str, Vaccine]
    series: dict[str, Series]
    holds: dict[str, Hold]
    flags: dict[str, Said] = Field(default_factory=dict)
    words: Said | None = None

    @model_validator(mode="after")
    def begins_once(self) -> Self:
        for code, series in self.series.items():
            if series.instead_of and series.instead_of not in self.series:
                raise ValueError(f"{code} stands for {series.instead_of!r}; expected a series of this sheet")
        return self
