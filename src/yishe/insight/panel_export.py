"""我的名册 as a workbook: what the list shows, names masked."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from yishe.insight import exports, panel, workbooks
from yishe.insight.exports import Wanted
from yishe.insight.panel import Row
from yishe.people import directory, packs
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE

KIND = "panel"
COLUMNS = (
    ("居民", 10), ("性别", 6), ("年龄", 6), ("社区", 18), ("服务包", 14), ("签约到期", 12), ("下一项", 20), ("第几次", 8),
    ("应做到", 12), ("情况", 12), ("谁做", 12), ("最近联系", 17),
)  # fmt: skip
STATES = {"overdue": "逾期", "open": "现在该做", "coming": "未到时候"}


def panel_xlsx(actor: Actor, wanted: panel.Wanted, at: datetime, *, purpose: str) -> bytes:
    """The rows that this person's panel shows under `wanted`. Raises what `exports.take_out` and `panel.page` raise."""
    most = exports.room(actor, KIND, at)
    rows = panel.everyone(actor, wanted, at, most)
    taken = Wanted(
        KIND, purpose, len(rows), panel.SETS[wanted.set], tuple(row.card.subject for row in rows),
        home=actor.member.centre(at) or (rows[0].card.centre if rows else None),
    )  # fmt: skip
    today = at.astimezone(ZONE).date()
    cells = [list(_cells(row, today)) for row in rows]
    return exports.take_out(
        actor, taken, at, lambda mark: workbooks.written("我的名册", mark, COLUMNS, cells)
    )


def _cells(row: Row, today: date) -> Iterator[Any]:
    card, pack = row.card, packs.in_force()
    place = directory.current().places.get(card.neighbourhood) if card.neighbourhood else None
    yield from (card.masked_name, str(pack.codes["sex"].get(card.sex, card.sex)), card.age(today))
    yield place.name if place else ""
    yield panel.packages().get(row.contract.package, row.contract.package) if row.contract else ""
    yield row.contract.until if row.contract else ""
    owed = row.next
    yield from (owed.title, f"{owed.nth}/{owed.times}", owed.due, STATES.get(owed.state, owed.state),
                str(pack.duties[owed.duty].title)) if owed else ("", "", "", "", "")  # fmt: skip
    yield row.met
