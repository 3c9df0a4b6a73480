"""Reminders that a contract is about to end: to whoever answers for it, on the days the pack names.

The loop that offers the next year opens by itself (`care.year`); these come beside it, each once.
"""

from datetime import date, datetime
from uuid import UUID

from yishe.care import contracts
from yishe.care.models import Contract
from yishe.people import directory, packs, placements
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.contract_rules import Renewal
from yishe.policy.refusals import Unavailable
from yishe.talk import outbox
from yishe.trust.commit import Bundle

TOPIC = "contract.ending"


def remind(at: datetime) -> int:
    """Tell of every contract in force whose end is as near as a reminder says; returns of how many. After some days without a
    worker only the nearest reminder is told, and none twice."""
    sheet, today = packs.in_force().contracts, at.astimezone(ZONE).date()
    if sheet is None:
        return 0
    rows = _ending(sheet.renewal, today)
    return sum(_told(row, sheet.renewal, today, at) for row in rows)


def _ending(rule: Renewal, today: date) -> list[Contract]:
    """Those in force, near their end, whose next year nobody has begun."""
    if not rule.reminders:
        return []
    following = Contract.objects.filter(ended_at=None, renews__isnull=False).values("renews")
    near = Contract.objects.filter(
        ended_at=None, until__gt=today, until__lte=today + rule.reminders[0].exact()
    )
    return list(near.exclude(id__in=following).order_by("until", "id"))


def _told(row: Contract, rule: Renewal, today: date, at: datetime) -> bool:
    nearest = rule.reminded(row.until, today) if row.until else None
    where = placements.placement_of_subject(row.subject)
    if nearest is None or where is None or where.gone:
        return False
    bundle = Bundle()
    for person in _answering(where, rule, at):
        outbox.tell(
            bundle, home=where.home, person=person, topic=TOPIC, key=f"{TOPIC}:{row.id}:{nearest}:{person}", at=at,
            subject=where.subject,
        )  # fmt: skip
    bundle.commit()
    return True


def _answering(where: Placement, rule: Renewal, at: datetime) -> list[UUID]:
    """The named doctor and whoever offers the next year."""
    try:
        offering = directory.current().performer(rule.duty, where, at).member.id
    except Unavailable:
        offering = None
    return list(dict.fromkeys(one for one in (where.doctor, offering) if one))


# Readers


def near(row: Contract, today: date) -> bool:
    """Whether its end is so near that it should be said on the resident's page."""
    return row.until is not None and contracts.sheet_now().renewal.reminded(row.until, today) is not None
