"""今日电话 as a workbook: whom to phone and for what, in the order of the screen; names masked, numbers by their last digits."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from yishe.insight import calls, exports, workbooks
from yishe.insight.calls import MINE, NEVER, TEAM, Call
from yishe.insight.exports import Wanted
from yishe.people import directory, packs
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE

KIND = "calls"
COLUMNS = (
    ("居民", 10), ("性别", 6), ("年龄", 6), ("社区", 18), ("电话尾号", 10), ("现在打", 8), ("为什么", 30), ("最早应做到", 12),
    ("已打", 6), ("要知道的", 30),
)  # fmt: skip
WHOSE = {MINE: "我打", TEAM: "团队打"}


def calls_xlsx(actor: Actor, whose: str, at: datetime, *, purpose: str) -> bytes:
    """The calls that the screen names for `whose` (`mine`, `team`). Raises what `exports.take_out` raises."""
    exports.room(actor, KIND, at)
    whose = whose if whose in WHOSE else MINE
    found = calls.page(actor, whose, at)
    rows = [*found.now, *found.later]
    taken = Wanted(
        KIND, purpose, len(rows), WHOSE[whose], tuple(one.card.subject for one in rows),
        home=actor.member.centre(at) or (rows[0].card.centre if rows else None),
    )  # fmt: skip
    today = at.astimezone(ZONE).date()
    cells = [list(_cells(one, today)) for one in rows]
    return exports.take_out(
        actor, taken, at, lambda mark: workbooks.written("今日电话", mark, COLUMNS, cells)
    )


def _cells(one: Call, today: date) -> Iterator[Any]:
    card = one.card
    place = directory.current().places.get(card.neighbourhood) if card.neighbourhood else None
    yield from (card.masked_name, str(packs.in_force().codes["sex"].get(card.sex, card.sex)), card.age(today))
    yield from (place.name if place else "", card.phone[-4:], "是" if one.now else "先不打")
    yield "、".join(dict.fromkeys(each.title for each in one.owes))
    yield "" if one.due == NEVER else one.due
    yield from (one.tried, one.why)
