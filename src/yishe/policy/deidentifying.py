"""Making people unrecognisable: names become keyed pseudonyms, dates move, ages and places are coarsened until nobody stands
in a small cell. Pure functions; what is asked for and how strictly comes from the pack.

Coarsening is the same for everybody (global recoding): from fine to coarse, the first step at which few enough stand alone;
who still does is left out. What was dropped and how fine it stayed is reported.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .refusals import Conflict
from .research_rules import Ages, ResearchSheet

UNKNOWN, OTHER = "未知", "其他"
QUASI = ("sex", "age", "area")
"""What could tell who somebody is, taken together."""


@dataclass(frozen=True)
class Cover:
    """The secret of one extract: pseudonyms and shifts cannot be computed without it, nor compared with another's."""

    key: bytes
    days: int

    def pseudonym(self, who: bytes) -> str:
        return hmac.new(self.key, b"person" + who, hashlib.sha256).hexdigest()[:16]

    def moved(self, who: bytes, day: date) -> date:
        """The day moved by this person's own constant, never by nothing; what lies between two days stays."""
        return day + timedelta(days=self.shift(who))

    def shift(self, who: bytes) -> int:
        drawn = int.from_bytes(hmac.new(self.key, b"shift" + who, hashlib.sha256).digest()[:8], "big")
        return (drawn // 2 % self.days + 1) * (1 if drawn % 2 else -1)


@dataclass(frozen=True)
class Known:
    """A person as known to us. `areas` from fine to coarse, the last the same for everybody."""

    who: str
    sex: str
    age: int | None
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """The same person as research sees one."""

    who: str
    sex: str
    age: str
    area: str

    @property
    def cell(self) -> tuple[str, str, str]:
        return self.sex, self.age, self.area


@dataclass(frozen=True)
class Coarse:
    """`rows` of whom no cell has fewer than k; `left_out` people; how fine: `width` of age bands, `level` of places."""

    rows: tuple[Row, ...]
    left_out: int
    width: int
    level: int

    @property
    def cells(self) -> Counter[tuple[str, str, str]]:
        return Counter(row.cell for row in self.rows)

    @property
    def k(self) -> int:
        """The smallest cell."""
        return min(self.cells.values(), default=0)


def coarsened(people: Sequence[Known], sheet: ResearchSheet) -> Coarse:
    """The finest table that leaves out few enough. Conflict when even the coarsest leaves out more than allowed."""
    for width, level in _steps(people, sheet.ages):
        found = _at(people, sheet, width, level)
        if found.rows and 100 * found.left_out <= sheet.most_suppressed * len(people):
            return found
    raise Conflict(
        "too_few_people",
        f"同意用于研究的人太少（{len(people)} 位），凑不成每格至少 {sheet.k} 人的表：请放宽范围，或等更多人同意。",
    )


def _steps(people: Sequence[Known], ages: Ages) -> list[tuple[int, int]]:
    """Every fineness, the least loss first: places give way before ages."""
    levels = range(max((len(one.areas) for one in people), default=1))
    widths = (*ages.widths, 2 * ages.top)
    ranked = [(w + level, w, level) for w in range(len(widths)) for level in levels]
    return [(widths[w], level) for _, w, level in sorted(ranked)]


def _at(people: Sequence[Known], sheet: ResearchSheet, width: int, level: int) -> Coarse:
    rows = [_row(one, sheet.ages, width, level) for one in people]
    cells = Counter(row.cell for row in rows)
    kept = sorted((row for row in rows if cells[row.cell] >= sheet.k), key=lambda row: row.who)
    return Coarse(tuple(kept), len(rows) - len(kept), width, level)


def _row(one: Known, ages: Ages, width: int, level: int) -> Row:
    area = one.areas[min(level, len(one.areas) - 1)] if one.areas else UNKNOWN
    return Row(one.who, one.sex, band(one.age, width, ages.top), area)


def band(age: int | None, width: int, top: int) -> str:
    """`60-64`; from `top` on one band for all; 全部 when a band would hold everybody."""
    if age is None or age < 0:
        return UNKNOWN
    if width > top:
        return "全部"
    if age >= top:
        return f"{top}+"
    first = age - age % width
    return f"{first}-{min(first + width, top) - 1}"


def rare(seen: Iterable[tuple[str, str]], least: int) -> frozenset[str]:
    """Codes that fewer than `least` people have, of pairs (person, code)."""
    counts = Counter(code for _, code in set(seen))
    return frozenset(code for code, people in counts.items() if people < least)
