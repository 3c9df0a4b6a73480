"""The path of `tests.proof.side_by_side`: given the source of before, on an empty database. Prints one JSON object."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from tests.proof import killing
from tests.proof.crash_points import holds
from tests.proof.pooled_path import CLIENTS, SECONDS, Client, late_promises, until
from tests.proof.serving import Served
from yishe.loops import worker as loops_worker
from yishe.people.models import Staff
from yishe.talk.models import Outbox
from yishe.trust import clock
from yishe.trust.models import Entry


def main(folder: Path) -> int:
    tokens, people = killing.prepared()
    before = {
        "PYTHONPATH": str(folder / "src"),
        "YISHE_PACKS": str(folder / "packs/base") + f":{folder / 'packs/demo'}",
    }
    late_promises(people[200:], Staff.objects.get(account__username="医生1").id)
    entries, found = Entry.objects.count(), Counter[str]()
    with ExitStack() as running:
        houses = {
            "before": running.enter_context(Served("web", "--processes", "1", env=before)),
            "now": running.enter_context(Served("web", "--processes", "1")),
        }
        workers = [
            subprocess.Popen([sys.executable, "-m", "yishe", "worker"], env={**os.environ, **env})
            for env in (before, {})
        ]
        until(lambda: not loops_worker.oldest_due(clock.now()))
        found["clocks passed"] = Entry.objects.count() - entries
        sent = worked(houses, tokens, people[:200])
        for name in houses:
            found[f"answered by {name}"] = sum(200 <= one.status < 300 for at, one in sent if at == name)
            found[f"not 2xx of {name}"] = sum(
                one.status not in (*range(200, 300), 409) for at, one in sent if at == name
            )
        waiting = Outbox.objects.filter(channel="inbox", delivered_at=None)
        until(lambda: not waiting.exists())
        found["waiting"] = waiting.count()
        for one in workers:
            one.terminate()
            one.wait(60)
    found["doubled"] = sum(
        Entry.objects.filter(command_id=one.key).count() > 1 for _, one in sent if one.status < 300
    )
    found["broken"] = len(holds())
    print(json.dumps(found, ensure_ascii=False))
    return 0


def worked(
    houses: dict[str, Served], tokens: tuple[str, str], people: list[UUID]
) -> list[tuple[str, killing.Sent]]:
    """What clients of either sent, with whom they asked."""
    clients = [
        (name, Client(killing.House(house.port), n, tokens, people))
        for n in range(CLIENTS // 2)
        for name, house in houses.items()
    ]
    for _, client in clients:
        client.ends = time.monotonic() + SECONDS
        client.start()
    for _, client in clients:
        client.join()
    return [(name, one) for name, client in clients for one in client.sent]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
