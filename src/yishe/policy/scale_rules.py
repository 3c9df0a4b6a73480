"""Questionnaires and scales as a pack declares them: items, branching, scoring, bands, and what a result does.

A scale is dated like a loop kind, and a response keeps the version it was begun under. What may stand here is said by its
licence: the validated wording only where it may be used, otherwise words of our own.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Status, Strict, Words
from .reactions import FactField, FactKind, Promise
from .sheets import Conversion, Span

ItemType = Literal["choice", "multi", "number", "date", "text"]
ABOUT = {
    "age": FactField(type="int", title=Words(zh="满周岁")),
    "months": FactField(type="int", title=Words(zh="满月龄")),
    "sex": FactField(type="string", title=Words(zh="性别"), values=("male", "female")),
    "traits": FactField(type="strings", title=Words(zh="特征")),
}
"""What conditions may ask of the resident besides her answers. What is not known decides nothing."""


class Licence(Strict):
    """By what right the wording stands here. `wording`: validated (as published) or own (our words for public content)."""

    note: Said
    wording: Literal["validated", "own"]
    url: str = ""


class RefusedScale(Strict):
    """A scale that must not be built in: `why` is whose rights keep it out, `instead` the scale that stands in its place."""

    title: Said
    why: Said
    instead: str = ""


class RefusedSheet(Sourced):
    refused: dict[str, RefusedScale]


class Option(Strict):
    """One answer; `score` is what it counts, nothing when it is not scored."""

    say: Said
    score: float | None = None


class Item(Strict):
    """One question. `choice` names a shared list of `choices`, `options` are its own. A number has a unit (`unit` UCUM,
    `shown` what people write, `units` how others are turned into it), is refused outside `hard` and asked about outside `soft`;
    a `quantity` of bounds.yaml brings them all. `when`: asked only then."""

    ask: Said
    help: Said | None = None
    type: ItemType = "choice"
    choice: str = ""
    options: dict[str, Option] = Field(default_factory=dict)
    quantity: str = ""
    unit: str = ""
    shown: str = ""
    units: dict[str, Conversion] = Field(default_factory=dict)
    hard: Span | None = None
    soft: Span | None = None
    decimals: int = Field(default=0, ge=0, le=3)
    when: str = ""
    required: bool = True

    @model_validator(mode="after")
    def numbers_have_limits(self) -> Self:
        if self.type == "number" and not (self.hard and self.unit and self.shown):
            raise ValueError("a number without unit, shown and hard limits; expected all three")
        if self.hard and self.soft and (self.soft.low < self.hard.low or self.soft.high > self.hard.high):
            raise ValueError("soft limits outside the hard ones; expected soft within hard")
        return self


class Effect(Strict):
    """What follows: a loop promised, or something suggested; `scale` is the one to be filled next."""

    promise: Promise | None = None
    suggest: Said | None = None
    scale: str = ""

    @model_validator(mode="after")
    def does_one_thing(self) -> Self:
        if (self.promise is None) == (self.suggest is None):
            raise ValueError("an effect does one thing; expected either promise or suggest")
        return self


class Band(Strict):
    """From `at_least` up to the next band. `says` is what it means, in words for the one who reads the result."""

    at_least: float
    title: Said
    says: Said | None = None
    then: tuple[Effect, ...] = ()


class Score(Strict):
    """`of` these items: their sum or mean, `times` a factor. `reversed` ones count lowest plus highest minus their own;
    `weights` other than one by item. An item without an answer leaves the score open: it is never filled in."""

    title: Said
    of: tuple[str, ...] = Field(min_length=1)
    by: Literal["sum", "mean"] = "sum"
    times: float = 1
    decimals: int = Field(default=0, ge=0, le=3)
    reversed: tuple[str, ...] = ()
    weights: dict[str, float] = Field(default_factory=dict)
    bands: dict[str, Band] = Field(default_factory=dict)

    @model_validator(mode="after")
    def bands_rise(self) -> Self:
        if any(a.at_least >= b.at_least for a, b in pairwise(self.bands.values())):
            raise ValueError("bands out of order; expected each to begin above the one before")
        return self

    def band(self, value: float) -> str:
        """The band that holds the value; empty without bands."""
        begun = [code for code, band in self.bands.items() if value >= band.at_least]
        return begun[-1] if begun else ""


class Rule(Strict):
    """What is concluded when the condition holds (CEL over scores, answers and what is known of her)."""

    title: Said
    when: str
    says: Said | None = None
    then: tuple[Effect, ...] = ()


class Flag(Strict):
    """An answer that must not wait for the form to be finished. `steps` stands on the screen at once; `own` in its place where
    somebody answers for himself or for a relative."""

    title: Said
    when: str
    steps: Said
    own: Said | None = None
    then: tuple[Effect, ...] = Field(min_length=1)


class FilledBy(Strict):
    """Who may give the answers: staff of these duties always hold the pen; beside them the resident, a relative for her."""

    staff: tuple[str, ...] = Field(min_length=1)
    resident: bool = False
    relative: bool = False


class Fits(Strict):
    """Whom it is made for; `says` is told when it is not she."""

    when: str
    says: Said


class Scale(Sourced):
    """One dated version. `fields` are the groups of access.yaml, whoever reads the answers must see all; `again_within`: so soon after the
    last one it is asked whether another is meant."""

    code: str = Field(alias="scale")
    version: str
    title: Said
    status: Status = "draft"
    licence: Licence
    fields: tuple[str, ...] = Field(min_length=1)
    filled_by: FilledBy
    fits: Fits | None = None
    again_within: Length | None = None
    intro: Said | None = None
    choices: dict[str, dict[str, Option]] = Field(default_factory=dict)
    items: dict[str, Item] = Field(min_length=1)
    scores: dict[str, Score] = Field(default_factory=dict)
    rules: dict[str, Rule] = Field(default_factory=dict)
    flags: dict[str, Flag] = Field(default_factory=dict)

    model_config = Strict.model_config | {"populate_by_name": True}

    def options(self, item: str) -> dict[str, Option]:
        """The answers one may choose from; none for numbers, dates and text."""
        asked = self.items[item]
        return asked.options or self.choices.get(asked.choice, {})

    def points(self, item: str) -> tuple[float, float] | None:
        """The lowest and highest an item counts; None when an answer of it counts nothing."""
        asked = self.items[item]
        if asked.type == "number" and asked.hard:
            return asked.hard.low, asked.hard.high
        scores = [option.score for option in self.options(item).values()]
        if asked.type != "choice" or not scores or None in scores:
            return None
        known = [score for score in scores if score is not None]
        return min(known), max(known)

    def range(self, score: Score) -> tuple[float, float]:
        """The lowest and highest a score can be."""
        spans = [
            sorted(score.weights.get(item, 1) * end for end in self.points(item) or (0, 0))
            for item in score.of
        ]
        share = score.times / (len(score.of) if score.by == "mean" else 1)
        return sum(low for low, _ in spans) * share, sum(high for _, high in spans) * share

    def effects(self) -> Iterator[tuple[tuple[object, ...], Effect]]:
        """Every effect with its place in the file."""
        for code, score in self.scores.items():
            for name, band in score.bands.items():
                yield from (
                    (("scores", code, "bands", name, "then", n), one) for n, one in enumerate(band.then)
                )
        for part in ("rules", "flags"):
            for code, rule in getattr(self, part).items():
                yield from (((part, code, "then", n), one) for n, one in enumerate(rule.then))

    def known(self, *, scores: bool) -> FactKind:
        """The names a condition may use, with their types; `scores` also those of the result."""
        fields = dict(ABOUT)
        for code, item in self.items.items():
            if item.type == "choice":
                fields[code] = FactField(type="string", title=item.ask, values=tuple(self.options(code)))
            elif item.type in ("number", "multi"):
                fields[code] = FactField(
                    type="double" if item.type == "number" else "strings", title=item.ask
                )
        if scores:
            fields |= {code: FactField(type="double", title=one.title) for code, one in self.scores.items()}
        return FactKind(title=self.title, fields=fields)

    def to_json(self) -> str:
        """Canonical JSON; `from_json` reads it back to an equal scale."""
        data = self.model_dump(mode="json", by_alias=True)
        for flag in data[
            "flags"
        ].values():  # came later: what has none keeps the hash that forms were begun under
            if flag["own"] is None:
                del flag["own"]
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Scale":
        """A stored version. Fields added to the model since then take their defaults."""
        return cls.model_validate(json.loads(text))

    @cached_property
    def sha256(self) -> str:
        """Hex digest of `to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()
