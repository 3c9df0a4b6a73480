"""What research may be given, and how well nobody can be known in it again."""

from typing import Literal

from pydantic import Field

from .pack_fields import Length, Said, Sourced, Strict


class Ages(Strict):
    """Bands of so many years, finest first; `top` and older are one."""

    widths: tuple[int, ...] = Field(min_length=1)
    top: int = Field(ge=1)


class Variable(Strict):
    """One thing that may be asked for. `of` a person, or an event with a date. `reads` names how it is read."""

    title: Said
    of: Literal["person", "event"]
    reads: Literal["traits", "observations", "conditions", "encounters", "medications", "notes", "loops"]
    explained: Said


class ResearchSheet(Sourced):
    """`kind`: the loop of a request, `review` its ethics step. `consent`: the basis that must be in force. Nobody stands
    in a cell of fewer than `k` by sex, age band and place; a code that fewer than `k_rare` people have is merged. More than
    `most_suppressed` percent left out is refused. Dates move by up to `shift`; an extract is kept for `kept`."""

    kind: str
    review: str
    consent: str
    k: int = Field(ge=2)
    k_rare: int = Field(ge=2)
    most_suppressed: int = Field(ge=0, le=100)
    shift: Length
    kept: Length
    reason_letters: int = Field(ge=1)
    ages: Ages
    variables: dict[str, Variable]
