"""The follow-ups of one's panel as a workbook, of the last year: when, how, what it came to, when the next is due; names masked.

What of a follow-up its reader is only told of stands as those words.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from yishe.care import assessment_reading, followups
from yishe.care.assessment_reading import Form
from yishe.insight import exports, panel, workbooks
from yishe.insight.exports import Wanted
from yishe.people import packs
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.particulars import ZONE
from yishe.policy.followup_rules import HOW, Followup

KIND = "followups"
YEAR = timedelta(days=365)
COLUMNS = (
    ("居民", 10), ("性别", 6), ("年龄", 6), ("随访", 20), ("日期", 17), ("方式", 8), ("结果", 24), ("下次不晚于", 12), ("谁做", 12),
)  # fmt: skip


def followups_xlsx(actor: Actor, wanted: panel.Wanted, at: datetime, *, purpose: str) -> bytes:
    """Of those whom the panel shows under `wanted`. Raises what `exports.take_out` and `panel.page` raise."""
    exports.room(actor, KIND, at)
    cards = [row.card for row in panel.everyone(actor, wanted, at, panel.MOST)]
    found = assessment_reading.followed_up(actor, cards, at - YEAR, at)
    lines = [(card, form) for card in cards for form in found.get(card.resident, ())]
    taken = Wanted(
        KIND, purpose, len(lines), panel.SETS[wanted.set], tuple(card.subject for card, _ in lines),
        home=actor.member.centre(at) or (cards[0].centre if cards else None),
    )  # fmt: skip
    today = at.astimezone(ZONE).date()
    rows = [list(_cells(card, form, today)) for card, form in lines]
    return exports.take_out(actor, taken, at, lambda mark: workbooks.written("随访记录", mark, COLUMNS, rows))


def _cells(card: Card, form: Form, today: date) -> Iterator[Any]:
    yield from (card.masked_name, str(packs.in_force().codes["sex"].get(card.sex, card.sex)), card.age(today))
    told = form.told
    if told is None or not isinstance(form.scale, Followup):
        yield from ("随访", form.row.occurred_at, "", form.instead, "", form.author_name)
        return
    how = form.scale.options(HOW).get(str(told.answers.get(HOW)))
    yield from (str(form.scale.title), form.row.occurred_at, str(how.say) if how else "")
    found = followups.concluded(told)
    one = found.of(form.scale)
    yield from (str(one.title) if one else "未能分类（缺资料）", found.next, form.author_name)
