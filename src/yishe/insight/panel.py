"""我的名册: those this person's team answers for, by what is owed to them: late first, then by the end of the window.

The order is a keyset over the residents themselves, so that a page costs the same wherever it begins.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Count, DateField, Exists, Max, OuterRef, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import IsNull

from yishe.care import class_stream, guarded, lives, owing
from yishe.care.class_stream import AS_FACTS
from yishe.care.models import Contract, Encounter, Owed, ServiceNote
from yishe.care.owing import Line
from yishe.loops.models import Loop
from yishe.people import access, cards, packs, placements, protections, search, standing
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.models import Resident, Subject
from yishe.people.particulars import ZONE
from yishe.policy import cursors
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.refusals import Invalid
from yishe.trust.scoping import everybody

SEE = "resident.read"
NOTHING_OWED = date(9998, 12, 31)
ALL = "all"
MOST = 100_000
"""More than any centre has."""
SETS = {
    ALL: "全部", "late": "有逾期", "now": "现在该做", "renewal": "到期续约", "unsigned": "没有签约",
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which part of the panel. Empty means not narrowed; `aged` are full years, the second excluded; `quiet_since`: no
    contact on or after that day; class and tiers as they count today; `duty`: only what is promised to it counts as owed."""

    set: str = ALL
    service: str = ""
    package: str = ""
    trait: str = ""
    place: UUID | None = None
    aged: tuple[int | None, int | None] = (None, None)
    quiet_since: date | None = None
    resident_class: str = ""
    medical: str = ""
    social: str = ""
    duty: str = ""


@dataclass(frozen=True)
class Row:
    """One resident of the panel: the contract that counts or was last, the next promise, and the last time anybody of us met
    her."""

    card: Card
    contract: Contract | None
    next: Line | None
    met: datetime | None


@dataclass(frozen=True)
class Page:
    """`counts` by set of `SETS`, under the other filters; `next` continues after the last row, None at the end."""

    rows: list[Row]
    counts: Mapping[str, int] = field(default_factory=dict)
    next: str | None = None


def page(actor: Actor, wanted: Wanted, at: datetime, limit: int, cursor: str | None = None) -> Page:
    """One page of the panel. Invalid for an unknown set or trait and a forged cursor; empty for who answers for nobody."""
    if wanted.set not in SETS:
        raise Invalid(
            "set",
            f"名册没有“{wanted.set}”这一部分：可选 {'、'.join(SETS)}。",
            field="set",
            possible=list(SETS),
        )
    today = at.astimezone(ZONE).date()
    narrowed = _narrowed(search.panel(actor, access.scope(actor, SEE, at), at).order_by(), wanted, today)
    counts = narrowed.aggregate(**{name: Count("pk", filter=_set(name, today, wanted.duty)) for name in SETS})
    ordered = narrowed.filter(_set(wanted.set, today, wanted.duty))
    ordered = ordered.annotate(owes=_owes(today, wanted.duty)).order_by("owes", "pk")
    if cursor:
        moment, last = cursors.read(cursor)
        ordered = ordered.filter(Q(owes__gt=moment.date()) | Q(owes=moment.date(), pk__gt=last))
    found = list(ordered.values_list("pk", "owes")[: limit + 1])
    shown = [resident for resident, _ in found[:limit]]
    more = (
        cursors.write(datetime.combine(found[limit - 1][1], time.min, UTC), shown[-1])
        if len(found) > limit
        else None
    )
    return Page(_rows(actor, shown, at, wanted.duty), counts, more)


def everyone(actor: Actor, wanted: Wanted, at: datetime, most: int | None) -> list[Row]:
    """The same without pages, for a file: at most `most` rows and one, by which a caller sees that there are more."""
    return page(actor, wanted, at, (most or MOST) + 1).rows


def these(actor: Actor, residents: Iterable[UUID], at: datetime) -> list[Card]:
    """Those of them who are on this person's panel, with what may be shown of where they live."""
    mine = search.panel(actor, access.scope(actor, SEE, at), at).order_by().filter(pk__in=list(residents))
    found = {
        card.resident: protections.showing(actor, card, at)
        for card in cards.opened(Resident.objects.filter(pk__in=mine.values("pk")))
    }
    return [found[one] for one in dict.fromkeys(residents) if one in found]


