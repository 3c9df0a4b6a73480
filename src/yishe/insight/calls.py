"""今日电话: whom to phone today, because something that counts by phone is due or late, or somebody was not reached.

First who asked to be called by now, then by what is owed longest; whoever is not to be called at this hour stands apart, with why.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from yishe.care import agreements, attempts, contracts, guarded, lives, owing, scales
from yishe.care.models import Attempt, Encounter, Owed, ServiceNote
from yishe.loops.models import Loop
from yishe.people import access, cards, packs, protections, search, standing
from yishe.people.actors import Actor
from yishe.people.cards import Card
from yishe.people.models import Resident, Subject
from yishe.people.particulars import ZONE
from yishe.policy import unreachable
from yishe.policy.unreachable import Tried, Unreachable

SEE = "resident.read"
MINE, TEAM = "mine", "team"
SHOWN = 40
SCANNED = 400
"""So many promises and loops of one's own, and so many of the team, are looked at, those due first."""
NEVER = date(9998, 12, 31)


@dataclass(frozen=True)
class Owes:
    """One thing to phone for. `service` where the call itself can keep it, `form` the follow-up form that does, else its `loop`."""

    title: str
    due: date
    performer: UUID | None
    loop: UUID | None
    service: str = ""
    form: str = ""


@dataclass(frozen=True)
class Call:
    """One resident to phone. `why` says in words what is to be known before; `now`: at this hour."""

    card: Card
    owes: Sequence[Owes]
    tried: int
    last: Attempt | None
    why: str
    now: bool
    again_at: datetime | None = None

    @property
    def due(self) -> date:
        return min((one.due for one in self.owes), default=NEVER)


@dataclass(frozen=True)
class Calls:
    """`counts` by whose they are, everybody at this hour; `more` how many are not shown. `cut`: more is due than was looked at, so
    that the counts are at least so many."""

    now: list[Call]
    later: list[Call]
    counts: Mapping[str, int]
    more: int = 0
    cut: bool = False


@dataclass
class _Known:
    """What is known of one resident's calls."""

    owes: list[Owes] = field(default_factory=list)
    tries: list[Attempt] = field(default_factory=list)
    met: datetime | None = None
    visit: bool = False

    @property
    def people(self) -> set[UUID | None]:
        return {one.performer for one in self.owes} | {one.by for one in self.tries[:1]}


def page(actor: Actor, whose: str, at: datetime) -> Calls:
    """The calls of this person, or of all whom her teams answer for; at most `SHOWN` of each kind are named."""
    known, cut = _gathered(actor, at)
    told = {resident: _told(one, at) for resident, one in known.items()}
    counts = {
        MINE: sum(told[who][0] and actor.staff_id in one.people for who, one in known.items()),
        TEAM: sum(now for now, _, _ in told.values()),
    }
    chosen = [who for who, one in known.items() if whose == TEAM or actor.staff_id in one.people]
    ranked = sorted(chosen, key=lambda who: _rank(known[who], told[who]))
    now, later = [who for who in ranked if told[who][0]], [who for who in ranked if not told[who][0]]
    shown = _cards(actor, [*now[:SHOWN], *later[:SHOWN]], at)
    calls = {who: _call(actor, shown[who], known[who], told[who], at) for who in shown}
    return Calls(
        [calls[who] for who in now[:SHOWN] if who in calls],
        [calls[who] for who in later[:SHOWN] if who in calls],
        counts,
        max(0, len(now) - SHOWN),
        cut,
    )


# Gathering


