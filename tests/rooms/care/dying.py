"""`python -m tests.rooms.care.dying begin|finish`: sixty invented residents, and a run over them that dies by SIGKILL while its
second part is being written; then one that ends, a round that opens what is due and dies likewise, and what stands after the next
one, as JSON."""

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django
from django.db import connections
from django.db.models import Model

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
django.setup()

from yishe.care import contract_rows, lives, population, replanning, year, year_changes  # noqa: E402 - only after setup
from yishe.care.models import Contract, Owed  # noqa: E402
from yishe.doors.cli.main import main as yishe  # noqa: E402
from yishe.lab import crowd  # noqa: E402
from yishe.loops.models import Loop  # noqa: E402
from yishe.people import facts  # noqa: E402
from yishe.trust import batch, clock, verification  # noqa: E402
from yishe.trust.commit import Write  # noqa: E402
from yishe.trust.models import Entry  # noqa: E402

PART = 20


def begin() -> None:
    yishe(["migrate"])
    crowd.gather(60, 5, clock.now())
    _dies_at_the_second(Owed)
    replanning.SIZE = PART
    population.run(clock.now())


def _dies_at_the_second(model: type[Model]) -> None:
    """While the rows of the second part go into this table, before their commit."""
    write: Callable[[Write], None] = batch._inserted
    written = 0

    def dies(one: Write) -> None:
        nonlocal written
        write(one)
        written += one.model is model
        if written == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    batch._inserted = dies


def _opened(at: datetime) -> dict[str, Any]:
    """A round that opens what is due dies in its second part; the next one goes on."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        batch.AT_ONCE = PART
        _dies_at_the_second(Loop)
        year.open_due(at)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    kept, more = Owed.objects.exclude(loop=None).count(), year.open_due(at)
    loops = Entry.objects.filter(command_id__startswith="owed:")
    return {
        "killed": os.WTERMSIG(status), "kept": kept, "opened": kept + more, "again": year.open_due(at),
        "loops": Loop.objects.count(), "entries": loops.count(),
        "due": Owed.objects.filter(starts__lte=lives.day(at), ends__gte=lives.day(at)).count(),
    }  # fmt: skip


def finish() -> None:
    at, before = clock.now(), Owed.objects.exclude(service="renewal").values("contract").distinct().count()
    found = population.run(at)
    told = {"before": before, "planned": found.planned, "contracts": found.contracts, **_opened(at)}
    print(json.dumps({**told, **_stands(at)}))


def _stands(at: Any) -> dict[str, Any]:
    """`years` by contract, beside what each alone would have been promised."""
    today = lives.day(at)
    alone, there = {}, {}
    for row in Contract.objects.all():
        known = facts.of([row.subject])[row.subject]
        said = year_changes.facts_of(row, known.birth_date, known.traits, today)
        owed = year_changes.decided(row, [], said, at).added if said else ()
        alone[str(row.id)] = sorted(f"{one.service} {one.nth}" for one in owed)
        planned = row.owed.exclude(service="renewal")
        there[str(row.id)] = sorted(f"{one.service} {one.nth}" for one in planned)
    broken = verification.verify([Contract]).broken
    return {
        "alone": alone, "years": there, "differences": len(contract_rows.differences()), "broken": broken and broken.reason,
    }  # fmt: skip


if __name__ == "__main__":
    {"begin": begin, "finish": finish}[sys.argv[1]]()
