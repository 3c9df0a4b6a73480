"""What a pack says about a resident's rights: how long a copy waits, and what law obliges to keep after an erasure."""

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from .pack_fields import Length, Said, Sourced, Strict

Held = Literal[
    "encounter", "condition", "medication", "observation", "note", "assessment", "immunization", "loop", "contract", "consent"
]  # fmt: skip


class Kept(Sourced):
    """A category of record that is kept, sealed, for `years` after the latest of `counted_from`.

    `holds` are the kinds of entry it is made of; `law` is the source as it is told to the resident. A draft may still lack
    what it takes to keep it: entries that tell it apart, or a number of years.
    """

    title: Said
    holds: tuple[Held, ...] = ()
    counted_from: tuple[Held, ...] = ()
    years: int | None = Field(default=None, ge=1)
    law: Said
    words: Said

    @model_validator(mode="after")
    def approved_whole(self) -> Self:
        if self.status == "approved" and not (self.holds and self.counted_from and self.years):
            raise ValueError("an approved category; expected holds, counted_from and years")
        return self

    def until(self, last: date) -> date | None:
        """The first day on which it need not be kept any more; None while no number of years is said."""
        if self.years is None:
            return None
        try:
            return last.replace(year=last.year + self.years)
        except ValueError:  # 29 February
            return date(last.year + self.years, 3, 1)


class Copies(Strict):
    """`valid`: how long a copy that was asked for may be fetched, once in each form. `withheld`: field groups that are
    not put into it, with what is said instead."""

    valid: Length
    withheld: dict[str, Said] = Field(default_factory=dict)


class RightsSheet(Sourced):
    copies: Copies
    kept: dict[str, Kept] = Field(default_factory=dict)

    def obliging(self) -> dict[str, Kept]:
        """What really obliges: the approved categories, by code."""
        return {code: one for code, one in self.kept.items() if one.status == "approved"}
