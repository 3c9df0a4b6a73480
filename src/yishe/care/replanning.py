"""The running year of a contract follows what is known of the resident now.

A verb that records a fact lets it follow in its own commit (`year_changes.follow`). `replan` looks at one resident, `plan` at
many with a commit for a thousand contracts, `everybody` at all of whom something changed by itself (an age, a rule that begins)
or for many at once (an import, a new pack) since it last came to its end. What changes nothing writes nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q

from yishe.care import class_stream, conditions, entries, marks, needs, year, year_changes
from yishe.care.class_models import ClassOf
from yishe.care.models import Contract, Owed
from yishe.people import facts, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.facts import Known
from yishe.people.particulars import ZONE
from yishe.policy.contract_rules import RENEWAL
from yishe.policy.contract_year import Changes
from yishe.policy.refusals import Conflict
from yishe.trust import batch, commit, quick
from yishe.trust.batch import Batch
from yishe.trust.commit import Bundle
from yishe.trust.sparing import sparing

FOLLOWED = "years.followed"
WHY = "the years of all running contracts are planned anew"
TRIES = 3
SIZE = 1000
LONGEST = timedelta(days=31)
"""After a longer time than this it is quicker to look at everybody than to ask for birthdays."""
Told = Callable[[int, int], None]


@dataclass
class Planned:
    """Of the contracts `looked` at, `planned` changed: `promises` came (by service in `services`), `withdrawn` fell. Of
    `no_birth_date` no year can be planned; `busy` are left to the next time."""

    looked: int = 0
    planned: int = 0
    promises: int = 0
    withdrawn: int = 0
    no_birth_date: int = 0
    busy: int = 0
    services: Counter[str] = field(default_factory=Counter)

    def count(self, changes: Changes) -> None:
        self.planned += 1
        self.promises += len(changes.added)
        self.withdrawn += len(changes.withdrawn)
        self.services.update(one.service for one in changes.added)

    def add(self, more: "Planned") -> None:
        for name in ("looked", "planned", "promises", "withdrawn", "no_birth_date", "busy"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.services.update(more.services)


def replan(actor: Actor, resident: UUID, at: datetime) -> bool:
    """Plan the rest of the resident's running year by what is known now; whether anything changed. Whose act it follows is
    `actor`; whether he may is asked by that act. NotFound for an unknown resident; Conflict when others keep writing to it."""
    where = entries.whose(resident)
    keyed = entries.keys_of(where.resident)
    for _ in range(TRIES):
        bundle, known = Bundle(), traits_of(where.resident, where.traits)
        year_changes.follow(bundle, actor, where, [one.subject for one in keyed], known, at)
        if not bundle:
            return False
        try:
            bundle.commit()
        except (commit.Stale, commit.Duplicate):
            continue
        for row in year_changes.running([one.subject for one in keyed], at.astimezone(ZONE).date()):
            year.open_due(at, contract=row.id)
        return True
    raise Conflict("busy", "同时有人在记这份签约，请再点一次。")


def everybody(at: datetime) -> int:
    """The same for every running contract of whose resident something may have changed since this last came to its end; returns
    how many changed. Doing it again changes nothing; what is due now becomes loops in the same round (`year.open_due`)."""
    rows = Contract.objects.filter(ended_at=None, until__gt=at.astimezone(ZONE).date())
    before = {home: marks.last(home, FOLLOWED) for home in rows.values_list("home", flat=True).distinct()}
    anew = {home for home, mark in before.items() if not marks.holds(mark, at) or at - mark.at > LONGEST}
    known = [mark.at for home, mark in before.items() if mark is not None and home not in anew]
    wanted, found = Q(home__in=anew), Planned()
    if known:
        wanted |= _stirred(min(known), at)
    plan(found, list(rows.filter(wanted).order_by("since", "id").values_list("id", flat=True)), at)
    if not found.busy:
        marks.ended(before, FOLLOWED, at, {"looked": found.looked, "planned": found.planned})
    return found.planned


def _stirred(since: datetime, at: datetime) -> Q:
    """Contracts of those of whom particulars or class were written since then, or who have grown a year older."""
    then, now = since.astimezone(ZONE).date(), at.astimezone(ZONE).date()
    days = [then + timedelta(days=n + 1) for n in range((now - then).days)]
    looked = ClassOf.objects.filter(looked_at__gte=since).values("subject")
    return Q(subject__in=facts.stirred(WHY, since, days)) | Q(subject__in=looked)


def plan(
    found: Planned, ids: Sequence[UUID], at: datetime, *, known: Mapping[UUID, Known] | None = None, dry: bool = False,
    progress: Told = lambda *_: None,
) -> None:  # fmt: skip
    """Plan the rest of the year of these contracts, many to a commit, and count what came of it in `found`. `dry` writes nothing.
    Those that stand in the order of their first days are the quickest, as years that are laid alike are laid once."""
    parts, done = (ids[n : n + SIZE] for n in range(0, len(ids), SIZE)), 0
    for (many, counted), through in batch.in_parts(parts, partial(_part, known=known, at=at, dry=dry)):
        found.add(counted if through else Planned(busy=1))  # somebody else wrote to this one
        done += many
        progress(done, len(ids))


def _part(
    ids: Sequence[UUID], known: Mapping[UUID, Known] | None, at: datetime, *, dry: bool
) -> tuple[Batch, tuple[int, Planned]]:
    """What is to be written of these, and what came of how many."""
    written, counted = Batch(), Planned()
    for row, standing, changes in _changes(counted, ids, known, at):
        counted.count(changes)
        if not dry:
            year_changes.into(written, SYSTEM, row, standing, changes, at)
    return written, (len(ids), counted)


def _changes(
    counted: Planned, ids: Sequence[UUID], known: Mapping[UUID, Known] | None, at: datetime
) -> Iterator[tuple[Contract, list[Owed], Changes]]:
    """The contracts whose year changes, each with its promises and what becomes of them."""
    today, rows = at.astimezone(ZONE).date(), quick.where_in(Contract, "id", ids)
    people = facts.of([row.subject for row in rows]) if known is None else known
    here = {row.subject: people[row.subject] for row in rows if row.subject in people}
    whose = _subjects(here)
    classed, recorded = class_stream.standing_of(whose, today), _recorded(whose)
    owed: dict[UUID, list[Owed]] = {row.id: [] for row in rows}
    for one in Owed.objects.filter(contract__in=ids, withdrawn_on=None).exclude(service=RENEWAL):
        owed[one.contract_id].append(one)
    for row in rows:
        of = here.get(row.subject)
        if row.ended_at is not None or of is None or of.gone:
            continue
        counted.looked += 1
        more = recorded.get(of.resident)
        traits = needs.traits(of.traits, more) if more else of.traits
        said = year_changes.facts_of(row, of.birth_date, traits, today, classed.get(of.resident))
        if said is None:
            counted.no_birth_date += 1
        elif changes := _decided(counted, row, owed[row.id], said, at):
            yield row, owed[row.id], changes


def _decided(
    counted: Planned, row: Contract, owed: list[Owed], said: Mapping[str, Any], at: datetime
) -> Changes | None:
    """What becomes of one year; one that cannot be worked out is left to the next time and hinders no other."""
    with sparing("a year") as tried:
        return year_changes.decided(row, owed, said, at)
    counted.busy += bool(tried.fault)
    return None


def _subjects(here: Mapping[UUID, Known]) -> dict[UUID, UUID]:
    """Every subject of these residents, and whose it is."""
    found = {one.subject: one.resident for one in here.values()}
    merged = {one.resident for one in here.values() if one.merged}
    return found | placements.subjects_of_all(merged) if merged else found


def _recorded(whose: Mapping[UUID, UUID]) -> dict[UUID, list[tuple[str, str, str]]]:
    """resident → (kind, code, title) of every condition that stands; `whose` are their subjects. Two statements."""
    found: dict[UUID, list[tuple[str, str, str]]] = {}
    for subject, standing in conditions.standing_within(WHY, list(whose), conditions.NEEDS).items():
        said = found.setdefault(whose[subject], [])
        said += [(one.kind, one.code, one.title) for one in standing]
    return found


def traits_of(resident: UUID, listed: Iterable[str]) -> frozenset[str]:
    """Every trait of a resident that is known now: the roster's, and those that recorded conditions mean."""
    standing = conditions.standing(entries.keys_of(resident), conditions.NEEDS)
    return needs.traits(listed, [(one.kind, one.code, one.title) for one in standing])
