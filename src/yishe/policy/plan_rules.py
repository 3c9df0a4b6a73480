"""What a pack says about care plans: which professions stand behind one, when one may do, how far ahead, templates by class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from . import cel
from .pack_fields import Length, Said, Sourced, Strict, Words
from .reactions import FactField, FactKind
from .refusals import Invalid

DEATH, MOVED, ERASED = "death", "moved", "declined"
"""What the plan of somebody who has gone ends as, by itself."""
LEVELS = ("-2", "-1", "0", "1", "2")
"""Goal attainment scaling, from nothing changed or worse to far more than hoped."""


class Profession(Strict):
    """One side of a plan; the first of `duties` is asked to confirm."""

    title: Said
    duties: tuple[str, ...] = Field(min_length=1)


class PlanEnd(Strict):
    """Why a plan ends; `closes` is the close reason that its open promises get."""

    title: Said
    closes: str


class Gas(Strict):
    """`levels` in words; `rho` is the expected correlation between goals in the T score."""

    levels: dict[Literal["-2", "-1", "0", "1", "2"], Said] = Field(min_length=5)
    rho: float = Field(ge=0, lt=1)


class PlanSheet(Sourced):
    """`action`, `confirmation` and `review` are loop kinds. An action becomes a loop `opens_before` its date; nothing is dated
    later than `farthest`; a review is due after `review_within` unless another day is named, `review_longest` at the latest."""

    action: str
    confirmation: str
    review: str
    opens_before: Length
    review_within: Length
    review_longest: Length
    farthest: Length
    most: int = Field(ge=1, le=100)
    professions: dict[str, Profession] = Field(min_length=2)
    alone: dict[str, Said] = Field(min_length=1)
    often: dict[str, Said] = Field(min_length=1)
    ends: dict[str, PlanEnd] = Field(min_length=1)
    gas: Gas

    @model_validator(mode="after")
    def ends_for_the_gone(self) -> Self:
        if missing := {DEATH, MOVED, ERASED} - set(self.ends):
            raise ValueError(
                f"no end {', '.join(sorted(missing))}; expected it, whoever has gone has no plan"
            )
        return self

    def profession(self, duties: frozenset[str]) -> str | None:
        """For which side somebody with these duties speaks; None for neither."""
        found = (code for code, one in self.professions.items() if duties & set(one.duties))
        return next(found, None)

    def duties(self) -> tuple[str, ...]:
        """Every duty that an action may be given to."""
        return tuple(duty for one in self.professions.values() for duty in one.duties)


class TemplateGoal(Strict):
    """Measured: `measure` and `unit`, `target` where the source names one. Social: five described `levels`."""

    title: Said
    profession: str
    within: Length
    measure: str = ""
    unit: str = ""
    target: Decimal | None = None
    levels: dict[Literal["-2", "-1", "0", "1", "2"], str] = {}

    @model_validator(mode="after")
    def measured_or_scaled(self) -> Self:
        if bool(self.measure) == bool(self.levels):
            raise ValueError("a goal without a measure or with two; expected measure, or levels from -2 to 2")
        if self.levels and set(self.levels) != set(LEVELS):
            raise ValueError("levels that are not all described; expected -2, -1, 0, 1 and 2")
        return self


class TemplateAction(Strict):
    """Who does what, how often; `within` gives it a date, and with the date it becomes a promise."""

    goal: str
    title: Said
    duty: str
    often: str
    within: Length | None = None


class Template(Sourced):
    """A plan to begin with. `when` is CEL over age and traits: whom it suits."""

    code: str = Field(alias="template")
    title: Said
    when: str
    goals: dict[str, TemplateGoal] = Field(min_length=1)
    actions: dict[str, TemplateAction] = Field(min_length=1)


@dataclass
class PlanBook:
    """The sheet (None when no pack has one), and every template with its condition read."""

    sheet: PlanSheet | None = None
    templates: Mapping[str, Template] = field(default_factory=dict)
    conditions: Mapping[str, cel.Condition] = field(default_factory=dict)

    def rules(self) -> PlanSheet:
        """Raises Invalid when there are none, or none approved."""
        if self.sheet is None or self.sheet.status != "approved":
            raise Invalid(
                "no_plans", "政策包里“照护计划”的规定还没有批准：请管理员批准 plans.yaml 后再写计划。"
            )
        return self.sheet

    def usable(self) -> dict[str, Template]:
        """The approved templates."""
        return {code: one for code, one in self.templates.items() if one.status == "approved"}

    def template(self, code: str) -> Template:
        """Raises Invalid naming what there is: a pack update may have taken one away."""
        usable = self.usable()
        if code not in usable:
            known = "、".join(str(one.title) for one in usable.values()) or "（还没有批准的模板）"
            raise Invalid(
                "template", f"没有批准的计划模板“{code}”（政策包更新后可能已停用）：请改选 {known}，或从空白写起。",
                field="template", possible=list(usable),
            )  # fmt: skip
        return usable[code]

    def suiting(self, age: int | None, traits: tuple[str, ...]) -> list[str]:
        """The approved templates for such a person, in the order of the pack. Of an unknown age none is guessed."""
        if age is None:
            return []
        fields = {"age": age, "traits": list(traits)}
        return [code for code in self.usable() if self.conditions[code].holds(fields)]


KNOWN = FactKind(
    title=Words(zh="居民"),
    fields={
        "age": FactField(type="int", title=Words(zh="年龄")),
        "traits": FactField(type="strings", title=Words(zh="特征")),
    },
)
"""What the condition of a template may look at."""
