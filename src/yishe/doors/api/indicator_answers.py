"""What answers about indicators look like."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from yishe.doors.api.answer_base import Answer


class Share(Answer):
    """`share` is 0 to 1, or null when there is nothing to divide by."""

    numerator: int
    denominator: int
    share: float | None


class OfTeam(Share):
    team: UUID | None


class Indicator(Share):
    """`numerator_is` and `denominator_is` in words; `before` is the quarter before by the same version."""

    code: str
    version: int
    title: str
    family: str
    status: Literal["draft", "approved"]
    unit: str
    numerator_is: str
    denominator_is: str
    source: str
    small: bool
    before: Share | None
    teams: list[OfTeam]


class OfQuarter(Answer):
    """`pack` and `exported_at` are null when the quarter was never counted."""

    scope: str
    quarter: str
    quarters: list[str]
    pack: str | None
    exported_at: datetime | None


class Indicators(OfQuarter):
    indicators: list[Indicator]


class Behind(Answer):
    resident: UUID
    name: str
    team: UUID | None


class IndicatorResidents(OfQuarter):
    """`people` is how many there are, `residents` those of them the caller may read, at most 200."""

    people: int
    residents: list[Behind]
