"""A length of time as a pack writes it: `15 min`, `4 h`, `3 d`, `4 weeks`, `2 workdays`.

`min`, `h`, `d` and `week` are exact lengths (China has no summer time). A `workday` is one day's worth of
working time and means nothing without a calendar: see `calendars.Calendar.add`.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

Unit = Literal["min", "h", "d", "week", "workday"]

_SECONDS: dict[str, int] = {"min": 60, "h": 3600, "d": 86_400, "week": 604_800}
_SPELT: dict[str, str] = {
    "min": "min", "mins": "min", "minute": "min", "minutes": "min",
    "h": "h", "hour": "h", "hours": "h",
    "d": "d", "day": "d", "days": "d",
    "week": "week", "weeks": "week",
    "workday": "workday", "workdays": "workday",
}  # fmt: skip
_CHINESE: dict[str, str] = {"min": "分钟", "h": "小时", "d": "天", "week": "周", "workday": "个工作日"}
PATTERN = r"^\s*\d+\s*(min|minutes?|h|hours?|d|days?|weeks?|workdays?)\s*$"


@dataclass(frozen=True, slots=True)
class Duration:
    """`amount` whole `unit`s, at least one."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.unit not in get_args(Unit):
            raise ValueError(f"unknown unit {self.unit!r}; expected one of min, h, d, week, workday")
        if self.amount < 1:
            raise ValueError(f"a duration of {self.amount} {self.unit}; expected a whole number above zero")

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read `4 h`, `2 workdays`, `15 min`, `4 weeks`. Raises ValueError saying what was expected."""
        found = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", str(text))
        if not found or found[2] not in _SPELT:
            raise ValueError(
                f"{text!r} is no duration; expected a whole number and a unit, "
                "such as 15 min, 4 h, 3 d, 4 weeks or 2 workdays"
            )
        return cls(int(found[1]), _SPELT[found[2]])  # type: ignore[arg-type]

    @property
    def is_exact(self) -> bool:
        """Whether the length is the same on every calendar."""
        return self.unit != "workday"

    def exact(self) -> timedelta:
        """The length on the wall clock. Raises ValueError for workdays, which only a calendar can place."""
        if not self.is_exact:
            raise ValueError(f"{self} has no fixed length; ask a calendar")
        return timedelta(seconds=self.amount * _SECONDS[self.unit])

    def __str__(self) -> str:
        plural = "s" if self.unit in ("week", "workday") and self.amount > 1 else ""
        return f"{self.amount} {self.unit}{plural}"

    @property
    def zh(self) -> str:
        """As said on a Chinese screen: `4 小时`, `2 个工作日`."""
        return f"{self.amount} {_CHINESE[self.unit]}"


def parse(text: str) -> Duration:
    """See `Duration.parse`."""
    return Duration.parse(text)
