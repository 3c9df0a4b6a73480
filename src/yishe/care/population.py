"""A whole population at once: the rest of every running year planned by what is known now, many to a commit.

It writes what `replanning.replan` writes for one resident; conditions are asked once for all who are alike. Whoever is stopped
in the middle goes on with the next run, as what changes nothing writes nothing. That a run came to its end stands in the ledger,
one entry a centre; the next one looks only at contracts of which something may have changed since. What is due now becomes loops
in the worker's round.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from yishe.care import replanning, year_changes
from yishe.care.models import Contract, Owed
from yishe.people import facts, packs, placements
from yishe.people.actors import SYSTEM
from yishe.people.facts import Known
from yishe.people.particulars import ZONE
from yishe.policy.contract_year import Changes
from yishe.trust import commit, ledger
from yishe.trust.batch import Batch
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry

RAN = "population.ran"
SIZE = 1000
Progress = Callable[[int, int], None]


@dataclass
class Run:
    """`contracts` are in force, of which `looked` were looked at and `planned` changed: `promises` came (by service in
    `services`), `withdrawn` fell. Of `no_birth_date` no year can be planned; `busy` are left to the next run."""

    contracts: int = 0
    looked: int = 0
    planned: int = 0
    promises: int = 0
    withdrawn: int = 0
    no_birth_date: int = 0
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
    """Plan every year of which something changed. With `everybody` also contracts of which nothing changed; `dry`
    counts and writes nothing. Going on after being stopped neither loses nor doubles anything."""
    found, today = Run(), at.astimezone(ZONE).date()
    rows = Contract.objects.filter(ended_at=None, signed_at__isnull=False, until__gt=today)
    held = list(rows.values_list("id", "home", "subject", "signed_at").order_by("id"))
    found.contracts = len(held)
    homes = {home for _, home, _, _ in held}
    before = {home: None if everybody else _before(home) for home in homes}
    known = facts.of_everybody(replanning.WHY)
    wanted = [
        one for one, home, subject, signed in held if _changed(known.get(subject), signed, before[home], at)
    ]
    with _without_collecting():
        for n in range(0, len(wanted), SIZE):
            _part(found, wanted[n : n + SIZE], known, at, dry=dry)
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


def _part(found: Run, ids: Sequence[UUID], known: dict[UUID, Known], at: datetime, *, dry: bool) -> None:
    """One commit. When somebody else wrote to one of these contracts meanwhile, each is tried alone."""
    batch, counted = Batch(), Run()
    for row, standing, changes in _changes(counted, ids, known, at):
        counted.planned += 1
        counted.promises += len(changes.added)
        counted.withdrawn += len(changes.withdrawn)
        counted.services.update(one.service for one in changes.added)
        if not dry:
            year_changes.into(batch, SYSTEM, row, standing, changes, at)
    try:
        batch.commit()
    except (commit.Stale, commit.Duplicate):
        if len(ids) == 1:
            found.busy += 1
            return
        for one in ids:
            _part(found, [one], known, at, dry=dry)
        return
    _sum(found, counted)


def _changes(
    counted: Run, ids: Sequence[UUID], known: dict[UUID, Known], at: datetime
) -> Iterator[tuple[Contract, list[Owed], Changes]]:
    """The contracts whose year changes, each with its promises and what becomes of them."""
    today, rows = at.astimezone(ZONE).date(), list(Contract.objects.filter(id__in=ids).order_by("id"))
    owner = placements.residents_of([row.subject for row in rows])
    closer = replanning.with_conditions(owner.values())
    owed: dict[UUID, list[Owed]] = {row.id: [] for row in rows}
    for one in Owed.objects.filter(contract__in=ids):
        owed[one.contract_id].append(one)
    for row in rows:
        of = known.get(row.subject)
        if row.ended_at is not None or of is None or of.gone:
            continue
        counted.looked += 1
        more = owner[row.subject] in closer
        traits = replanning.traits_of(owner[row.subject], of.traits) if more else of.traits
        said = year_changes.facts_of(row, of.birth_date, traits, today)
        if said is None:
            counted.no_birth_date += 1
        elif changes := year_changes.decided(row, owed[row.id], said, at):
            yield row, owed[row.id], changes


def _sum(found: Run, more: Run) -> None:
    found.looked += more.looked
    found.planned += more.planned
    found.promises += more.promises
    found.withdrawn += more.withdrawn
    found.no_birth_date += more.no_birth_date
    found.services.update(more.services)


def _ended(homes: set[UUID], found: Run, at: datetime) -> None:
    """The ledger keeps that a run came to its end: one stream a centre, about no resident."""
    bundle = Bundle()
    for home in sorted(homes):
        stream = _stream(home)
        ledger.append(
            bundle, ledger.head(home, stream), home=home, stream=stream, kind=RAN, actor=SYSTEM.staff_id, at=at,
            pack=packs.in_force().sha256, data={"looked": found.looked, "planned": found.planned, "promises": found.promises},
        )  # fmt: skip
    bundle.commit()


def _before(home: UUID) -> Before | None:
    last = Entry.objects.filter(home=home, stream=_stream(home)).order_by("-seq").first()
    return Before(last.recorded_at, last.pack) if last else None


def _stream(home: UUID) -> UUID:
    return uuid5(home, RAN)
