"""The year a contract promises: what package and rules ask for, laid into windows. Pure; the days are local dates.

Several rules may ask for the same service: the one that asks most often wins, and each kept promise keeps all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from .contract_rules import NO_LONGER, OTHER_INTERVAL, RENEWAL, ContractSheet

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Owed:
    """One promise of the year. It may be kept from `starts` on, should be by `due`, and can be until `ends`, both included.

    `nth` of `times`; `covers` are the package and rules it keeps; `kind` the loop it becomes."""

    kind: str
    service: str
    nth: int
    times: int
    starts: date
    due: date
    ends: date
    duty: str
    covers: tuple[str, ...]

    @cached_property
    def plain(self) -> dict[str, Any]:
        """As the ledger keeps it; worked out once for all whose year is laid alike."""
        days = {"starts": self.starts.isoformat(), "due": self.due.isoformat(), "ends": self.ends.isoformat()}
        return {**self.columns, **days}

    @cached_property
    def columns(self) -> dict[str, Any]:
        """Its fields as a row keeps them."""
        return {
            "kind": self.kind, "service": self.service, "nth": self.nth, "times": self.times, "starts": self.starts,
            "due": self.due, "ends": self.ends, "duty": self.duty, "covers": list(self.covers),
        }  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """Who asks for a service, how many times a year. `by` is `package:<code>` or a rule's code."""

    by: str
    service: str
    times: int


@dataclass(frozen=True)
class Standing:
    """A promise that was written before and not withdrawn, as far as planning the rest of the year asks."""

    id: UUID
    service: str
    nth: int
    times: int
    covers: tuple[str, ...]
    kept_on: date | None = None


@dataclass(frozen=True)
class Changes:
    """What becomes of a year: promises that come, those that fall with a reason of `Replanning`, and those that are asked for
    by others than before."""

    added: tuple[Owed, ...] = ()
    withdrawn: tuple[tuple[UUID, str], ...] = ()
    covers: tuple[tuple[UUID, tuple[str, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.withdrawn or self.covers)


def end_of(since: date, months: int) -> date:
    """The first day after a term of so many months that begins on `since`."""
    year, month = divmod(since.month - 1 + months, 12)
    month_after = date(since.year + year, month + 1, 1)
    last = (month_after.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    return min(month_after.replace(day=min(since.day, last.day)), last)


def year(sheet: ContractSheet, claims: tuple[Claim, ...], since: date, until: date) -> tuple[Owed, ...]:
    """Every promise of a contract from `since` to the day before `until`, the offer of the next year last."""
    asked: dict[str, list[Claim]] = {}
    for claim in claims:
        asked.setdefault(claim.service, []).append(claim)
    owed = [one for service in asked for one in _laid(sheet, service, asked[service], since, until)]
    last = until - DAY
    offered = max(since, until - sheet.renewal.before.exact())
    renewal = Owed(sheet.renewal.kind, RENEWAL, 1, 1, offered, last, last, sheet.renewal.duty, (RENEWAL,))
    return (*sorted(owed, key=lambda one: (one.due, one.service)), renewal)


def _laid(sheet: ContractSheet, service: str, claims: list[Claim], since: date, until: date) -> list[Owed]:
    """The strictest claim cut into equal windows, one after the other without a gap."""
    times = max(claim.times for claim in claims)
    days, covers = (until - since).days, tuple(claim.by for claim in claims)
    marks = [since + timedelta(days=days * n // times) for n in range(times + 1)]
    duty = sheet.services[service].duty
    return [
        Owed(sheet.item, service, n + 1, times, marks[n], marks[n + 1] - DAY, until - DAY, duty, covers)
        for n in range(times)
    ]


def replanned(
    sheet: ContractSheet, claims: tuple[Claim, ...], since: date, until: date, today: date, standing: Sequence[Standing]
) -> Changes:  # fmt: skip
    """The rest of a year from `today` on, by what is asked for now. What was kept stays kept and is not asked for again;
    a window that ended before today is not asked for any more. Doing it again changes nothing."""
    wanted: dict[str, list[Owed]] = {}
    for one in year(sheet, claims, since, until)[:-1]:
        wanted.setdefault(one.service, []).append(one)
    mine: dict[str, list[Standing]] = {}
    for stands in standing:
        mine.setdefault(stands.service, []).append(stands)
    parts = [
        _replanned(wanted.get(one, []), mine.get(one, []), today) for one in dict.fromkeys([*wanted, *mine])
    ]
    return Changes(
        tuple(one for part in parts for one in part.added),
        tuple(one for part in parts for one in part.withdrawn),
        tuple(one for part in parts for one in part.covers),
    )


def _replanned(wanted: Sequence[Owed], mine: Sequence[Standing], today: date) -> Changes:
    """One service. The windows are those of the whole year, so that the same facts always ask for the same."""
    times = wanted[0].times if wanted else 0
    why = OTHER_INTERVAL if wanted else NO_LONGER
    fallen = tuple((one.id, why) for one in mine if one.kept_on is None and one.times != times)
    there = {one.nth for one in mine if one.times == times}
    kept = [one.kept_on for one in mine if one.kept_on is not None and one.times != times]
    added = tuple(
        one if one.starts >= today else replace(one, starts=today)
        for one in wanted
        if one.due >= today and one.nth not in there and not any(one.starts <= day <= one.due for day in kept)
    )
    asked = tuple(
        (one.id, wanted[0].covers)
        for one in mine
        if one.times == times and one.kept_on is None and one.covers != wanted[0].covers
    )
    return Changes(added, fallen, asked)


def fitting(sheet: ContractSheet, services: tuple[str, ...], how: str) -> tuple[str, ...]:
    """Every service that one contact of this kind keeps: those named, and what they count as where the way fits."""
    named = dict.fromkeys(services)
    for service in services:
        named |= dict.fromkeys(sheet.services[service].counts_as)
    return tuple(one for one in named if how in sheet.services[one].how)


def counted(owed: tuple[Owed, ...]) -> Mapping[str, int]:
    """Times a year by service, without the renewal."""
    return {one.service: one.times for one in owed if one.service != RENEWAL}
