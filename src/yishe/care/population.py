"""A whole population at once: everybody classified, and the rest of every running year planned by what is known now.

It writes what `classes.look` and `replanning.replan` write for one resident, many to a commit; conditions are asked once for all
who are alike. Whoever is stopped in the middle goes on with the next run, as what changes nothing writes nothing. That a run came
to its end stands in the ledger, one entry a centre; the next one looks only at whom something may have changed of since. What is
due now becomes loops in the worker's round.
"""

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from yishe.care import class_run, marks, replanning
from yishe.care.class_run import Looked
from yishe.care.marks import Mark
from yishe.care.models import Contract
from yishe.care.replanning import Planned, Told
from yishe.people import facts
from yishe.people.facts import Known
from yishe.people.particulars import ZONE

RAN = "population.ran"
WHY = "classes and years of a whole population follow what is known of it"
Progress = Callable[[str, int, int], None]
"""What is being done, how much of it, of how much."""


@dataclass
class Run(Planned):
    """`residents` there are; of their classes `classing` tells. `contracts` are in force."""

    residents: int = 0
    classing: Looked = field(default_factory=Looked)
    contracts: int = 0


def run(
    at: datetime, *, everybody: bool = False, dry: bool = False, progress: Progress = lambda *_: None
) -> Run:
    """Classify and plan whatever something changed of. With `everybody` also that of which nothing changed; `dry` counts and
    writes nothing. Going on after being stopped neither loses nor doubles anything."""
    known, found = facts.of_everybody(WHY), Run()
    mine = [one for subject, one in known.items() if subject == one.subject]
    before = {home: None if everybody else _before(home, at) for home in {one.home for one in mine}}
    found.residents = len(mine)
    with _without_collecting():
        wanted = [one for one in mine if _changed(one, None, before[one.home], at)]
        told = functools.partial(progress, "分类分级")
        found.classing = class_run.run(wanted, at, dry=dry, progress=told)
        _years(found, known, before, at, dry=dry, progress=functools.partial(progress, "签约年度"))
    if not dry and not found.busy and not found.classing.busy:
        told_of = {"classified": found.classing.classified, "looked": found.looked, "planned": found.planned}
        marks.ended(before, RAN, at, {**told_of, "promises": found.promises})
    return found


def _years(
    found: Run, known: dict[UUID, Known], before: dict[UUID, Mark | None], at: datetime, *, dry: bool, progress: Told
) -> None:  # fmt: skip
    today = at.astimezone(ZONE).date()
    rows = Contract.objects.filter(ended_at=None, signed_at__isnull=False, until__gt=today)
    held = list(rows.values_list("id", "home", "subject", "signed_at").order_by("since", "id"))
    found.contracts = len(held)
    wanted = [
        one
        for one, home, subject, signed in held
        if _changed(known.get(subject), signed, before.get(home), at) or _moved(found, known.get(subject))
    ]
    replanning.plan(found, wanted, at, known=known, dry=dry, progress=progress)


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


def _changed(known: Known | None, signed: datetime | None, before: Mark | None, at: datetime) -> bool:
    """Whether anything may be other than at the last run (`before`, where it still holds): her particulars, her age, the contract.
    What is recorded of her is followed in its own commit."""
    if before is None or known is None:
        return True
    then, now = before.at.astimezone(ZONE).date(), at.astimezone(ZONE).date()
    written = max(signed, known.updated_at) if signed else known.updated_at
    return written >= before.at or known.age(then) != known.age(now)


def _before(home: UUID, at: datetime) -> Mark | None:
    found = marks.last(home, RAN)
    return found if marks.holds(found, at) else None
