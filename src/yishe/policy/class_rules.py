"""What a pack says about classes and tiers: rules over a few coded facts, and how a doctor may correct them for a time.

A rule is CEL and slow; people are many and their facts few. `Reader` asks each rule once for each combination of the facts
it reads, so that a population is classified at the speed of a lookup.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from pydantic import Field, model_validator

from . import cel, cel_types
from .pack_fields import Length, Said, Sourced, Strict, Words
from .reactions import FactField, FactKind
from .refusals import Invalid

UNKNOWN_AGE = -1
AGE, DISEASES = "age", "diseases"
CLASS, MEDICAL, SOCIAL = "class", "medical", "social"
TRACKS = (CLASS, MEDICAL, SOCIAL)

FACT = FactKind(
    title=Words(zh="分类所看的事实"),
    fields={
        "age": FactField(type="int", title=Words(zh="满周岁；不知道为 -1")),
        "sex": FactField(type="string", title=Words(zh="性别"), values=("", "male", "female")),
        "diseases": FactField(type="int", title=Words(zh="在管疾病数")),
        "traits": FactField(type="strings", title=Words(zh="特征")),
        "bands": FactField(type="strings", title=Words(zh="最近一次评估的分级：量表.分.级")),
        "grades": FactField(type="strings", title=Words(zh="风险与指标的分级：模型.颜色")),
    },
)
_TEXT = re.compile(r"'([^']*)'|\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may look at, of one person on one day. Lists are sorted, so that equal people are one key."""

    age: int = UNKNOWN_AGE
    sex: str = ""
    diseases: int = 0
    traits: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    grades: tuple[str, ...] = ()


class Step(Strict):
    """A class, or a step of a tier."""

    title: Said


class ClassRule(Sourced):
    """When `when` (CEL over `FACT`) holds, the person is of this class and at least on these steps."""

    title: Said
    since: date
    until: date | None = None
    when: str
    to_class: str = Field(default="", alias="class")
    medical: str = ""
    social: str = ""

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not (self.to_class or self.medical or self.social):
            raise ValueError("leads to nothing; expected class, medical or social")
        return self

    def speaks(self, on: date, *, drafts: bool = False) -> bool:
        """Approved (with `drafts` also not yet), begun and not ended; `until` is the last day."""
        usable = self.status == "approved" or (drafts and self.status == "draft")
        return usable and self.since <= on and (self.until is None or on <= self.until)

    def step(self, track: str) -> str:
        return {CLASS: self.to_class, MEDICAL: self.medical, SOCIAL: self.social}[track]

    @property
    def literals(self) -> tuple[str, ...]:
        """Every code the rule names."""
        return tuple(a or b for a, b in _TEXT.findall(self.when))


class Correction(Strict):
    """How the rule may be overruled: coded `reasons`, at most `longest`; so long before the end the corrector is reminded by
    a loop of `kind`."""

    reasons: dict[str, Said] = Field(min_length=1)
    longest: Length
    remind: Length
    kind: str


class ClassSheet(Sourced):
    """`classes` and the steps of a tier from the weightiest down; who no rule speaks of stands on the last of each."""

    classes: dict[str, Step] = Field(min_length=2)
    tiers: dict[str, Step] = Field(min_length=2)
    correction: Correction
    rules: dict[str, ClassRule]

    @model_validator(mode="after")
    def names_its_own(self) -> Self:
        for code, rule in self.rules.items():
            for track in TRACKS:
                if (step := rule.step(track)) and step not in self.steps(track):
                    known = ", ".join(self.steps(track))
                    raise ValueError(f"rule {code} leads to {track} {step!r}; expected one of {known}")
        return self

    def steps(self, track: str) -> Mapping[str, Step]:
        """The steps of a track, the weightiest first."""
        return self.classes if track == CLASS else self.tiers

    @property
    def highest(self) -> str:
        """The top of a tier."""
        return next(iter(self.tiers))

    def title(self, track: str, code: str) -> str:
        found = self.steps(track).get(code)
        return str(found.title) if found else code

    def corrected(self, track: str, code: str) -> str:
        """The code if it is a step of the track. Raises Invalid naming what is possible."""
        steps = self.steps(track)
        if code not in steps:
            known = "、".join(str(one.title) for one in steps.values())
            raise Invalid(track, f"没有“{code}”这一项；可选：{known}。", field=track, possible=list(steps))
        return code


