"""docs/access-table.md as a test reads it: rows of who may, in each standing. The page is the judge; nothing here is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.house.source import ROOT

PAGE = ROOT / "docs" / "access-table.md"
STANDINGS = ("owner", "colleague", "stranger", "expired")
ALL, NOBODY = "all", "–"
OUTSIDE = frozenset({"resident", "relative"})
"""Those who are no duty of staff; `all` does not mean them."""
PUBLIC, OPENS, DOES, PASSES, NAMES = "public", "opens", "does", "passes", "names her"
LEGEND = re.compile(r"\b([A-Z]{1,2}) ([a-z_]+)(?= ·|\.$|\n)", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One line: what is asked, what is judged of the answer, and which duties may in each standing."""

    section: str
    ask: str
    judged: str
    may: dict[str, frozenset[str]]
    line: int

    @property
    def method(self) -> str:
        return self.ask.split(" ", 1)[0]

    @property
    def address(self) -> str:
        return self.ask.split(" ", 1)[1]

    def __str__(self) -> str:
        return f"{self.ask} ({self.judged}), line {self.line}"


@cache
def duties() -> dict[str, str]:
    """The page's short names: GP → family_doctor."""
    return dict(LEGEND.findall(PAGE.read_text(encoding="utf-8")))


@cache
def rows() -> tuple[Row, ...]:
    return tuple(_rows())


def sections(name: str) -> list[tuple[int, list[str]]]:
    """The table lines of one section, each as (line number, cells), heading and rule left out."""
    found, here = [], ""
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            here = line.removeprefix("## ").strip()
        elif here == name and line.startswith("|") and not set(line) <= set("|- "):
            found.append((number, [cell.strip() for cell in line.strip("|").split("|")]))
    return found[1:]


def _rows() -> Iterator[Row]:
    for section in ("Pages", "Exports", "API", "Live channel"):
        for number, (ask, judged, *cells) in sections(section):
            assert judged in (PUBLIC, OPENS, DOES, PASSES, NAMES), f"line {number}: `is` says {judged!r}"
            assert len(cells) == len(STANDINGS), f"line {number}: {len(cells)} standings"
            may = {name: who(cell, number) for name, cell in zip(STANDINGS, cells, strict=True)}
            yield Row(section, ask.strip("`"), judged, may, number)


def who(cell: str, line: int) -> frozenset[str]:
    """The duties of one cell."""
    known = duties()
    if cell.split(maxsplit=1)[0] == ALL:
        return frozenset(known.values()) - OUTSIDE | {known[short] for short in cell.split()[1:]}
    if cell == NOBODY:
        return frozenset()
    unknown = [short for short in cell.split() if short not in known]
    assert not unknown, f"line {line}: unknown duties {unknown}"
    return frozenset(known[short] for short in cell.split())