def _gathered(actor: Actor, at: datetime) -> tuple[dict[UUID, _Known], bool]:
    """Whoever is owed something by phone or was not reached, each with all of it; and whether more is due than was looked at."""
    today = at.astimezone(ZONE).date()
    panel = search.panel(actor, access.scope(actor, SEE, at), at).order_by()
    mine = Subject.objects.filter(resident__in=panel.values("pk")).values("subject")
    (promised, more), (pursued, further) = (of(mine, today, actor.staff_id) for of in (_promised, _pursued))
    owes = [*promised, *pursued]
    tries = list(_tries(mine, at))
    subjects = {subject for subject, _ in owes} | {one.subject for one in tries}
    whose = dict(Subject.objects.filter(subject__in=subjects).values_list("subject", "resident"))
    known: dict[UUID, _Known] = defaultdict(_Known)
    for subject, one in owes:
        known[whose[subject]].owes.append(one)
    for tried in tries:
        known[whose[tried.subject]].tries.append(tried)
    for subject, last in _met(list(whose), at):
        mine_ = known[whose[subject]]
        mine_.met = max(last, mine_.met or last)
    for subject in _visited(list(whose)):
        known[whose[subject]].visit = True
    found = {
        who: one
        for who, one in known.items()
        if one.owes or attempts.since_reached(one.tries, one.met) or _again(one)
    }
    return found, more or further


def _first(rows: QuerySet[Any], own: QuerySet[Any]) -> tuple[list[Any], bool]:
    """What is due first, and of one's own what is due first: nobody's own calls are crowded out by the late ones of a team. And
    whether more is due than that."""
    every, his = list(rows[: SCANNED + 1]), list(own[: SCANNED + 1])
    return list(dict.fromkeys([*every[:SCANNED], *his[:SCANNED]])), max(len(every), len(his)) > SCANNED


def _promised(mine: QuerySet[Any], today: date, me: UUID) -> tuple[list[tuple[UUID, Owes]], bool]:
    """What the year owes that a call can keep, and whether there is more."""
    sheet = contracts.sheet_now()
    by_phone = [code for code, one in sheet.services.items() if sheet.calling.way in one.how]
    rows = Owed.objects.filter(
        subject__in=mine, kept_on=None, withdrawn_on=None, contract__ended_at=None, service__in=by_phone, starts__lte=today,
        ends__gte=today, due__lte=today + sheet.calling.ahead.exact(),
    ).order_by("due", "id")  # fmt: skip
    own = Loop.objects.filter(performer=me, closed_at=None).values("id")
    found, more = _first(rows, rows.filter(loop__in=own))
    open_ = Loop.objects.filter(id__in=[one.loop for one in found if one.loop], closed_at=None)
    performers = dict(open_.values_list("id", "performer"))
    return [
        (one.subject, Owes(agreements.title(one.service), one.due, performers.get(one.loop) if one.loop else None, one.loop, one.service))
        for one in found
        if one.loop is None or one.loop in performers
    ], more  # fmt: skip


def _pursued(mine: QuerySet[Any], today: date, me: UUID) -> tuple[list[tuple[UUID, Owes]], bool]:
    """Loops that are pursued by phone, with the form that keeps each, and whether there are more."""
    sheet = contracts.sheet_now().calling
    until = lives.begins(today + sheet.ahead.exact() + timedelta(days=1))
    rows = Loop.objects.filter(
        subject__in=mine, kind__in=sheet.kinds, closed_at=None, turn="performer", promised_by__lt=until
    ).order_by("promised_by", "id")
    pack = packs.in_force()
    told = rows.values_list("subject", "id", "kind", "reason", "performer", "promised_by")
    found, more = _first(told, told.filter(performer=me))
    return [
        (
            subject,
            Owes(
                str(pack.kinds[kind].values[-1].title),
                due.astimezone(ZONE).date(),
                performer,
                loop,
                form=f"{kind}:{reason}",
            ),
        )
        for subject, loop, kind, reason, performer, due in found
    ], more


def _tries(mine: QuerySet[Any], at: datetime) -> QuerySet[Attempt]:
    """Attempts that may still count, the newest first, under contracts that run."""
    since = at - attempts.required().calls.within.exact()
    today = at.astimezone(ZONE).date()
    rows = Attempt.objects.filter(
        subject__in=mine, tried_at__gt=since, contract__ended_at=None, contract__until__gt=today
    )
    return rows.order_by("-tried_at", "-id")


def _met(subjects: Sequence[UUID], at: datetime) -> list[tuple[UUID, datetime]]:
    since = at - attempts.required().calls.within.exact()
    found: list[tuple[UUID, datetime]] = []
    for model in (Encounter, ServiceNote):
        rows = model.objects.filter(subject__in=subjects, withdrawn=False, occurred_at__gt=since)
        found += rows.values_list("subject").annotate(last=Max("occurred_at"))
    return found


