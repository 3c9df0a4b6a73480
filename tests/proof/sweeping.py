"""Two workers over clocks that all passed at once, killed with SIGKILL again and again. Run as `python -m tests.proof.sweeping N`.

When at last one comes to its end, every clock was taken once: one entry under its name, its messages once, the ledger and every
row whole. Prints one JSON object.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Count, QuerySet  # noqa: E402

from tests.proof import town as towns  # noqa: E402
from tests.proof.crash_points import holds  # noqa: E402
from yishe.loops import promises, worker  # noqa: E402
from yishe.loops.models import Loop  # noqa: E402
from yishe.people import actors, directory, residents  # noqa: E402
from yishe.talk.models import Outbox  # noqa: E402
from yishe.trust import clock, guards, instance  # noqa: E402
from yishe.trust.models import Entry  # noqa: E402

REASONS = ("D10", "D12", "D13", "D14", "D15", "D16")
CHUNK = 5
CLOCK = "clock:"
PATIENCE = 20
"""Seconds until a pair that writes nothing is ended all the same."""


def prepared(loops: int) -> datetime:
    """So many open loops; returns a moment at which all of their first clocks have passed."""
    instance.prepare_key()
    call_command("migrate", interactive=False, verbosity=0)
    guards.install()
    now = clock.now() - timedelta(days=30)
    instance.found(now)
    with transaction.atomic():
        town = towns.build(now)
        directory.bump()
    answer = {"team": town.teams[0], "doctor": town.staff["医生1"], "social_worker": town.staff["社工1"]}
    doctor = actors.actor_of(town.staff["医生1"])
    for number in range(-(-loops // len(REASONS))):
        said = {"name": f"居民{number}", **answer}
        who = residents.register(actors.SYSTEM, said, now, centre=town.centres[0]).resident
        for reason in REASONS:
            promises.promise(
                doctor, kind="referral.doctor_to_social_worker", resident=who, reason=reason, at=now, command_id=f"{number}{reason}"
            )  # fmt: skip
    worker.sweep_all(now)  # the calendar in force reaches them
    return max(Loop.objects.values_list("next_at", flat=True))


def swept() -> QuerySet[Entry]:
    """What clocks wrote so far."""
    return Entry.objects.filter(command_id__startswith=CLOCK)


def started(at: datetime) -> int:
    """A worker in a process of its own; its number."""
    connection.close()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            worker.sweep_all(at, CHUNK)
            code = 0
        finally:
            os._exit(code)
    return child


def killed(at: datetime, rng: random.Random) -> int:
    """Two at once, both ended in the middle of what they are at; how many were."""
    wanted, pair = swept().count() + rng.randint(1, 3 * CHUNK), [started(at), started(at)]
    ends_at = time.monotonic() + PATIENCE
    while swept().count() < wanted and time.monotonic() < ends_at:
        threading.Event().wait(0.005)
    for child in pair:
        os.kill(child, signal.SIGKILL)
    ends = [os.waitpid(child, 0)[1] for child in pair]
    return sum(os.WIFSIGNALED(end) for end in ends)


def main(loops: int, kills: int) -> int:
    at, rng, found = prepared(loops), random.Random(loops), Counter[str]()
    for _ in range(kills):
        found["killed"] += killed(at, rng)
        found["swept meanwhile"] = swept().count()
    pair = [started(at), started(at)]
    found["faults"] = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in pair)
    found["loops"] = Loop.objects.count()
    found["with a clock"] = swept().values("stream").distinct().count()
    found["lost"] = Loop.objects.filter(closed_at=None, next_at__lte=at).count()
    found["doubled"] = swept().values("command_id").annotate(n=Count("seq")).filter(n__gt=1).count()
    told = Outbox.objects.filter(topic__in=["loop.reminded", "loop.escalated"])
    found["told twice"] = told.count() - told.values("key").distinct().count()
    found["untold"] = swept().exclude(stream__in=told.values("loop")).count()
    found["broken"] = len(holds())
    print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
