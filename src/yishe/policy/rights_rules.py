"""What a pack says about a resident's rights: how long a copy waits, and what law obliges to keep after an erasure."""

from datetime import date
from typing import Literal

from pydantic import Field

from .pack_fields import Length, Said, Sourced, Strict

Held = Literal[
    "encounter", "condition", "medication", "observation", "note", "assessment", "loop", "contract", "consent"
]


class Kept(Sourced):
    """A category of record that is kept, sealed, for `years` after the latest of `counted_from`.

    `holds` are the kinds of entry it is made of; `law` is the source as it is told to the resident.
    """

    title: Said
    holds: tuple[Held, ...]
    counted_from: tuple[Held, ...]
    years: int = Field(ge=1)
    law: Said
    words: Said

    def until(self, last: date) -> date:
        """The first day on which it need not be kept any more."""
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
