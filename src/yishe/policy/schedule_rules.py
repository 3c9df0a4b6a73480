"""What a pack says of a life's schedule: visits by age or from an event, whoever is under contract or not."""

from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Said, Sourced, Strict
from .vaccine_rules import Span

BIRTH, YEAR = "birth", "year"


class Visit(Strict):
    """One visit: from so long after the anchor, in time before `before`, possible until before `until` (where left out: no
    longer than in time). `kept_by` names what keeps it as well: a service of a contract's year, `observation:` and a kind, or
    `followup:` and a form and the way it was done (`followup:htn:1`); `how` the ways in which it counts, any where left out."""

    title: Said
    begins: Span
    before: Span
    until: Span | None = None
    times: Literal[1, 2, 4, 12] = 1
    how: tuple[str, ...] = ()
    says: Said | None = None
    kept_by: tuple[str, ...] = ()

    @property
    def last(self) -> Span:
        return self.until or self.before


class Schedule(Sourced):
    """Visits counted from the `anchor`: `birth`, or the day since which a condition stands whose code begins as one of
    `conditions`; with `year` each visit is owed every calendar year from the age `begins` on until before the age `before`, once in
    each of its `times` equal parts. With `traits` it is for whom one of them is known.

    It is silent from `over` after the anchor on. `every`: its one visit comes again each such stretch. `order` among schedules."""

    title: Said
    order: int = 0
    anchor: Literal["birth", "year", "condition"]
    conditions: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    sex: Literal["", "male", "female"] = ""
    over: Span | None = None
    every: Span | None = None
    visits: dict[str, Visit] = Field(min_length=1)

    @model_validator(mode="after")
    def keeps_its_own_word(self) -> Self:
        if (self.anchor == "condition") != bool(self.conditions):
            raise ValueError(
                "anchor and conditions disagree; expected conditions with anchor: condition, and only there"
            )
        if self.anchor != YEAR and any(one.times > 1 for one in self.visits.values()):
            raise ValueError(
                "several times a year without anchor: year; expected every: for what comes again"
            )
        if self.every and len(self.visits) != 1:
            raise ValueError("a schedule that comes again with several visits; expected one")
        if (self.every or self.anchor == "condition") and self.over is None:
            raise ValueError("a schedule without an end; expected over:")
        return self
