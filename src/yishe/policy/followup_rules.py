"""Follow-up forms (随访表) as a pack declares them: a scale with more of a day's work in it.

Besides questions and red flags it says which answers are measurements, which cannot stand together, how the follow-up is
classified (by what it is appraised), when the next one is due, what is proposed, and what a clinical guide aims at.
"""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Strict, Words
from .reactions import FactField, FactKind, Promise
from .scale_rules import Effect, Scale

HOW, ON = "how", "on"
"""Items every form has: the way (a code of `encounter_kind`) and the day of the follow-up."""
STAGE, MINUTES = "stage", "minutes"
"""Items that a form written into a service record hands on to its note: the stage of the case, and how long it took."""
NONE = "none"
"""What `before` is for somebody who was never followed up so."""


class Check(Strict):
    """Answers that cannot be true together while `when` holds; `says` asks back."""

    when: str
    says: Said


class Referral(Strict):
    """A loop that is proposed, never sent by itself."""

    kind: str
    reason: str | None = None
    says: Said


class Class(Strict):
    """What a follow-up comes to; the first whose condition holds. `code` is the national one, `next` within how long the next
    follow-up is due; without it the next visit of the form's `visits` is meant, and where there is none this one was the last.
    `well` what is counted as under control."""

    title: Said
    when: str
    code: str = ""
    says: Said | None = None
    well: bool = False
    next: Length | None = None
    refer: Referral | None = None
    then: tuple[Effect, ...] = ()


class Target(Sourced):
    """What a clinical guide aims at, `for_` whom; beside the class, never mixed into it. Its source and approval are its own, so that
    a district replaces the aims without the appraisal, or the other way about."""

    title: Said
    for_: str = Field(default="", alias="for")
    when: str

    model_config = Strict.model_config | {"populate_by_name": True}


class Measure(Strict):
    """Answers that are kept as one measurement of `kind` (the name it stands under, unless said): quantity → item. Nothing is
    kept while one of them is not answered. `context` is a code of `observation_context`, or `context_of` the item that says it."""

    kind: str = ""
    values: dict[str, str] = Field(min_length=1)
    context: str = ""
    context_of: str = ""


class Followup(Scale):
    """One dated version. `services` of the contract it keeps where the way fits; `entry` what the contact itself is written down
    as; `keeps` the promises of an earlier follow-up that this one answers. `visits` are the schedules of which it makes the
    visit that is due that day; `meant` is for whom it is usual (`fits` for whom it is possible);
    `corrected` closes what a correction takes back (a close reason; without one it stays open and is told in words)."""

    code: str = Field(alias="followup")
    services: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()
    meant: str = ""
    corrected: str = ""
    entry: Literal["encounter", "service_note"] = "encounter"
    keeps: tuple[Promise, ...] = ()
    measures: dict[str, Measure] = Field(default_factory=dict)
    checks: dict[str, Check] = Field(default_factory=dict)
    classes: dict[str, Class] = Field(min_length=1)
    targets: dict[str, Target] = Field(default_factory=dict)

    @model_validator(mode="after")
    def says_how_and_when(self) -> Self:
        if not {HOW, ON} <= set(self.items):
            raise ValueError("a follow-up without way or day; expected the items how and on")
        if NONE in self.classes:
            raise ValueError("none is no class; expected another name")
        return self

    def known(self, *, scores: bool) -> FactKind:
        """Beside what a scale knows, once it is finished: `before`, the class of the last one, `urgent`, and `found`: the rules
        that hold. A rule about a question that is not asked of her holds not, so that classes may look at it all the same."""
        kind = super().known(scores=scores)
        if not scores:
            return kind
        more = {
            "before": FactField(type="string", title=Words(zh="上次随访"), values=(*self.classes, NONE)),
            "urgent": FactField(type="bool", title=Words(zh="有紧急情况")),
            "found": FactField(type="strings", title=Words(zh="发现"), values=tuple(self.rules)),
        }
        return kind.model_copy(update={"fields": {**kind.fields, **more}})

    def effects(self) -> Iterator[tuple[tuple[object, ...], Effect]]:
        yield from super().effects()
        for code, one in self.classes.items():
            yield from ((("classes", code, "then", n), effect) for n, effect in enumerate(one.then))
