"""A growth curve as figures for SVG: the lines of the standard and the points of one child."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yishe.care.growth import Visit
from yishe.policy.growth import Standard
from yishe.policy.growth_rules import DAYS_IN_MONTH

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 380, 44, 44, 14, 30
LINES = (-3, -2, -1, 0, 1, 2, 3)
SPANS = (24, 60, 120, 228)
"""Months that a curve shows: the shortest that holds the child."""

STEPS = 60


@dataclass(frozen=True)
class Line:
    z: int
    points: str
    end: tuple[float, float]

    @property
    def words(self) -> str:
        return f"{self.z:+d}" if self.z else "0"


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    on: date
    value: str
    z: str


@dataclass(frozen=True)
class Tick:
    at: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Everything in the units of a 720 × 380 picture."""

    lines: tuple[Line, ...]
    dots: tuple[Dot, ...]
    path: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    axis: str
    title: str


@dataclass(frozen=True)
class _Frame:
    first: float
    last: float
    low: float
    high: float

    def x(self, at: float) -> float:
        return round(LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        return round(
            HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM), 1
        )


def draw(standard: Standard, code: str, sex: str, visits: Sequence[Visit], days: int) -> Chart | None:
    """The curve of one indicator for a child of that many days; None where no standard reaches."""
    indicator = standard.sheet.indicators[code]
    lying = days < standard.sheet.lying_below
    first, last = _span(standard, code, days, lying=lying)
    places = [round(first + step * (last - first) / STEPS) for step in range(STEPS + 1)]
    runs = {z: standard.line(code, sex, z, places, lying=lying) for z in LINES}
    if not runs[0]:
        return None
    taken = [(visit, score) for visit in visits if (score := visit.score(code)) and score.value is not None]
    at = {id(visit): _at(standard, visit, by_length=indicator.by_length) for visit, _ in taken}
    inside = [(visit, score) for visit, score in taken if first <= (at[id(visit)] or -1) <= last]
    values = [value for run in runs.values() for _, value in run] + [score.value or 0 for _, score in inside]
    frame = _Frame(first, runs[0][-1][0], min(values) * 0.97, max(values) * 1.02)
    dots = tuple(
        Dot(
            frame.x(at[id(visit)] or 0), frame.y(score.value or 0), visit.on,
            f"{score.value or 0:.{indicator.decimals}f} {indicator.unit}", "" if score.z is None else f"{score.z:+.2f}",
        )
        for visit, score in inside
    )  # fmt: skip
    return Chart(
        lines=tuple(_line(frame, z, run) for z, run in runs.items() if run),
        dots=dots,
        path=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        across=_across(frame, by_length=indicator.by_length),
        up=tuple(Tick(frame.y(value), f"{value:g}") for value in _round(frame.low, frame.high)),
        axis="身长（cm）" if indicator.by_length else "月龄",
        title=str(indicator.title),
    )


def _span(standard: Standard, code: str, days: int, *, lying: bool) -> tuple[float, float]:
    indicator = standard.sheet.indicators[code]
    if indicator.by_length:
        return (45, 110) if lying else (65, 120)
    months = next((span for span in SPANS if days <= span * DAYS_IN_MONTH), SPANS[-1])
    return 0, int(months * DAYS_IN_MONTH)


def _at(standard: Standard, visit: Visit, *, by_length: bool) -> float | None:
    days = standard.counted(visit.child)
    return standard.corrected(visit.child, days) if by_length else float(days)


def _line(frame: _Frame, z: int, run: Sequence[tuple[int, float]]) -> Line:
    drawn = [(frame.x(at), frame.y(value)) for at, value in run]
    return Line(z, " ".join(f"{x},{y}" for x, y in drawn), drawn[-1])


def _across(frame: _Frame, *, by_length: bool) -> tuple[Tick, ...]:
    if by_length:
        first = int(frame.first // 10 + 1) * 10
        return tuple(Tick(frame.x(at), str(at)) for at in range(first, int(frame.last) + 1, 10))
    months = frame.last / DAYS_IN_MONTH
    step = next(one for one in (3, 6, 12, 24) if months / one <= 12)
    return tuple(
        Tick(frame.x(month * DAYS_IN_MONTH), str(month)) for month in range(0, int(months) + 1, step)
    )


def _round(low: float, high: float) -> list[float]:
    step = next((one for one in (0.5, 1, 2, 5, 10, 20) if (high - low) / one <= 9), 50)
    first = int(low // step) + 1
    return [number * step for number in range(first, int(high // step) + 1)]
