"""The load of a pack: how many contacts, by month and duty, it asks for, and which rules are behind each. Pure.

What one person of a duty can do in one go is one contact: each promise is kept on the last day it is in time, together with
every other open promise that the same contact fits. That is the fewest contacts which keep every promise in time.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

from .contract_rules import RENEWAL, ContractSheet
from .contract_year import Claim, Owed, end_of, year
from .packs import PackSet
from .refusals import Invalid

ORIGIN = date(2001, 1, 1)
"""Where a term is laid before it is moved to its own first day."""
Facts = tuple[tuple[str, Any], ...]
Cell = tuple[str, str]
"""Month (2026-03) and duty."""


@dataclass(frozen=True)
class Contact:
    """One contact that keeps these promises; `covers` are the package and rules that ask for it."""

    on: date
    duty: str
    services: tuple[str, ...]
    covers: tuple[str, ...]


@dataclass(frozen=True)
class Alike:
    """`count` contracts that the pack cannot tell apart: the same package, facts and first day; `items` as they were signed."""

    package: str
    facts: Facts
    since: date
    count: int = 1
    items: tuple[tuple[str, int], ...] = ()


@dataclass
class Load:
    """`contacts` by month and duty; `behind` the same by the package or rule that asks, so a contact that several ask for
    stands in several. `residents` were counted; of `unknown` the pack knows no package."""

    contacts: Counter[Cell] = field(default_factory=Counter)
    behind: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    residents: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return self.contacts.total()

    def duties(self) -> tuple[str, ...]:
        return tuple(sorted({duty for _, duty in self.contacts}))


def contacts(sheet: ContractSheet, owed: Iterable[Owed]) -> list[Contact]:
    """The fewest contacts that keep these promises in time; the offer of the next year is none."""
    left = sorted(
        (one for one in owed if one.service != RENEWAL), key=lambda one: (one.due, _keeps_least(sheet, one))
    )
    found = []
    while left:
        first, now = left[0], [left[0]]
        later: list[Owed] = []
        for one in left[1:]:
            (now if _goes_along(sheet, first, one, now) else later).append(one)
        covers = dict.fromkeys(by for one in now for by in one.covers)
        found.append(Contact(first.due, first.duty, tuple(one.service for one in now), tuple(covers)))
        left = later
    return found


def _keeps_least(sheet: ContractSheet, one: Owed) -> tuple[int, str]:
    """Of those due on one day, what keeps others comes first."""
    return -len(sheet.services[one.service].counts_as), one.service


def _goes_along(sheet: ContractSheet, first: Owed, one: Owed, now: list[Owed]) -> bool:
    """Whether the contact of `first`, on its last day, keeps `one` as well; each service once."""
    if not one.starts <= first.due <= one.due or one.service in {each.service for each in now}:
        return False
    service = sheet.services[one.service]
    ways = set(sheet.services[first.service].how) & set(service.how)
    counts = any(one.service in sheet.services[each.service].counts_as for each in now)
    alike = (one.duty, service.record) == (first.duty, sheet.services[first.service].record)
    return bool(ways) and (counts or alike)


def asked(
    pack: PackSet, people: Iterable[Alike], since: date, months: int = 12, *, drafts: bool = False
) -> Load:
    """What the pack asks for in so many months from `since`, if every contract is renewed: its running term with what
    was signed, the next ones with the package of the pack. With `drafts` also by
    packages and rules that nobody has approved yet.

    Conditions are asked once for each set of facts, and a year is laid once for each set of claims and length of term."""
    sheet, until = pack.contracts, end_of(since, months)
    if sheet is None:
        raise Invalid("no_contracts", "政策包没有签约的规定：请管理员补上 contracts.yaml。")
    load = Load()

    @cache
    def claims(package: str, facts: Facts, items: tuple[tuple[str, int], ...]) -> tuple[Claim, ...]:
        return pack.owing(package, dict(facts), since, drafts=drafts, signed=True, items=dict(items))

    @cache
    def laid(said: tuple[Claim, ...], days: int) -> tuple[Contact, ...]:
        return tuple(contacts(sheet, year(sheet, said, ORIGIN, ORIGIN + timedelta(days=days))))

    for one in people:
        if one.package not in sheet.packages:
            load.unknown += one.count
            continue
        load.residents += one.count
        for begins, ends in _terms(sheet, one.since, since, until):
            signed = one.items if begins == one.since else ()
            made = laid(claims(one.package, one.facts, signed), (ends - begins).days)
            _count(load, made, begins - ORIGIN, one.count, (since, until))
    return load


def _terms(sheet: ContractSheet, first: date, since: date, until: date) -> list[tuple[date, date]]:
    """The terms that reach into the time asked about, each from where the one before ends to its own end."""
    found, number, begins = [], 1, first
    while begins < until:
        ends = end_of(first, sheet.months * number)
        if ends > since:
            found.append((begins, ends))
        number, begins = number + 1, ends
    return found


def _count(
    load: Load, made: Iterable[Contact], moved: timedelta, times: int, within: tuple[date, date]
) -> None:
    for one in made:
        on = one.on + moved
        if within[0] <= on < within[1]:
            month = f"{on:%Y-%m}"
            load.contacts[month, one.duty] += times
            for by in one.covers:
                load.behind[month, one.duty, by] += times
