"""Five thousand clocks due at once beside load, one of two workers killed; then a holiday table that touches every promise. Run as
`python -m tests.proof.crowd LOOPS`.

Clients act over HTTP all the while. Afterwards every clock was taken once, every open promise goes by the new table, and the
ledger holds. Prints one JSON object.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count

from tests.proof import faults, killing
from tests.proof.killing import House
from tests.proof.sweeping import CLOCK, REASONS
from yishe.loops import promises, retiming
from yishe.loops.models import Loop, Timetable
from yishe.people import actors, packs, residents
from yishe.people.models import Organisation, Staff
from yishe.people.particulars import ZONE
from yishe.talk.models import Outbox
from yishe.trust import clock
from yishe.trust.models import Entry

KIND = "referral.doctor_to_social_worker"
TIMED = "calendar:"
LONG = 300.0
TABLE = """years:
  {year}:
    source: {{id: proof, section: "新公布的放假安排"}}
    holidays:
      临时放假: [{first}..{last}]
"""


def crowded(loops: int) -> None:
    """So many promises of a month ago whose first clocks nobody has looked at."""
    then = clock.now() - timedelta(days=30)
    doctor = actors.actor_of(Staff.objects.get(name="医生1").id)
    team = Organisation.objects.get(name="1队")
    answer = {"team": team.id, "doctor": doctor.staff_id, "social_worker": Staff.objects.get(name="社工1").id}
    for number in range(-(-loops // len(REASONS))):
        said = {"name": f"居民{number}", **answer}
        who = residents.register(actors.SYSTEM, said, then, centre=team.parent_id).resident
        for reason in REASONS:
            promises.promise(
                doctor, kind=KIND, resident=who, reason=reason, at=then, command_id=f"{number}{reason}"
            )


def worker(house: House) -> subprocess.Popen[bytes]:
    """One more."""
    command = [sys.executable, "-m", "yishe", "serve", "--role", "worker"]
    house.running.append(subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL))
    return house.running[-1]


def killed(one: subprocess.Popen[bytes]) -> None:
    os.killpg(one.pid, signal.SIGKILL)
    one.wait()


def swept() -> int:
    return Entry.objects.filter(command_id__startswith=CLOCK).count()


def due(before: Any) -> int:
    return Loop.objects.filter(closed_at=None, next_at__lte=before).count()


def all_at_once(house: House) -> dict[str, Any]:
    """Two workers begin, one is killed in the midst of it, the other takes the rest and what was left in its hand."""
    began, at = time.monotonic(), clock.now()
    waiting = due(at)
    pair = [worker(house), worker(house)]
    faults._until(lambda: swept() > waiting // 5, LONG)
    killed(pair[0])
    then = swept()
    faults._until(lambda: not due(at), LONG)
    return {
        "due at once": waiting,
        "taken when one was killed": then,
        "all taken after s": round(time.monotonic() - began, 1),
    }


def touched(house: House) -> dict[str, Any]:
    """Five weeks off from today: pages and workers come up with the new table, and it reaches whatever is open; one worker is killed
    in the midst of that, too."""
    settings.PACKS = [*settings.PACKS, holidays(Path(os.environ["YISHE_HOME"]) / "holidays")]
    os.environ["YISHE_PACKS"] = os.pathsep.join(map(str, settings.PACKS))
    foreseen = retiming.foreseen(clock.now(), 500)
    ended(house)
    began = time.monotonic()
    house.start()
    worker(house)
    faults._until(lambda: _moved() > foreseen.moved.total() // 5, LONG)
    killed(house.running[1])
    then = _moved()
    faults._until(lambda: not unreached(), LONG)
    return {
        "open": foreseen.looked_at, "new table would move": foreseen.moved.total(), "moved when one was killed": then,
        "moved": _moved(), "re-timed after s": round(time.monotonic() - began, 1),
    }  # fmt: skip


def holidays(folder: Path) -> Path:
    """A pack with another table of this year's days off."""
    folder.mkdir()
    said = "id: holidays\ntitle: {zh: 新放假安排, en: New days off}\nversion: 2026.11.9\noverlays: base\n"
    (folder / "pack.yaml").write_text(said, encoding="utf-8")
    today = clock.now().astimezone(ZONE).date()
    last = min(today + timedelta(days=35), today.replace(month=12, day=31))
    table = TABLE.format(year=today.year, first=today, last=last)
    (folder / "calendar.yaml").write_text(table, encoding="utf-8")
    return folder


def ended(house: House) -> None:
    for one in house.running:
        if one.poll() is None:
            killed(one)


def unreached() -> bool:
    """Whether the table in force has not come to its end."""
    return not Timetable.objects.filter(digest=packs.in_force().calendar.digest).exists()


def _moved() -> int:
    return Entry.objects.filter(command_id__startswith=TIMED).count()


def judged(clients: list[faults.Steady], told: dict[str, Any], made: set[Any]) -> dict[str, Any]:
    """What became of the clocks, beside what became of the acts."""
    cuts = statistics.quantiles([second for client in clients for second in client.took], n=100)
    clocks = Entry.objects.filter(command_id__startswith=CLOCK)
    named = Entry.objects.filter(command_id__regex=f"^({CLOCK}|{TIMED})").values("command_id")
    messages = Outbox.objects.filter(topic__in=["loop.reminded", "loop.escalated"])
    return faults.judged(clients, told) | {
        "p50 p95 p99 ms": [round(1000 * cuts[n]) for n in (49, 94, 98)],
        "clocks lost": len(made - set(clocks.values_list("stream", flat=True))),
        "clocks doubled": named.annotate(n=Count("seq")).filter(n__gt=1).count(),
        "told twice": messages.count() - messages.values("key").distinct().count(),
        "not re-timed": retiming.foreseen(clock.now(), 500).moved.total(),
    }  # fmt: skip


def main(loops: int) -> int:
    tokens, people = killing.prepared()
    faults.connection.close()
    house = House(killing.free_port())
    house.start()
    killed(house.running.pop())  # workers come when everybody is at work
    try:
        crowded(loops)
        made = set(Loop.objects.filter(next_at__lte=clock.now()).values_list("id", flat=True))
        clients, told = faults.under_load(house, tokens, people, lambda: all_at_once(house) | touched(house))
    finally:
        ended(house)
    print(json.dumps(judged(clients, told, made), ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))
