"""What a pack says about risk: published scores, formulas and grades, and the inputs they are worked out from."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from .formulas import Formula, FormulaError
from .pack_fields import Said, Sourced, Strict
from .sheets import Span

Sex = Literal["male", "female"]


class Cut(Strict):
    """Where the next band begins: at `at`, or just above it when `above` (written `">30"`)."""

    at: float
    above: bool = False

    def passed(self, value: float) -> bool:
        return value > self.at if self.above else value >= self.at


def _cut(value: object) -> object:
    if isinstance(value, str) and value.startswith(">"):
        return {"at": value[1:], "above": True}
    return {"at": value} if isinstance(value, int | float | str) else value


Cuts = tuple[Annotated[Cut, BeforeValidator(_cut)], ...]


def _formula(value: object) -> Formula:
    if isinstance(value, Formula):
        return value
    try:
        return Formula(str(value))
    except FormulaError as error:
        raise ValueError(str(error)) from None


Worked = Annotated[
    Formula,
    BeforeValidator(_formula),
    PlainSerializer(lambda formula: formula.text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["weight / (height / 100) ** 2"]}),
]


def band(cuts: Cuts, value: float) -> int:
    """How many cuts `value` has passed."""
    return sum(cut.passed(value) for cut in cuts)


class Input(Strict):
    """One thing a model reads. `quantity` names the measurement of bounds.yaml it is; `formula` derives it from others
    (rounded to `decimals`); otherwise it is a yes or no, asked as `question`, or a known yes by one of `traits`."""

    title: Said
    quantity: str = ""
    context: str = ""
    formula: Worked | None = None
    decimals: int = Field(default=1, ge=0, le=3)
    question: Said | None = None
    traits: tuple[str, ...] = ()


class InputSheet(Sourced):
    inputs: dict[str, Input]


class Bands(Strict):
    """Points by how many cuts a value has passed."""

    cuts: Cuts
    points: tuple[float, ...]

    @model_validator(mode="after")
    def one_more(self) -> Self:
        if len(self.points) != len(self.cuts) + 1:
            raise ValueError(
                f"{len(self.cuts)} cuts and {len(self.points)} points; expected one point more than cuts"
            )
        return self

    def of(self, value: float) -> float:
        return self.points[band(self.cuts, value)]


class Points(Strict):
    """Points of one input: by `bands`, by bands that differ by sex, by sex itself, or `yes` and `no`."""

    bands: Bands | None = None
    by_sex: dict[Sex, Bands] = Field(default_factory=dict)
    sex: dict[Sex, float] = Field(default_factory=dict)
    yes: float | None = None
    no: float | None = None

    @model_validator(mode="after")
    def says_one_thing(self) -> Self:
        flag = self.yes is not None and self.no is not None
        if sum([self.bands is not None, len(self.by_sex) == 2, len(self.sex) == 2, flag]) != 1:
            raise ValueError("says no points, or several; expected bands, by_sex, sex, or yes and no")
        return self


class Variant(Sourced):
    """The formula for those of this `sex` (any when missing) with these flags (`where`). `let` are numbers and partial
    sums, worked out in the order written."""

    sex: Sex | None = None
    where: dict[str, bool] = Field(default_factory=dict)
    let: dict[str, Worked] = Field(default_factory=dict)
    formula: Worked


class Grade(Strict):
    """`level` colours it: calm, watch, warn, alarm."""

    title: Said
    level: Literal["calm", "watch", "warn", "alarm"] = "calm"
    advice: Said | None = None


class Grades(Strict):
    """Bands of the result (`value`) or of inputs; of several the furthest counts. `by_sex` where cuts differ."""

    cuts: dict[str, Cuts] = Field(default_factory=dict)
    by_sex: dict[Sex, dict[str, Cuts]] = Field(default_factory=dict)
    grades: tuple[Grade, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def as_many_grades_as_bands(self) -> Self:
        every = [self.cuts] if self.cuts else list(self.by_sex.values())
        if bool(self.cuts) == bool(self.by_sex) or (self.by_sex and len(self.by_sex) != 2):
            raise ValueError("says no cuts, or too many; expected cuts, or by_sex with male and female")
        if any(len(cuts) + 1 != len(self.grades) for one in every for cuts in one.values()):
            raise ValueError("cuts and grades do not fit; expected one grade more than cuts")
        return self

    def of(self, sex: str) -> dict[str, Cuts]:
        return self.cuts or self.by_sex[sex]  # type: ignore[index]

    @property
    def names(self) -> set[str]:
        every = [self.cuts, *self.by_sex.values()]
        return {name for one in every for name in one} - {"value"}


class RiskModel(Sourced):
    """One published model. `applies`: inputs within which it was made (inclusive); `not_when`: a known yes makes it
    useless for this person, and what is said then. Exactly one of `points`, `variants`, or `value` (an input)."""

    title: Said
    version: str
    unit: str = ""
    decimals: int = Field(default=0, ge=0, le=3)
    order: int = 0
    applies: dict[str, Span] = Field(default_factory=dict)
    not_when: dict[str, Said] = Field(default_factory=dict)
    points: dict[str, Points] = Field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    value: str = ""
    grading: Grades | None = None
    remark: Said | None = None

    @model_validator(mode="after")
    def one_way(self) -> Self:
        if sum([bool(self.points), bool(self.variants), bool(self.value)]) != 1:
            raise ValueError("has no way to its value, or several; expected points, variants or value")
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        """Inputs without any of which there is no result, in the order written. Those a variant alone reads are in
        `needs_of`."""
        named = dict.fromkeys([*self.applies, *self.points, *([self.value] if self.value else [])])
        if self.by_sex:
            named |= {"sex": None}
        for variant in self.variants:
            named |= dict.fromkeys(variant.where)
        if len(self.variants) == 1:
            named |= dict.fromkeys(needs_of(self.variants[0]))
        graded = self.grading.names if self.grading else set()
        return (*named, *sorted(graded - set(named)))

    @property
    def by_sex(self) -> bool:
        varied = any(variant.sex for variant in self.variants)
        tables = any(points.by_sex for points in self.points.values())
        return varied or tables or bool(self.grading and self.grading.by_sex)


def needs_of(variant: Variant) -> tuple[str, ...]:
    """What a variant reads besides what it lets itself."""
    read = [*variant.let.values(), variant.formula]
    named = dict.fromkeys(name for formula in read for name in formula.names)
    return tuple(name for name in named if name not in variant.let)
