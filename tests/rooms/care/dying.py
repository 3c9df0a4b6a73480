"""`python -m tests.rooms.care.dying begin|finish`: sixty invented residents, and a run over them that dies by SIGKILL while its
second part is being written; then one that ends, and what stands afterwards, as JSON."""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
django.setup()

from yishe.care import contract_rows, population, replanning, year_changes  # noqa: E402 - only after setup
from yishe.care.models import Contract, Owed  # noqa: E402
from yishe.doors.cli.main import main as yishe  # noqa: E402
from yishe.lab import crowd  # noqa: E402
from yishe.people import facts  # noqa: E402
from yishe.trust import batch, clock, ledger  # noqa: E402
from yishe.trust.commit import Write  # noqa: E402

PART = 20


def begin() -> None:
    yishe(["migrate"])
    crowd.gather(60, 5, clock.now())
    write: Callable[[Write], None] = batch._inserted
    written = 0

    def dies(one: Write) -> None:
        nonlocal written
        write(one)
        written += one.model is Owed
        if written == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    batch._inserted = dies
    replanning.SIZE = PART
    population.run(clock.now())


def finish() -> None:
    at, before = clock.now(), Owed.objects.exclude(service="renewal").values("contract").distinct().count()
    found = population.run(at)
    print(
        json.dumps({"before": before, "planned": found.planned, "contracts": found.contracts, **_stands(at)})
    )


def _stands(at: Any) -> dict[str, Any]:
    """`years` by contract, beside what each alone would have been promised."""
    today = at.date()
    alone, there = {}, {}
    for row in Contract.objects.all():
        known = facts.of([row.subject])[row.subject]
        said = year_changes.facts_of(row, known.birth_date, known.traits, today)
        owed = year_changes.decided(row, [], said, at).added if said else ()
        alone[str(row.id)] = sorted(f"{one.service} {one.nth}" for one in owed)
        planned = row.owed.exclude(service="renewal")
        there[str(row.id)] = sorted(f"{one.service} {one.nth}" for one in planned)
    broken = ledger.verify(contract_rows.heads()).broken
    return {
        "alone": alone, "years": there, "differences": len(contract_rows.differences()), "broken": broken and broken.reason,
    }  # fmt: skip


if __name__ == "__main__":
    {"begin": begin, "finish": finish}[sys.argv[1]]()
