"""Growth of one child: the measurements of each day, with their z-scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from yishe.care import lives
from yishe.care.models import Observation
from yishe.people import packs
from yishe.people.cards import Card
from yishe.policy.growth import Measured, Score, Standard

UNTIL_YEARS = 19
"""The references end there."""

PARTS = {"child_weight": "weight", "child_length": "length", "head": "head"}
LYING, STANDING = "lying", "standing"


@dataclass(frozen=True)
class Visit:
    """What was measured on one day, and what it comes to."""

    on: date
    child: Measured
    scores: tuple[Score, ...]

    def score(self, code: str) -> Score | None:
        return next((one for one in self.scores if one.code == code), None)


def applies(card: Card, at: datetime) -> bool:
    """Whether growth can be reckoned: birth and sex known, not grown up."""
    age = card.age(lives.day(at))
    known = lives.sex(card) is not None and age is not None
    return packs.in_force().life.growth is not None and known and (age or 0) < UNTIL_YEARS


def visits(card: Card, rows: Sequence[Observation]) -> list[Visit]:
    """Each day on which something was measured, oldest first. ``rows`` are newest first."""
    standard = packs.in_force().life.growth
    if standard is None or card.birth_date is None or lives.sex(card) is None:
        return []
    born = card.birth_date
    weeks = next((int(row.values["gestation"]) for row in rows if "gestation" in row.values), None)
    days: dict[date, list[Observation]] = {}
    for row in reversed(rows):
        if row.kind in PARTS:
            days.setdefault(lives.day(row.occurred_at), []).append(row)
    return [_visit(standard, card, born, on, taken, weeks) for on, taken in days.items() if on >= born]


def _visit(
    standard: Standard, card: Card, born: date, on: date, taken: Sequence[Observation], weeks: int | None
) -> Visit:
    measured = {PARTS[row.kind]: float(row.values[row.kind]) for row in taken}
    how = next((row.context for row in taken if row.kind == "child_length"), "")
    lying = {LYING: True, STANDING: False}.get(how)
    child = Measured(lives.sex(card) or "", (on - born).days, lying=lying, weeks=weeks, **measured)
    return Visit(on, child, tuple(standard.scores(child)))
