"""本年履约 as a workbook: of each resident what was owed, done in time, late and missed; names masked."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.insight import exports, fulfilment, workbooks
from yishe.insight.exports import Wanted
from yishe.insight.fulfilment import Share
from yishe.people import directory, packs
from yishe.people.actors import Actor
from yishe.people.particulars import ZONE

KIND = "fulfilment"
COLUMNS = (
    ("居民", 10), ("性别", 6), ("年龄", 6), ("社区", 18), ("团队", 16), ("到期应做（分母）", 14), ("按时做了（分子）", 14),
    ("做了但迟了", 12), ("逾期未做", 10), ("现在该做", 10),
)  # fmt: skip


def fulfilment_xlsx(
    actor: Actor,
    at: datetime,
    *,
    purpose: str,
    team: UUID | None = None,
    centre: UUID | None = None,
    duty: str = "",
) -> bytes:
    """Of one `duty` alone when it is given. Raises what `exports.take_out` and `fulfilment.by_resident` raise."""
    exports.room(actor, KIND, at)
    today = at.astimezone(ZONE).date()
    small = packs.in_force().settings(today).small_number
    title, shares = fulfilment.by_resident(actor, at, small=small, team=team, centre=centre, duty=duty)
    title += f" · {fulfilment.duties().get(duty, duty)}" if duty else ""
    taken = Wanted(
        KIND, purpose, len(shares), title, tuple(one.card.subject for one in shares),
        home=actor.member.centre(at) or (shares[0].card.centre if shares else None),
    )  # fmt: skip
    rows = [list(_cells(one, today)) for one in shares]
    return exports.take_out(actor, taken, at, lambda mark: workbooks.written("本年履约", mark, COLUMNS, rows))


def _cells(one: Share, today: date) -> Iterator[Any]:
    card, book = one.card, directory.current()
    place = book.places.get(card.neighbourhood) if card.neighbourhood else None
    team = book.organisations.get(card.team) if card.team else None
    yield from (card.masked_name, str(packs.in_force().codes["sex"].get(card.sex, card.sex)), card.age(today))
    yield from (place.name if place else "", team.name if team else "")
    yield from (one.counts[name] for name in ("due", "in_time", "late", "overdue", "open"))