# What a resident is owed, as parts of a query over residents


def _of(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Rows of whichever subjects the resident of the outer query has."""
    subjects = Subject.objects.filter(resident=OuterRef(OuterRef("pk"))).values("subject")
    return rows.filter(subject__in=subjects)


def _some(rows: QuerySet[Any]) -> Q:
    """Whether there is one, looked up for each resident of the panel: as an EXISTS, PostgreSQL joins it with the promises of the
    whole district (5 s for 2 000 residents of 8 000, against 0.1 s so)."""
    return Q(IsNull(Subquery(rows.values("pk")[:1]), False))


def _outstanding(today: date, duty: str = "") -> QuerySet[Owed]:
    """Promises that can still be kept, or those of one duty."""
    ended = Loop.objects.filter(id=OuterRef("loop"), closed_at__isnull=False)
    rows = Owed.objects.filter(duty=duty) if duty else Owed.objects.all()
    return _of(
        rows.filter(~Exists(ended), kept_on=None, withdrawn_on=None, contract__ended_at=None, ends__gte=today)
    )


def _owes(today: date, duty: str) -> Coalesce:
    """When the earliest of them is due."""
    first = _outstanding(today, duty).order_by("due").values("due")[:1]
    return Coalesce(Subquery(first), Value(NOTHING_OWED), output_field=DateField())


def _signed(today: date) -> QuerySet[Contract]:
    return _of(Contract.objects.filter(ended_at=None, until__gt=today))


def _set(name: str, today: date, duty: str = "") -> Q:
    sheet = packs.in_force().contracts
    if name == "late":
        return _some(_outstanding(today, duty).filter(due__lt=today))
    if name == "now":
        return _some(_outstanding(today, duty).filter(starts__lte=today, due__gte=today))
    if name == "unsigned":
        return ~_some(_signed(today))
    if name == "renewal":
        asked = today + sheet.renewal.before.exact() if sheet else today
        running = _of(Contract.objects.filter(ended_at=None))
        later = running.filter(Q(until=None) | Q(until__gt=asked))
        return _some(running.filter(until__lte=asked)) & ~_some(later)
    return Q()


def _narrowed(rows: QuerySet[Resident], wanted: Wanted, today: date) -> QuerySet[Resident]:
    rows = _promised(rows, wanted, today)
    if wanted.trait:
        if wanted.trait not in diseases():
            raise Invalid(
                "trait", "没有这种疾病可选：请从列表里选。", field="trait", possible=list(diseases())
            )
        rows = rows.annotate(listed=Cast("traits", TextField())).filter(listed__contains=f'"{wanted.trait}"')
    if wanted.place:
        rows = rows.filter(neighbourhood=wanted.place)
    low, high = wanted.aged
    if low is not None:
        rows = rows.filter(birth_date__lte=_years_before(today, low))
    if high is not None:
        rows = rows.filter(birth_date__gt=_years_before(today, high))
    if wanted.quiet_since:
        since = lives.begins(wanted.quiet_since)
        for model in (Encounter, ServiceNote):
            met = everybody(model, "narrowed to the subject of each resident").filter(occurred_at__gte=since)
            rows = rows.filter(~_some(_of(met.filter(withdrawn=False))))
    return _classed(rows, wanted, today)


def _classed(rows: QuerySet[Resident], wanted: Wanted, today: date) -> QuerySet[Resident]:
    for name, track in AS_FACTS.items():
        if step := getattr(wanted, name):
            rows = rows.filter(_some(_of(class_stream.at_step(track, _step(track, step), today))))
    return rows


def _step(track: str, code: str) -> str:
    """Invalid for what is no step of class or tier."""
    possible = steps(track)
    if code not in possible:
        words = "、".join(possible.values())
        raise Invalid(track, f"没有这个分类或分级：可选 {words}。", field=track, possible=list(possible))
    return code


def _promised(rows: QuerySet[Resident], wanted: Wanted, today: date) -> QuerySet[Resident]:
    """Those who have this package, and to whom this service or anything of this duty is owed."""
    if wanted.service:
        rows = rows.filter(_some(_outstanding(today).filter(service=wanted.service, starts__lte=today)))
    if wanted.duty:
        rows = rows.filter(_some(_outstanding(today, wanted.duty)))
    if wanted.package:
        rows = rows.filter(_some(_signed(today).filter(package=wanted.package)))
    return rows


def _years_before(today: date, years: int) -> date:
    year = max(1, today.year - years)
    leap = (today.month, today.day) == (2, 29)
    return date(year, today.month, 28 if leap else today.day)


# The rows of a page


def _rows(actor: Actor, residents: list[UUID], at: datetime, duty: str = "") -> list[Row]:
    found = cards.opened(Resident.objects.filter(pk__in=residents))
    shown = {card.resident: protections.showing(actor, card, at) for card in found}
    subjects = placements.subjects_of_all(residents)
    contracts, next_, met = _contracts(subjects), _next(subjects, at, duty), _met(subjects)
    rows = [
        Row(shown[one], contracts.get(one), next_.get(one), met.get(one)) for one in residents if one in shown
    ]
    return [_as_seen(actor, row, at) for row in rows]


def _as_seen(actor: Actor, row: Row, at: datetime) -> Row:
    """A sensitive promise by its name only to those who see diagnoses of her."""
    known = standing.known(actor.member, row.card, at) if not actor.is_system else {}
    whole = actor.is_system or packs.in_force().access.sees(guarded.DIAGNOSIS, known)
    return row if whole or row.next is None else Row(row.card, row.contract, row.next.hushed, row.met)


def _contracts(subjects: Mapping[UUID, UUID]) -> dict[UUID, Contract]:
    """Of each the contract in force or the last one."""
    rows = Contract.objects.filter(subject__in=subjects, signed_at__isnull=False).order_by("since")
    return {subjects[row.subject]: row for row in sorted(rows, key=lambda one: one.ended_at is None)}


def _next(subjects: Mapping[UUID, UUID], at: datetime, duty: str) -> dict[UUID, Line]:
    today = at.astimezone(ZONE).date()
    promised = Owed.objects.filter(duty=duty) if duty else Owed.objects.all()
    rows = promised.filter(
        subject__in=subjects, kept_on=None, withdrawn_on=None, contract__ended_at=None, ends__gte=today
    ).select_related("contract")
    waiting = sorted(
        rows, key=lambda one: (one.due, one.service == RENEWAL, one.service, one.nth), reverse=True
    )
    closed = frozenset(
        Loop.objects.filter(id__in=[one.loop for one in waiting if one.loop], closed_at__isnull=False).values_list("id", flat=True)
    )  # fmt: skip
    return {
        subjects[one.subject]: owing.line(one, one.contract, closed, today)
        for one in waiting
        if one.loop not in closed
    }


def _met(subjects: Mapping[UUID, UUID]) -> dict[UUID, datetime]:
    found: dict[UUID, datetime] = {}
    for model in (Encounter, ServiceNote):
        rows = model.objects.filter(subject__in=list(subjects), withdrawn=False)
        for subject, last in rows.values_list("subject").annotate(last=Max("occurred_at")):
            who = subjects[subject]
            found[who] = max(last, found.get(who, last))
    return found


# What may be chosen


def diseases() -> dict[str, str]:
    """The diseases that a list may name, by code."""
    pack = packs.in_force()
    named = {code: one for code, one in pack.traits.items() if one.group == "disease"}
    return {code: str(named[code].title) for code in guarded.open_traits(list(named))}


def services() -> dict[str, str]:
    """What may be owed, the sensitive ones apart: whoever filters by one would read it off the list."""
    pack = packs.in_force()
    if pack.contracts is None:
        return {}
    reasons: Iterable[tuple[str, Any]] = pack.kinds[pack.contracts.item].values[-1].reasons.items()
    hushed = {code for code, one in reasons if one.sensitive}
    return {
        code: owing.agreements.title(code)
        for code in (*pack.contracts.services, RENEWAL)
        if code not in hushed
    }


def steps(track: str) -> dict[str, str]:
    """Classes, or the steps of a tier, by code, the weightiest first."""
    pack = packs.in_force().classes
    return {code: str(one.title) for code, one in pack.sheet.steps(track).items()} if pack else {}


def packages() -> dict[str, str]:
    """Packages by code, those not offered any more too: somebody may still have one."""
    sheet = packs.in_force().contracts
    return {code: str(one.title) for code, one in sheet.packages.items()} if sheet else {}
