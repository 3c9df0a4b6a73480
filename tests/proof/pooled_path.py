"""The path of `tests.proof.pooled`, in a process of its own that is told where the pooler is. Prints one JSON object."""

import json
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import timedelta
from uuid import UUID

import django
import httpx
import psycopg

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from tests.proof import killing, pooler  # noqa: E402
from tests.proof.crash_points import holds  # noqa: E402
from tests.proof.serving import Served  # noqa: E402
from yishe.loops import promises  # noqa: E402
from yishe.loops import worker as loops_worker  # noqa: E402
from yishe.people import actors  # noqa: E402
from yishe.people.models import Staff  # noqa: E402
from yishe.talk import live as talk_live  # noqa: E402
from yishe.talk.models import Outbox  # noqa: E402
from yishe.trust import clock, straight  # noqa: E402
from yishe.trust.models import Entry  # noqa: E402

CLIENTS, SECONDS, LATE = 8, 12.0, 30
LEFT = """SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements)
    + (SELECT count(*) FROM pg_listening_channels()) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
    AND pid = pg_backend_pid()) + (current_setting('synchronous_commit') <> 'on')::int"""


class Client(killing.Client):
    """At work until the time is over."""

    ends = 0.0

    def run(self) -> None:
        with httpx.Client(base_url=self.house.url, timeout=30) as client:
            loops: list[dict[str, object]] = []
            while time.monotonic() < self.ends and self._one(client, loops):
                pass


class Screen(threading.Thread):
    """An open stream of one person: the loops it heard of."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self.port, self.token = port, token
        self.heard: set[str] = set()
        self.open = threading.Event()

    def run(self) -> None:
        """As a browser does: whoever was cut off comes back with the last id and is given what was missed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with suppress(httpx.ConnectError):
            while True:
                self._listen(headers)

    def _listen(self, headers: dict[str, str]) -> None:
        address = f"http://127.0.0.1:{self.port}/live/"
        with (
            suppress(httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout),
            httpx.stream("GET", address, headers=headers, timeout=SECONDS * 10) as answer,
        ):
            for line in answer.iter_lines():
                self.open.set()
                if line.startswith("id: "):
                    headers["Last-Event-ID"] = line[4:]
                if line.startswith("data: {") and (loop := json.loads(line[6:]).get("loop")):
                    self.heard.add(loop)


def late_promises(people: list[UUID], staff: UUID) -> None:
    """Promises of a week ago whose clocks have passed since."""
    at = clock.now() - timedelta(days=7)
    for resident in people[:LATE]:
        promises.promise(
            actors.actor_of(staff), kind="referral.doctor_to_social_worker", resident=resident, reason="D12", at=at,
            command_id=uuid.uuid4().hex, note="近一月少出门",
        )  # fmt: skip


def left_in_servers() -> int:
    """What sessions hold that the pooler lends to the next: each of its servers is asked."""
    with ExitStack() as held:
        lines = [
            held.enter_context(psycopg.connect(settings.DATABASE_URL, prepare_threshold=None))
            for _ in range(pooler.SERVERS)
        ]
        rows = [line.execute(LEFT).fetchone() for line in lines]
    assert len({row[0] for row in rows if row}) == pooler.SERVERS
    return sum(row[1] for row in rows if row)


def until(true: object, seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not true() and time.monotonic() < ends:  # type: ignore[operator]
        time.sleep(0.2)


def main() -> int:
    straight.take()
    tokens, people = killing.prepared()
    names = {
        one.account.username: one.id for one in Staff.objects.exclude(account=None).select_related("account")
    }
    late_promises(people[200:], names["医生1"])
    before = Entry.objects.count()
    connection.close()
    with ExitStack() as running:
        web = running.enter_context(Served("web", "--processes", "2"))
        live = running.enter_context(Served("live"))
        screen = Screen(live.port, tokens[1])
        screen.start()
        screen.open.wait(30)
        newest = talk_live.newest()
        running.enter_context(Served("worker"))
        until(lambda: not loops_worker.oldest_due(clock.now()))
        found = Counter({"clocks passed": Entry.objects.count() - before})
        sent = worked(web, tokens, people[:200])
        found["answered"] = sum(200 <= one.status < 300 for one in sent)
        found["not 2xx"] = sum(one.status not in (*range(200, 300), 409) for one in sent)
        found["refused as stale or doubled"] = sum(one.status == 409 for one in sent)
        waiting = Outbox.objects.filter(channel="inbox", delivered_at=None)
        until(lambda: not waiting.exists())
        rows = Outbox.objects.filter(person=names["社工1"], loop__isnull=False, id__gt=newest)
        told = {str(loop) for loop in rows.values_list("loop", flat=True)}
        until(lambda: told <= screen.heard, 10)
        found["heard of"], found["unheard"] = len(screen.heard), len(told - screen.heard)
        found["waiting"] = waiting.count()
        found["left in a server"] = left_in_servers()
    found["doubled"] = sum(
        Entry.objects.filter(command_id=one.key).count() > 1 for one in sent if one.status < 300
    )
    found["broken"] = len(holds())
    print(json.dumps(found, ensure_ascii=False))
    return 0


def worked(web: Served, tokens: tuple[str, str], people: list[UUID]) -> list[killing.Sent]:
    """What the clients sent."""
    house = killing.House(web.port)
    clients = [Client(house, n, tokens, people) for n in range(CLIENTS)]
    for client in clients:
        client.ends = time.monotonic() + SECONDS
        client.start()
    for client in clients:
        client.join()
    return [one for client in clients for one in client.sent]


if __name__ == "__main__":
    sys.exit(main())