@dataclass(frozen=True)
class Reason:
    """A rule that spoke, and the coded facts it found: traits, bands, grades it names, `age` or `diseases` it reads."""

    rule: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Classified:
    """Where the rules put a person, and every rule that spoke, in the pack's order."""

    to_class: str
    medical: str
    social: str
    reasons: tuple[Reason, ...] = ()

    def step(self, track: str) -> str:
        return {CLASS: self.to_class, MEDICAL: self.medical, SOCIAL: self.social}[track]


@dataclass(frozen=True)
class _Asked:
    """A compiled rule with the facts it reads and the codes it names."""

    condition: cel.Condition
    reads: tuple[str, ...]
    literals: frozenset[str]
    known: dict[Hashable, bool] = field(default_factory=dict, compare=False)

    def holds(self, facts: Facts) -> bool:
        key = tuple(self._cut(getattr(facts, name)) for name in self.reads)
        if key not in self.known:
            data = {name: getattr(Facts(), name) for name in FACT.fields} | dict(
                zip(self.reads, key, strict=True)
            )
            self.known[key] = self.condition.holds(data)
        return self.known[key]

    def _cut(self, value: int | str | tuple[str, ...]) -> Hashable:
        """Of a list only the codes the rule names matter to it, as it may only ask whether they are in it."""
        return tuple(one for one in value if one in self.literals) if isinstance(value, tuple) else value

    def sources(self, facts: Facts) -> tuple[str, ...]:
        named = [one for one in (*facts.traits, *facts.bands, *facts.grades) if one in self.literals]
        return (*[name for name in (AGE, DISEASES) if name in self.reads], *named)


class Reader:
    """The rules of a sheet, ready to be asked again and again."""

    def __init__(self, sheet: ClassSheet) -> None:
        self.sheet = sheet
        self._asked = {code: _asked(rule) for code, rule in sheet.rules.items()}

    def classify(self, facts: Facts, day: date, *, drafts: bool = False) -> Classified:
        """Where the approved rules in force on `day` put these facts (with `drafts` those not approved yet as well)."""
        spoke = [
            (code, rule)
            for code, rule in self.sheet.rules.items()
            if rule.speaks(day, drafts=drafts) and self._asked[code].holds(facts)
        ]
        found = {track: self._weightiest(track, [rule.step(track) for _, rule in spoke]) for track in TRACKS}
        reasons = tuple(Reason(code, self._asked[code].sources(facts)) for code, _ in spoke)
        return Classified(found[CLASS], found[MEDICAL], found[SOCIAL], reasons)

    def _weightiest(self, track: str, said: list[str]) -> str:
        steps = list(self.sheet.steps(track))
        return next((one for one in steps if one in said), steps[-1])


def _asked(rule: ClassRule) -> _Asked:
    reads = tuple(name for name in FACT.fields if name in cel_types.names(_TEXT.sub("''", rule.when)))
    return _Asked(cel.compile(rule.when, FACT), reads, frozenset(rule.literals))


def facts(
    age: int | None, sex: str | None, traits: set[str], diseases: int, bands: set[str], grades: set[str]
) -> Facts:
    """The facts of one person in their one order."""
    return Facts(
        UNKNOWN_AGE if age is None else age,
        sex or "",
        diseases,
        tuple(sorted(traits)),
        tuple(sorted(bands)),
        tuple(sorted(grades)),
    )
