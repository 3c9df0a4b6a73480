"""The numbers of the board as a workbook: whole, by month, by team, by reason; each share beside what it is a share of."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.insight import exports, report, workbooks
from yishe.insight.exports import Wanted
from yishe.people import directory, packs
from yishe.people.actors import Actor

KIND = "board"
PARTS = {"total": "合计", "months": "按月", "teams": "按团队", "reasons": "按原因"}
LEADING = (("分组", 10), ("项目", 28), ("发出", 8), ("去世或迁出不计", 14))


def board_xlsx(
    actor: Actor, at: datetime, *, purpose: str, since: date | None = None, until: date | None = None,
    centre: UUID | None = None, team: UUID | None = None,
) -> bytes:  # fmt: skip
    """What ``report.closing`` counts for this person. Raises what that and ``exports.take_out`` raise."""
    found = report.closing(actor, at=at, since=since, until=until, centre=centre, team=team)
    rows = list(_rows(found))
    columns = [*LEADING, *(column for words in report.MEASURES.values() for column in _columns(words))]
    scope = f"{found['scope']}；{found['since']} 至 {found['until']} 发出"
    wanted = Wanted(KIND, purpose, len(rows), scope)
    return exports.take_out(
        actor, wanted, at, lambda mark: workbooks.written("看板数字", mark, columns, rows)
    )


def _columns(words: str) -> Iterable[tuple[str, int]]:
    return ((words, 10), ("分母", 8), ("占比", 8))


def _rows(found: dict[str, Any]) -> Iterator[list[Any]]:
    for part, title in PARTS.items():
        for row in [found[part]] if part == "total" else found[part]:
            yield [
                title,
                _key(part, row["key"]),
                row["sent"]["count"],
                row["taken_out"]["count"],
                *_cells(row),
            ]


def _cells(row: dict[str, Any]) -> Iterator[Any]:
    for name in report.MEASURES:
        measure = row["measures"][name]
        share = measure["share"]
        shown = "—" if share is None else f"{share:.1%}{'（数少）' if measure['small'] else ''}"
        yield from (measure["numerator"]["count"], measure["denominator"]["count"], shown)


def _key(part: str, key: str | None) -> str:
    if part == "teams" and key:
        unit = directory.current().organisations.get(UUID(key))
        return unit.name if unit else key
    if part == "reasons" and key:
        kinds = packs.in_force().kinds.values()
        titles = (kind.reasons[key].title for line in kinds for kind in line.values if key in kind.reasons)
        return f"{key} {next(titles, '')}".strip()
    return key or "全部"
