"""Odd looks: the pack's rules asked of the day before and of today, each finding a loop for the privacy officer.

The worker asks every few minutes. A person, a rule and a day have one loop at most, by the name of the command that
opens it; asking again, or by two workers at once, changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from yishe.insight import anomaly_sql, kinship
from yishe.insight.anomaly_sql import Counted, Span
from yishe.loops import matters, sets
from yishe.loops.matters import Matter
from yishe.loops.models import Loop
from yishe.loops.projection import state_of
from yishe.people import access, directory, packs
from yishe.people.actors import SYSTEM, Actor
from yishe.policy.anomaly_rules import AnomalyRule, AnomalySheet
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Refused
from yishe.trust import ids, ledger, line_seals
from yishe.trust.models import Entry

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Finding:
    """One person did more of what one rule counts, on one local day, than the pack lets pass."""

    rule: str
    person: UUID
    day: date
    count: int

    @property
    def command(self) -> str:
        """One loop for a person, a rule and a day."""
        return f"anomaly:{self.rule}:{self.person}:{self.day}"


def look(at: datetime) -> list[UUID]:
    """Ask every approved rule of yesterday and today; returns the loops opened. None while the loop kind is a draft."""
    sheet = packs.in_force().anomalies
    today = at.astimezone(sets.ZONE).date()
    kind = {one.code: one for one in packs.in_force().loop_kinds(today)}.get(sheet.kind)
    if kind is None:
        return []
    rules = {code: rule for code, rule in sheet.approved().items() if rule.reason in kind.reasons}
    found = [one for day in (today - DAY, today) for one in findings(rules, day, at)]
    return [loop for one in _new(found) if (loop := _opened(one, sheet, rules[one.rule], at))]


def findings(rules: Mapping[str, AnomalyRule], day: date, at: datetime) -> Iterator[Finding]:
    """What the rules find on a local day, as it stands at `at`."""
    sheet, book = packs.in_force().anomalies, directory.current()
    homes = tuple(line_seals.homes())
    if not homes:
        return
    for code, rule in rules.items():
        counted = _day_of(rule, day)
        for person, count in sorted(_measured(rule, sheet, homes, counted, at).items()):
            member = book.people.get(person)
            if member and rule.odd(count, member.duties(min(at, sets.day(counted) + DAY))):
                yield Finding(code, person, counted, count)


def _day_of(rule: AnomalyRule, day: date) -> date:
    """Care may come within a time: the day asked about is so much earlier."""
    return day - rule.within.exact() - DAY if rule.measure == "uncared" and rule.within else day


def _measured(
    rule: AnomalyRule, sheet: AnomalySheet, homes: tuple[UUID, ...], day: date, at: datetime
) -> Counted:
    since = sets.day(day)
    span, looks = Span(homes, since, min(since + DAY, at + timedelta(microseconds=1))), sheet.looks
    if rule.measure == "uncared" and rule.within:
        return anomaly_sql.uncared(span, rule.relations, rule.care, since + DAY + rule.within.exact())
    if rule.measure == "night" and rule.night:
        return anomaly_sql.night(span, looks, rule.night)
    if rule.measure == "marked":
        protection = packs.in_force().access.protection
        protected = protection is not None and not set(rule.traits).isdisjoint(protection.traits)
        return anomaly_sql.marked(span, looks, rule.traits, protected=protected)
    plain = {
        "strangers": lambda: anomaly_sql.strangers(span, looks),
        "on_leave": lambda: anomaly_sql.on_leave(span, looks),
        "own_record": lambda: kinship.own_records(span, looks),
        "own_family": lambda: kinship.families(span, looks),
        "exported_rows": lambda: anomaly_sql.exported_rows(span),
        "refusals": lambda: anomaly_sql.refusals(span),
    }
    return plain[rule.measure]()


def _new(found: Iterable[Finding]) -> list[Finding]:
    """Those that no loop asks about yet."""
    asked = {one.command: one for one in found}
    known = Entry.objects.filter(actor=ids.SYSTEM, command_id__in=list(asked)).values_list(
        "command_id", flat=True
    )
    return [asked[command] for command in asked.keys() - set(known)]


def _opened(one: Finding, sheet: AnomalySheet, rule: AnomalyRule, at: datetime) -> UUID | None:
    """The loop; None when nobody is there to answer, so that it is tried again."""
    book = directory.current()
    member = book.people[one.person]
    home = member.centre(at) or next((post.centre for post in reversed(member.posts) if post.centre), None)
    if home is None:
        units = book.units("centre")
        home = units[0].id if units else None
    if home is None:
        return None
    place = matters.beside(member.id, home, at)
    head = book.centre_lead(place, at)
    matter = Matter(
        sheet.kind, home, place, rule.reason, sender=head.id if head else None, besides=(one.person,),
        codes={"rule": one.rule, "person": str(one.person), "count": one.count, "more_than": rule.more_than,
               "day": one.day.isoformat()},
    )  # fmt: skip
    try:
        return matters.open_(SYSTEM, matter, at, command_id=one.command)
    except Refused:
        return None


@dataclass(frozen=True)
class Asked:
    """A finding and the loop that asks about it."""

    finding: Finding
    state: LoopState


def asked(actor: Actor, at: datetime, limit: int) -> list[Asked]:
    """The newest loops about odd looks that this person takes part in or leads."""
    me = Q(performer=actor.staff_id) | Q(sender=actor.staff_id) | Q(owner=actor.staff_id)
    led = Q(centre__in=access.leading(actor.member, at))
    kind = packs.in_force().anomalies.kind
    rows = list(Loop.objects.filter(me | led, kind=kind).order_by("-promised_at", "-id")[:limit])
    entries = {e.stream: e for e in Entry.objects.filter(stream__in=[row.id for row in rows], seq=1)}
    return [Asked(_finding(entries[row.id]), state_of(row)) for row in rows if row.id in entries]


def _finding(entry: Entry) -> Finding:
    codes = ledger.facts_of(entry)["matter"]
    return Finding(codes["rule"], UUID(codes["person"]), date.fromisoformat(codes["day"]), codes["count"])
