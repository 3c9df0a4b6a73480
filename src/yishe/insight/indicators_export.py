"""The indicators of a quarter as a workbook: each with what is counted of what, whole and by team."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.insight import exports, indicator_reading, workbooks
from yishe.insight.exports import Wanted
from yishe.insight.indicator_reading import Pair, Standing
from yishe.people import directory
from yishe.people.actors import Actor

KIND = "indicators"
COLUMNS = (
    ("指标", 26), ("版本", 6), ("状态", 6), ("团队", 16), ("分子", 8), ("分母", 8), ("占比", 10), ("上季度占比", 10),
    ("分子是什么", 40), ("分母是什么", 40), ("出处", 30),
)  # fmt: skip
STATUS = {"draft": "草案", "approved": "已批准"}


def indicators_xlsx(
    actor: Actor,
    at: datetime,
    *,
    purpose: str,
    quarter: str = "",
    centre: UUID | None = None,
    team: UUID | None = None,
) -> bytes:
    """Raises what `indicator_reading.standing` and `exports.take_out` raise."""
    found = indicator_reading.standing(actor, at, quarter=quarter, centre=centre, team=team)
    rows = [cells for one in found.rows for cells in _cells(one)]
    taken = Wanted(KIND, purpose, len(rows), f"{found.scope.title}；{found.quarter.said}")
    return exports.take_out(actor, taken, at, lambda mark: workbooks.written("指标", mark, COLUMNS, rows))


def _cells(one: Standing) -> Iterator[list[Any]]:
    said = one.declared
    words = [said.numerator.zh, said.denominator.zh, said.source.said]
    head = [said.title.zh, said.version, STATUS[said.status]]
    yield [*head, "合计", *one.now, _share(one.now), _share(one.before) if one.before else "", *words]
    for team, pair in one.teams.items():
        unit = directory.current().organisations.get(team) if team else None
        yield [*head, unit.name if unit else "没有团队", *pair, _share(pair), "", *words]


def _share(pair: Pair) -> str:
    return f"{pair[0] / pair[1]:.1%}" if pair[1] else "—"
