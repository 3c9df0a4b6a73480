"""The race itself, in a database of its own: run as `python -m tests.proof.racing`. Prints one JSON object."""

import json
import os
import random
import sys
import traceback
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.proof import contract_races  # noqa: E402
from tests.proof.crash_points import FAILED, holds  # noqa: E402
from tests.proof.writers import START, Stage, stage  # noqa: E402
from yishe.loops import acts, worker  # noqa: E402
from yishe.loops.models import Loop  # noqa: E402
from yishe.loops.projection import state_of  # noqa: E402
from yishe.people import actors  # noqa: E402
from yishe.policy.loop_roles import allowed  # noqa: E402
from yishe.policy.refusals import Refused  # noqa: E402
from yishe.talk import delivery  # noqa: E402
from yishe.talk.models import Notice, Outbox  # noqa: E402
from yishe.trust import guards, ids, instance  # noqa: E402
from yishe.trust.models import Entry  # noqa: E402

CLIENTS, WORKERS, LOOPS, ROUNDS = 8, 2, 10, 60


def together(works: list[Callable[[], Counter[str]]]) -> Counter[str]:
    """Run each in a process of its own, all at once; the sum of what they counted."""
    connection.close()
    pipes, total = [], Counter[str]()
    for work in works:
        reader, writer = os.pipe()
        if os.fork() == 0:
            counted = Counter({"other_errors": 1})
            with suppress(BaseException):
                try:
                    counted = work()
                except BaseException:
                    traceback.print_exc()
            os.write(writer, json.dumps(counted).encode())
            os._exit(0 if not counted["other_errors"] else FAILED)
        os.close(writer)
        pipes.append(reader)
    for reader in pipes:
        with os.fdopen(reader) as file:
            total.update(json.load(file))
        os.wait()
    return total


def talking(stage: Stage, loops: list[uuid.UUID], number: int) -> Callable[[], Counter[str]]:
    """One browser: looks at a loop, then says something it may, while others do the same."""

    def work() -> Counter[str]:
        rng, counted = random.Random(number), Counter[str]()
        people = [stage.town.actor(n) for n in ("医生1", "社工1")]
        for _ in range(ROUNDS):
            row, actor = Loop.objects.get(id=rng.choice(loops)), rng.choice(people)
            s = acts.situation(actor, state_of(row), stage.at)
            verbs = [v for v in allowed(s) if v in ("receive", "accept", "start", "note", "heard")]
            verb = rng.choice(verbs or ["note"])
            what = {"note": {"note": "同时写的"}, "heard": {"outcome": "yes"}}.get(verb, {})
            try:
                acts.act(actor, verb, row.id, seq=row.seq, at=stage.at, command_id=uuid.uuid4().hex, **what)
                counted["answered"] += 1
            except Refused as refused:
                counted[f"refused_{refused.code}"] += 1
        return counted

    return work


def sweeping() -> Counter[str]:
    done = Counter[str]()
    for _ in range(3):
        done["swept"] += worker.sweep(START + timedelta(days=40)).events
    return done


def carrying(number: int, days: int = 41) -> Callable[[], Counter[str]]:
    def work() -> Counter[str]:
        done = Counter[str]()
        while taken := delivery.deliver(START + timedelta(days=days), f"w{number}", 7):
            done["delivered"] += taken
        return done

    return work


def finishing(parent: Loop, child: Loop, at_work: Stage) -> Callable[[], Counter[str]]:
    def work() -> Counter[str]:
        kind = "encounter" if child.duty == "family_doctor" else "service_note"
        evidence = ({"type": kind, "id": str(ids.new())},)
        acts.act(actors.actor_of(child.performer), "complete", child.id, seq=child.seq, at=at_work.at, outcome="assessed",
                 evidence=evidence, command_id=uuid.uuid4().hex)  # fmt: skip
        return Counter({"tracks": 1})

    return work


def tracks_meet(stage: Stage, count: int) -> Counter[str]:
    """Both tracks of a parent end in the same instant, many times over."""
    found = Counter[str]()
    for _ in range(count):
        parent = Loop.objects.get(id=stage.loop(kind="assessment.dual_track", reason=""))
        for child in Loop.objects.filter(parent=parent.id):
            for verb in ("accept", "start"):
                seq = Loop.objects.get(id=child.id).seq
                acts.act(actors.actor_of(child.performer), verb, child.id, seq=seq, at=stage.at)
        children = list(Loop.objects.filter(parent=parent.id))
        found += together([finishing(parent, child, stage) for child in children])
        found["parents"] += 1
        found["parents_completed"] += Loop.objects.filter(id=parent.id, state="completed").count()
    return found


def main() -> int:
    instance.prepare_key()
    call_command("migrate", interactive=False, verbosity=0)
    guards.install()
    instance.found(START)
    at_work = stage()
    loops = [at_work.loop() for _ in range(LOOPS)]
    before = Entry.objects.filter(command_id__isnull=False).count()
    found = together([talking(at_work, loops, n) for n in range(CLIENTS)])
    found["entries"] = Entry.objects.filter(command_id__isnull=False).count() - before
    found += tracks_meet(at_work, 6)
    found += contract_races.signings(at_work, together, 2) + contract_races.endings(at_work, together, 2)
    ended = Entry.objects.exclude(actor=ids.SYSTEM).count()
    clock = Entry.objects.filter(command_id__startswith="clock:").count()
    found += together([sweeping for _ in range(WORKERS)])
    found["reminders"] = (
        Entry.objects.filter(kind__in=("reminded", "escalated", "auto_confirmed", "retimed")).count() - clock
    )
    assert Entry.objects.exclude(actor=ids.SYSTEM).count() == ended
    found += together([carrying(n) for n in range(WORKERS)])
    # Two carriers that met at one grouped notice: the loser's message waits its turn and comes later, once.
    found += together([carrying(0, days=42)])
    found["messages"] = Outbox.objects.filter(channel="inbox").count()
    found["counted"] = sum(Notice.objects.values_list("count", flat=True))
    found["wrong"] = len(holds())
    found["other_errors"] += 0
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