def _visited(subjects: Sequence[UUID]) -> list[UUID]:
    kind = attempts.required().visit.kind
    rows = Loop.objects.filter(subject__in=subjects, kind=kind, closed_at=None)
    return list(rows.values_list("subject", flat=True))


# Deciding


def _again(one: _Known) -> datetime | None:
    """When she asked to be called, while nothing has happened since."""
    last = one.tries[0] if one.tries else None
    if last is None or last.again_at is None or (one.met and one.met > last.tried_at):
        return None
    return last.again_at


def _told(one: _Known, at: datetime) -> tuple[bool, str, datetime | None]:
    """(whether at this hour, why in words, the hour she asked for)."""
    rule, here, again = attempts.required(), at.astimezone(ZONE), _again(one)
    if again is not None:
        there = again.astimezone(ZONE)
        day = "今天" if there.date() == here.date() else f"{there:%m-%d} "
        return again <= at, f"约好{day} {there:%H:%M} 再打".replace("  ", " "), again
    series = attempts.since_reached(one.tries, one.met)
    if one.visit:
        return False, "已派上门，等上门的结果", None
    if series:
        return *_repeated(rule, series, here), None
    reached = max(
        (each for each in (one.met, *(t.tried_at for t in one.tries if t.reached)) if each), default=None
    )
    if reached is not None and reached.astimezone(ZONE).date() == here.date():
        return False, "今天已经联系上", None
    return True, "", None


def _repeated(rule: Unreachable, series: Sequence[Attempt], here: datetime) -> tuple[bool, str]:
    """A call in vain is repeated on another day, at another part of it while those are lacking."""
    day, parts = unreachable.next_call(
        rule, [Tried(one.tried_at.astimezone(ZONE), one.way) for one in series], here
    )
    last = series[-1]
    tried = f"试过 {len(series)} 次，上次 {last.tried_at.astimezone(ZONE):%m-%d %H:%M} {rule.outcomes[last.outcome].title}"
    if day > here.date():
        return False, f"{tried}；明天再打"
    if rule.part(here.time()) not in parts:
        return (
            False,
            f"{tried}；换到{'、'.join(str(rule.parts[code].title) for code in rule.parts if code in parts)}打",
        )
    return True, tried


def _rank(one: _Known, told: tuple[bool, str, datetime | None]) -> tuple[bool, date, int]:
    """Who asked for this hour, then who waits longest, then to whom more is owed."""
    return told[2] is None, min((each.due for each in one.owes), default=NEVER), -len(one.owes)


# Showing


def _cards(actor: Actor, residents: Iterable[UUID], at: datetime) -> dict[UUID, Card]:
    found = cards.opened(Resident.objects.filter(pk__in=list(residents)))
    return {card.resident: protections.showing(actor, card, at) for card in found}


def _call(
    actor: Actor, card: Card, one: _Known, told: tuple[bool, str, datetime | None], at: datetime
) -> Call:
    known = standing.known(actor.member, card, at) if not actor.is_system else {}
    whole = actor.is_system or packs.in_force().access.sees(guarded.DIAGNOSIS, known)
    series = attempts.since_reached(one.tries, one.met)
    owes = sorted(
        (_as_seen(actor, each, whole, at) for each in one.owes), key=lambda each: (each.due, each.title)
    )
    return Call(card, owes, len(series), series[-1] if series else None, told[1], told[0], told[2])


def _as_seen(actor: Actor, one: Owes, whole: bool, at: datetime) -> Owes:
    """A sensitive service by its name only to those who see diagnoses; a form only to those who fill it."""
    if one.service and owing.sensitive(one.service) and not whole:
        return replace(one, title=owing.HUSHED, service="")
    return replace(one, form=_form(actor, one.form, at)) if one.form else one


def _form(actor: Actor, promise: str, at: datetime) -> str:
    duties = actor.member.duties(at)
    for form in scales.all_followups(at):
        keeps = {f"{one.kind}:{one.reason or ''}" for one in form.keeps}
        if promise in keeps and not duties.isdisjoint(form.filled_by.staff):
            return str(form.code)
    return ""
