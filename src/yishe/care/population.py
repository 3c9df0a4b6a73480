"""A whole population at once: every contract's year completed, contracts that are alike worked out once.

It writes what `years.complete` writes for one contract, many to a commit, so whoever is stopped in the middle goes on with the
next run: what is there already is not lacking any more. That a run came to its end stands in the ledger, one entry a centre;
the next one looks only at contracts of which something may have changed since.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from uuid import UUID, uuid5

from yishe.care import years
from yishe.care.models import Contract, Owed
from yishe.care.years import Asked
from yishe.people import facts, packs
from yishe.people.actors import SYSTEM
from yishe.people.facts import Known
from yishe.people.particulars import ZONE
from yishe.policy import contract_year
from yishe.trust import commit, ledger
from yishe.trust.batch import Batch
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry

RAN = "population.ran"
SIZE = 1000
Progress = Callable[[int, int], None]
Lacking = Callable[[Asked, frozenset[str], date], tuple[contract_year.Owed, ...]]


@dataclass
class Run:
    """`contracts` are in force, of which `looked` were looked at and `completed` lacked something; `promises` were added, by
    service in `services`. `no_birth_date_or_package` could not be worked out; `busy` are left to the next run."""

    contracts: int = 0
    looked: int = 0
    completed: int = 0
    promises: int = 0
    no_birth_date_or_package: int = 0
    busy: int = 0
    services: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Before:
    """When a centre's last run began, and under which packs."""

    at: datetime
    pack: str


def run(
    at: datetime, *, everybody: bool = False, dry: bool = False, progress: Progress = lambda *_: None
) -> Run:
    """Complete every year that lacks something on that day. With `everybody` also contracts of which nothing changed; `dry`
    counts and writes nothing. Going on after being stopped neither loses nor doubles anything."""
    found, today = Run(), at.astimezone(ZONE).date()
    rows = Contract.objects.filter(ended_at=None, signed_at__isnull=False, until__gt=today)
    held = list(rows.values_list("id", "home", "subject", "signed_at").order_by("id"))
    found.contracts = len(held)
    homes = {home for _, home, _, _ in held}
    before = {home: None if everybody else _before(home) for home in homes}
    known = facts.of_everybody(years.WHY)
    wanted = [
        one for one, home, subject, signed in held if _changed(known.get(subject), signed, before[home], at)
    ]
    lacking = cache(years.lacking)
    with _without_collecting():
        for n in range(0, len(wanted), SIZE):
            _part(found, wanted[n : n + SIZE], known, lacking, at, dry=dry)
            progress(min(n + SIZE, len(wanted)), len(wanted))
    if not dry and not found.busy:
        _ended(homes, found, at)
    return found


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A burst of short-lived objects in which there are no cycles to look for."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _changed(known: Known | None, signed: datetime | None, before: Before | None, at: datetime) -> bool:
    """Whether anything a year depends on may be other than at the last run: the packs, her record, her age, the contract."""
    if before is None or known is None or signed is None or before.pack != packs.in_force().sha256:
        return True
    then, now = before.at.astimezone(ZONE).date(), at.astimezone(ZONE).date()
    return max(signed, known.updated_at) >= before.at or known.age(then) != known.age(now)


def _part(
    found: Run, ids: Sequence[UUID], known: dict[UUID, Known], lacking: Lacking, at: datetime, *, dry: bool
) -> None:
    """One commit. When somebody else wrote to one of these contracts meanwhile, each is tried alone."""
    batch, counted = Batch(), Run()
    for row, owed in _lacking(counted, ids, known, lacking, at):
        counted.completed += 1
        counted.promises += len(owed)
        counted.services.update(one.service for one in owed)
        if not dry:
            years.add(batch, row, owed, at)
    try:
        batch.commit()
    except (commit.Stale, commit.Duplicate):
        if len(ids) == 1:
            found.busy += 1
            return
        for one in ids:
            _part(found, [one], known, lacking, at, dry=dry)
        return
    _sum(found, counted)


def _lacking(
    counted: Run, ids: Sequence[UUID], known: dict[UUID, Known], lacking: Lacking, at: datetime
) -> Iterator[tuple[Contract, tuple[contract_year.Owed, ...]]]:
    today = at.astimezone(ZONE).date()
    held: dict[UUID, set[str]] = {one: set() for one in ids}
    for contract, service in (
        Owed.objects.filter(contract__in=ids).values_list("contract", "service").distinct()
    ):
        held[contract].add(service)
    for row in Contract.objects.filter(id__in=ids).order_by("id"):
        if not years.in_force(row, today):
            continue
        counted.looked += 1
        asked = years.asked_of(row, known.get(row.subject), today)
        if asked is None:
            counted.no_birth_date_or_package += 1
            continue
        owed = lacking(asked, frozenset(held[row.id]), today)
        if owed:
            yield row, owed


def _sum(found: Run, more: Run) -> None:
    found.looked += more.looked
    found.completed += more.completed
    found.promises += more.promises
    found.no_birth_date_or_package += more.no_birth_date_or_package
    found.services.update(more.services)


def _ended(homes: set[UUID], found: Run, at: datetime) -> None:
    """The ledger keeps that a run came to its end: one stream a centre, about no resident."""
    bundle = Bundle()
    for home in sorted(homes):
        stream = _stream(home)
        ledger.append(
            bundle, ledger.head(home, stream), home=home, stream=stream, kind=RAN, actor=SYSTEM.staff_id, at=at,
            pack=packs.in_force().sha256, data={"looked": found.looked, "completed": found.completed, "promises": found.promises},
        )  # fmt: skip
    bundle.commit()


def _before(home: UUID) -> Before | None:
    last = Entry.objects.filter(home=home, stream=_stream(home)).order_by("-seq").first()
    return Before(last.recorded_at, last.pack) if last else None


def _stream(home: UUID) -> UUID:
    return uuid5(home, RAN)
