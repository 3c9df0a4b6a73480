"""A whole population at once: everybody classified, and the rest of every running year planned by what is known now.

It writes what `classes.look` and `replanning.replan` write for one resident, many to a commit; conditions are asked once for all
who are alike. Whoever is stopped in the middle goes on with the next run, as what changes nothing writes nothing. That a run came
to its end stands in the ledger, one entry a centre; the next one looks only at whom something may have changed of since. What is
due now becomes loops in the worker's round.
"""

import functools
import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from yishe.care import class_run, class_stream, replanning, year_changes
from yishe.care.class_run import Looked
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
WHY = "classes and years of a whole population follow what is known of it"
Told = Callable[[int, int], None]
Progress = Callable[[str, int, int], None]
"""What is being done, how much of it, of how much."""


@dataclass
class Run:
    """`residents` there are; of their classes `classing` tells. `contracts` are in force, of which `looked` were looked at and
    `planned` changed: `promises` came (by service in `services`), `withdrawn` fell. Of `no_birth_date` no year can be planned;
    `busy` are left to the next run."""

    residents: int = 0
    classing: Looked = field(default_factory=Looked)
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
    """Classify and plan whatever something changed of. With `everybody` also that of which nothing changed; `dry` counts and
    writes nothing. Going on after being stopped neither loses nor doubles anything."""
    known, found = facts.of_everybody(WHY), Run()
    mine = [one for subject, one in known.items() if subject == one.subject]
    before = {home: None if everybody else _before(home) for home in {one.home for one in mine}}
    found.residents = len(mine)
    with _without_collecting():
        wanted = [one for one in mine if _changed(one, None, before[one.home], at)]
        told = functools.partial(progress, "分类分级")
        found.classing = class_run.run(wanted, at, dry=dry, progress=told)
        _years(found, known, before, at, dry=dry, progress=functools.partial(progress, "签约年度"))
    if not dry and not found.busy and not found.classing.busy:
        _ended(set(before), found, at)
    return found


def _years(
    found: Run, known: dict[UUID, Known], before: dict[UUID, "Before | None"], at: datetime, *, dry: bool, progress: Told
) -> None:  # fmt: skip
    today = at.astimezone(ZONE).date()
    rows = Contract.objects.filter(ended_at=None, signed_at__isnull=False, until__gt=today)
    held = list(rows.values_list("id", "home", "subject", "signed_at").order_by("id"))
    found.contracts = len(held)
    wanted = [
        one
        for one, home, subject, signed in held
        if _changed(known.get(subject), signed, before.get(home), at) or _moved(found, known.get(subject))
    ]
    for n in range(0, len(wanted), SIZE):
        _part(found, wanted[n : n + SIZE], known, at, dry=dry)
        progress(min(n + SIZE, len(wanted)), len(wanted))


def _moved(found: Run, known: Known | None) -> bool:
    """Whether this run said another class of her: how often she is asked for may be another too."""
    return known is not None and known.resident in found.classing.moved


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A burst of short-lived objects in which there are no cycles to look for."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _changed(known: Known | None, signed: datetime | None, before: Before | None, at: datetime) -> bool:
    """Whether anything may be other than at the last run: the packs, her particulars, her age, the contract. What is recorded
    of her is followed in its own commit."""
    if before is None or known is None or before.pack != packs.in_force().sha256:
        return True
    then, now = before.at.astimezone(ZONE).date(), at.astimezone(ZONE).date()
    written = max(signed, known.updated_at) if signed else known.updated_at
    return written >= before.at or known.age(then) != known.age(now)


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
    classed = class_stream.standing(owner.values(), today)
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
        said = year_changes.facts_of(row, of.birth_date, traits, today, classed.get(owner[row.subject]))
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
    bundle, pack = Bundle(), packs.in_force().sha256
    data = {
        "classified": found.classing.classified, "looked": found.looked, "planned": found.planned, "promises": found.promises,
    }  # fmt: skip
    for home in sorted(homes):
        stream = _stream(home)
        ledger.append(
            bundle, ledger.head(home, stream), home=home, stream=stream, kind=RAN, actor=SYSTEM.staff_id, at=at, pack=pack,
            data=data,
        )  # fmt: skip
    bundle.commit()


def _before(home: UUID) -> Before | None:
    last = Entry.objects.filter(home=home, stream=_stream(home)).order_by("-seq").first()
    return Before(last.recorded_at, last.pack) if last else None


def _stream(home: UUID) -> UUID:
    return uuid5(home, RAN)
