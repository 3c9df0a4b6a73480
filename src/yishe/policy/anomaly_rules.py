"""Which looks are odd enough to be asked about. A rule counts something a person did on one local day."""

from datetime import time
from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Length, Sourced, Strict

Measure = Literal[
    "strangers",
    "marked",
    "own_record",
    "own_family",
    "night",
    "on_leave",
    "exported_rows",
    "refusals",
    "uncared",
]


class Night(Strict):
    """Local time, from the evening to the morning after."""

    begins: time
    ends: time


class AnomalyRule(Sourced):
    """`reason` is a reason of the loop kind `access.anomaly`. More than `more_than` of what is measured opens one, except
    for holders of `except_duties`, whose work it is.

    strangers: residents looked at without a contract, a part in a loop or a consent · marked: such looks at residents with
    one of `traits` · own_record: records under one's own name · own_family: of the household or the same surname and
    address · night: residents looked at within `night`, not on shift · on_leave: residents looked at during leave ·
    exported_rows · refusals · uncared: residents looked at under one of `relations` with no act of
    care (`care`) by the same person `within` a time.
    """

    reason: str
    measure: Measure
    more_than: int = Field(ge=0)
    relations: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    care: tuple[str, ...] = ()
    within: Length | None = None
    night: Night | None = None
    except_duties: tuple[str, ...] = ()

    @model_validator(mode="after")
    def has_what_it_measures(self) -> Self:
        needs = {"marked": ("traits",), "night": ("night",), "uncared": ("relations", "care", "within")}
        missing = [name for name in needs.get(self.measure, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.measure} without {', '.join(missing)}; expected them in the rule")
        return self

    def odd(self, count: int, duties: frozenset[str]) -> bool:
        """Whether so many, by someone with these duties, is asked about."""
        return count > self.more_than and not duties & set(self.except_duties)


class AnomalySheet(Sourced):
    """`every`: how often the rules are asked; `kind`: the loop they open; `looks`: the deeds that count as looking at one
    resident (a code or its first word)."""

    every: Length
    kind: str
    looks: tuple[str, ...] = Field(min_length=1)
    rules: dict[str, AnomalyRule]

    def approved(self) -> dict[str, AnomalyRule]:
        return {code: rule for code, rule in self.rules.items() if rule.status == "approved"}
