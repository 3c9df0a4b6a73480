"""How an import went: counts, problems, and every row with its outcome."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from yishe.people.import_headers import Line
from yishe.people.import_matching import HELD, OUTCOMES, REJECTED
from yishe.people.import_rows import Read

TITLES = {"created": "新建", "updated": "更新", "unchanged": "未变", "held": "待核对", "rejected": "退回"}


@dataclass(frozen=True, slots=True)
class Done:
    """One row and how it ended. `hints` are notes on a row that was taken all the same; `secret` is an initial
    password, given back once."""

    line: Line
    outcome: str
    column: str = ""
    reason: str = ""
    resident: UUID | None = None
    candidate: UUID | None = None
    hints: tuple[str, ...] = ()
    read: Read | None = None
    secret: str = ""
    username: str = ""


@dataclass
class Report:
    """`rows` is always the sum of the five outcomes. `run` is the stored run, None for a preview."""

    kind: str
    dry_run: bool
    centre: UUID
    file_name: str
    sha256: str
    several: bool = False
    run: UUID | None = None
    done: list[Done] = field(default_factory=list)
    titles: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, one: Done) -> None:
        self.done.append(one)

    @property
    def counts(self) -> dict[str, int]:
        counted = Counter(one.outcome for one in self.done)
        return {outcome: counted[outcome] for outcome in OUTCOMES}

    @property
    def rows(self) -> int:
        return len(self.done)

    @property
    def created(self) -> int:
        return self.counts["created"]

    @property
    def updated(self) -> int:
        return self.counts["updated"]

    @property
    def unchanged(self) -> int:
        return self.counts["unchanged"]

    @property
    def held(self) -> int:
        return self.counts["held"]

    @property
    def rejected(self) -> int:
        return self.counts["rejected"]

    @property
    def passwords(self) -> dict[str, str]:
        """The initial passwords of accounts this run made, by user name."""
        return {one.username: one.secret for one in self.done if one.secret}

    def in_order(self) -> list[Done]:
        """As in the file: sheet by sheet, row by row."""
        sheets = list(self.titles)
        return sorted(self.done, key=lambda one: (sheets.index(one.line.sheet), one.line.number))

    @property
    def problems(self) -> list[dict[str, Any]]:
        """Held and rejected rows: {"row", "column", "reason"}, the row as numbered in its sheet."""
        return [
            {
                "row": one.line.number,
                "column": one.column,
                "reason": f"【{one.line.sheet}】{one.reason}" if self.several else one.reason,
            }
            for one in self.in_order()
            if one.outcome in (HELD, REJECTED)
        ]

    def to_json(self) -> dict[str, Any]:
        """The one object of `yishe people import --json`."""
        return {"rows": self.rows, **self.counts, "problems": self.problems}
