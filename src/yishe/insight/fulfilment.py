"""履约率: of the promises of contracts whose day has come, how many were kept by it; each number with its list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncDate

from yishe.care import owing
from yishe.care.models import Owed
from yishe.care.owing import Line
from yishe.insight import scopes
from yishe.people import access, directory, packs
from yishe.people.actors import Actor
from yishe.people.cards import Card, cards
from yishe.people.particulars import ZONE
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.refusals import Invalid

SEE = "resident.read"
MOST = 200
SETS = {
    "due": "到期应做", "in_time": "已按时做", "late": "做了但迟了", "overdue": "逾期未做", "open": "现在该做",
}  # fmt: skip


@dataclass(frozen=True)
class Fulfilment:
    """`counts` by set of `SETS`; the rate is `in_time` of `due`. `title` names whose it is, `filter` goes with every list."""

    title: str
    counts: dict[str, int]
    filter: dict[str, str]
    small: bool


def rate(
    actor: Actor, at: datetime, *, small: int, team: UUID | None = None, centre: UUID | None = None, duty: str = ""
) -> Fulfilment:  # fmt: skip
    """The numbers of the widest scope this person has, or a narrower one within it, of all promises or of one duty's share.
    Forbidden outside of it."""
    scope = scopes.scope_of(actor, at, small=small, team=team, centre=centre)
    rows = _rows(scope.filter, duty)
    today = at.astimezone(ZONE).date()
    counts = {name: rows.filter(_set(name, today)).count() for name in SETS}
    return Fulfilment(scope.title, counts, dict(scope.filter), counts["due"] < small)


def lines(
    actor: Actor, wanted: str, at: datetime, *, small: int, team: UUID | None = None, centre: UUID | None = None,
    duty: str = "",
) -> Sequence[Line]:  # fmt: skip
    """The promises behind one of the numbers, earliest due first, of the residents this person may read; at most 200."""
    if wanted not in SETS:
        raise Invalid(
            "set", f"没有“{wanted}”这个清单：可选 {'、'.join(SETS)}。", field="set", possible=list(SETS)
        )
    scope = scopes.scope_of(actor, at, small=small, team=team, centre=centre)
    today = at.astimezone(ZONE).date()
    rows = _rows(scope.filter, duty).filter(_set(wanted, today)).select_related("contract")
    found = list(rows.order_by("due", "id")[:MOST])
    mine = set(access.within(actor, SEE, {one.subject for one in found}, at))
    closed = owing.unserved([one.loop for one in found if one.loop])
    return [owing.line(one, one.contract, closed, today).hushed for one in found if one.subject in mine]


def duties() -> dict[str, str]:
    """Whom the pack lets a contract's services be promised to, in words."""
    pack = packs.in_force()
    held = {one.duty for one in pack.contracts.services.values()} if pack.contracts else set()
    return {code: str(one.title) for code, one in pack.duties.items() if code in held}


@dataclass(frozen=True)
class Share:
    """How one resident stands: `counts` by set of `SETS`."""

    card: Card
    counts: dict[str, int]


def by_resident(
    actor: Actor,
    at: datetime,
    *,
    small: int,
    team: UUID | None = None,
    centre: UUID | None = None,
    duty: str = "",
) -> tuple[str, list[Share]]:
    """The same numbers for each resident this person may read, those most often missed first; with the title of the scope."""
    scope = scopes.scope_of(actor, at, small=small, team=team, centre=centre)
    today = at.astimezone(ZONE).date()
    counted = {f"n_{name}": Count("pk", filter=_set(name, today)) for name in SETS}
    rows: dict[UUID, Any] = {
        one["subject"]: one for one in _rows(scope.filter, duty).values("subject").annotate(**counted)
    }
    whose = cards(access.within(actor, SEE, rows, at))
    found: dict[UUID, Share] = {}
    for subject, card in whose.items():
        share = found.setdefault(card.resident, Share(card, dict.fromkeys(SETS, 0)))
        for name in SETS:
            share.counts[name] += rows[subject][f"n_{name}"]
    return scope.title, sorted(
        found.values(), key=lambda one: (one.counts["in_time"] - one.counts["due"], one.card.resident)
    )


def _rows(within: dict[str, str] | object, duty: str) -> QuerySet[Owed]:
    """The services of every signed contract of these teams, or those of one duty; the offer of the next year is none of them."""
    rows = Owed.objects.exclude(service=RENEWAL).annotate(over=TruncDate("contract__ended_at", tzinfo=ZONE))
    rows = rows.filter(duty=duty) if duty else rows
    given = dict(within) if isinstance(within, dict) else {}
    if not given:
        return rows
    named = [UUID(one) for value in given.values() for one in value.split(",")]
    if scopes.TEAM in given:
        return rows.filter(contract__team__in=named)
    book = directory.current()
    return rows.filter(contract__team__in=[unit.id for one in named for unit in book.units("team", one)])


def _set(name: str, today: date) -> Q:
    still = Q(over=None) & Q(withdrawn_on=None)
    due = Q(due__lt=today) & (Q(over=None) | Q(due__lt=F("over")))
    due &= Q(withdrawn_on=None) | Q(due__lt=F("withdrawn_on"))
    unkept = Q(kept_on=None)
    return {
        "due": due,
        "in_time": due & Q(kept_on__lte=F("due")),
        "late": due & Q(kept_on__gt=F("due")),
        "overdue": due & unkept & still,
        "open": unkept & still & Q(starts__lte=today, due__gte=today),
    }[name]
