"""A worker whose machine is five minutes ahead and pages whose machine is five minutes behind, with `faketime` around the real
processes. Run as `python -m tests.proof.skewed` on PostgreSQL: no clock passes early, each on time, nothing is dated back, and the
doctor on the wrong machine says so. Prints one JSON object.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.proof import faults, killing
from tests.proof.killing import House, Sent
from yishe.loops import promises
from yishe.loops.models import Loop
from yishe.people import actors
from yishe.people.models import Staff
from yishe.trust import clock
from yishe.trust.models import Entry

KIND = "referral.doctor_to_social_worker"
RED = "D03"
"""A reason whose first clock runs by the wall: one hour, whatever the day."""
CLOCKS, APART = 20, 2.0
START = timedelta(seconds=12)
SECOND = timedelta(seconds=1)


def at_another_time(off: str, *words: str) -> list[str]:
    """The command of a process whose machine is off by so much; how long things take is not changed."""
    return ["faketime", "--exclude-monotonic", "-f", off, sys.executable, "-m", "yishe", *words]


def soon(people: list[Any]) -> dict[uuid.UUID, datetime]:
    """Promises whose first clock passes in the next minute, one after the other; by when each must be taken."""
    doctor = actors.actor_of(Staff.objects.get(name="医生1").id)

    def promised(number: int, at: datetime) -> Loop:
        command = uuid.uuid4().hex
        return Loop.objects.get(
            id=promises.promise(
                doctor, kind=KIND, resident=people[number], reason=RED, at=at, command_id=command
            )
        )

    now = clock.now()
    length = promised(0, now).next_at - now
    made = [promised(n + 1, now - length + START + n * APART * SECOND) for n in range(CLOCKS)]
    assert all(now < one.next_at < now + timedelta(minutes=2) for one in made), length
    return {one.id: one.next_at for one in made}


def taken(due: dict[uuid.UUID, datetime]) -> dict[str, Any]:
    """Looked at again and again by a clock that is right: how early and how late each came."""
    seen: dict[uuid.UUID, float] = {}
    ends = time.monotonic() + (START / SECOND) + CLOCKS * APART + 20
    while len(seen) < len(due) and time.monotonic() < ends:
        wrote = Entry.objects.filter(command_id__startswith="clock:", stream__in=set(due) - set(seen))
        came = set(wrote.values_list("stream", flat=True))
        seen |= {one: (clock.now() - due[one]) / SECOND for one in came}
        threading.Event().wait(0.1)
    return {
        "clocks": len(due), "lost": len(due) - len(seen), "early": sum(late < 0 for late in seen.values()),
        "latest s": round(max(seen.values(), default=0.0), 1),
    }  # fmt: skip


def dated(house: House, token: str, who: uuid.UUID) -> float:
    """How far off, in seconds, a page that is behind dates what is done there."""
    body = {"kind": KIND, "resident": str(who), "reason": "D10", "note": "请跟进"}
    one = Sent("/loops", body, uuid.uuid4().hex, token)
    with httpx.Client(base_url=house.url, timeout=60) as client:
        one.go(client)
    entry = Entry.objects.get(command_id=one.key)
    return round(abs(entry.recorded_at - clock.now()) / SECOND, 1)


def main() -> int:
    tokens, people = killing.prepared()
    house = House(killing.free_port())
    due = soon(people)
    faults.connection.close()
    web = ("serve", "--role", "web", "--processes", "1", "--threads", "2", "--port", str(house.port))
    for words in (at_another_time("+5m", "worker"), at_another_time("-5m", *web)):
        house.running.append(subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL))
    try:
        told = taken(due)
        off = dated(house, tokens[0], people[-1])
        doctor = subprocess.run(
            at_another_time("+5m", "doctor", "--json"),
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        says = next(one for one in json.loads(doctor.stdout) if one["what"] == "时钟")
    finally:
        for process in house.running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    doubled = Entry.objects.filter(command_id__startswith="clock:", stream__in=due).count() - len(due)
    told |= {"doubled": doubled, "dated off s": off, "doctor": f"{says['state']}: {says['says']}"}
    print(
        json.dumps(
            told | {"unsaid": int(says["state"] == "ok"), "broken": len(faults.holds())}, ensure_ascii=False
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
