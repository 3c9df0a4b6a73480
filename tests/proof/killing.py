"""A server and a worker under load, killed with SIGKILL at random moments. Run as `python -m tests.proof.killing N`.

After every kill: each answered command is there, exactly once; the ledger holds; what was sent and not answered is
sent again with the same key when the server is back, and has one effect. Prints one JSON object.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import django
import httpx

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from tests.proof import town as towns  # noqa: E402
from tests.proof.crash_points import holds  # noqa: E402
from yishe.loops import worker as loops_worker  # noqa: E402
from yishe.people import actors, directory, residents  # noqa: E402
from yishe.people.models import Staff  # noqa: E402
from yishe.talk import delivery  # noqa: E402
from yishe.talk.models import Notice, Outbox  # noqa: E402
from yishe.trust import accounts, clock, guards, instance  # noqa: E402
from yishe.trust.models import Entry  # noqa: E402

CLIENTS = 4
REASONS = ("D10", "D12", "D13", "D14", "D15", "D16", "D18")
VERBS = ("accept", "start", "note", "complete")


@dataclass
class Sent:
    """One request as a tablet would keep it until it is answered."""

    path: str
    body: dict[str, Any]
    key: str
    token: str
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)

    def go(self, client: httpx.Client) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": self.key}
        response = client.post(self.path, json=self.body, headers=headers)
        self.status, self.answer = response.status_code, response.json()


@dataclass
class House:
    """The two processes, and where they answer."""

    port: int
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def start(self) -> None:
        commands = (
            ("serve", "--role", "web", "--processes", "1", "--threads", "4", "--port", str(self.port)), ("worker",)
        )  # fmt: skip
        self.running = [
            subprocess.Popen(
                [sys.executable, "-m", "yishe", *words], start_new_session=True, stderr=subprocess.DEVNULL
            )
            for words in commands
        ]
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            threading.Event().wait(0.05)
        raise TimeoutError("the server did not answer within a minute")

    def kill(self) -> None:
        for process in self.running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Client(threading.Thread):
    """Someone at work: refers, and answers what was referred, until the line is dead."""

    def __init__(self, house: House, seed: int, tokens: tuple[str, str], people: list[uuid.UUID]) -> None:
        super().__init__()
        self.house, self.rng, self.tokens, self.people = house, random.Random(seed), tokens, people
        self.sent: list[Sent] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.house.url, timeout=30) as client:
            loops: list[dict[str, Any]] = []
            while self._one(client, loops):
                pass

    def _one(self, client: httpx.Client, loops: list[dict[str, Any]]) -> bool:
        one = self._next(loops)
        self.sent.append(one)
        try:
            one.go(client)
        except (httpx.HTTPError, ValueError):
            return False
        if one.status < 300:
            loops.append(one.answer)
        return True

    def _next(self, loops: list[dict[str, Any]]) -> Sent:
        if loops and self.rng.random() < 0.6:
            loop = loops.pop()
            verb = next((v for v in VERBS if v in loop["allowed"]), "note")
            body = {"seq": loop["seq"], "note": "路上记的"} | (
                {"outcome": "O1"} if verb == "complete" else {}
            )
            return Sent(f"/loops/{loop['id']}/{verb}", body, uuid.uuid4().hex, self.tokens[1])
        body = {
            "kind": "referral.doctor_to_social_worker", "resident": str(self.rng.choice(self.people)),
            "reason": self.rng.choice(REASONS), "note": "请跟进",
        }  # fmt: skip
        return Sent("/loops", body, uuid.uuid4().hex, self.tokens[0])


def prepared() -> tuple[tuple[str, str], list[uuid.UUID]]:
    """A town with two who can sign in, and four hundred residents of theirs."""
    instance.prepare_key()
    call_command("migrate", interactive=False, verbosity=0)
    guards.install()
    now = clock.now()
    instance.found(now)
    with transaction.atomic():
        town = towns.build(now)
        tokens = []
        for name in ("医生1", "社工1"):
            account = accounts.create_account(name, uuid.uuid4().hex, now)
            Staff.objects.filter(id=town.staff[name]).update(account=account)
            tokens.append(accounts.issue_token(account, "proof", now))
        directory.bump()
    answer = {"team": town.teams[0], "doctor": town.staff["医生1"], "social_worker": town.staff["社工1"]}
    people = [
        residents.register(actors.SYSTEM, {"name": "居民某", **answer}, now, centre=town.centres[0]).resident
        for _ in range(400)
    ]
    return (tokens[0], tokens[1]), people


def one_kill(
    house: House, seed: int, tokens: tuple[str, str], people: list[uuid.UUID], found: Counter[str]
) -> None:
    clients = [Client(house, seed * 100 + n, tokens, people) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    while sum(len(client.sent) for client in clients) < 2 * CLIENTS:
        threading.Event().wait(0.02)
    threading.Event().wait(random.Random(seed).uniform(0.2, 2.0))
    house.kill()
    for client in clients:
        client.join()
    sent = [one for client in clients for one in client.sent]
    answered = [one for one in sent if 200 <= one.status < 300]
    found["answered"] += len(answered)
    found["lost"] += sum(not Entry.objects.filter(command_id=one.key).exists() for one in answered)
    found["broken"] += len(holds())
    connection.close()
    house.start()
    with httpx.Client(base_url=house.url, timeout=30) as client:
        for one in (one for one in sent if one.status == 0):
            one.go(client)
            found["asked again"] += 1
            found["answered again"] += 200 <= one.status < 300
            found["odd answers"] += one.status >= 500
    for one in sent:
        found["doubled"] += Entry.objects.filter(command_id=one.key).count() > 1
        found["refused and written"] += (
            one.status >= 400 and Entry.objects.filter(command_id=one.key).exists()
        )


def settled(found: Counter[str]) -> None:
    """When all is quiet every message has arrived once."""
    at = clock.now()
    loops_worker.sweep_all(at)
    while delivery.deliver(at + timedelta(minutes=5), "last", 500):
        pass
    inbox = Outbox.objects.filter(channel="inbox")
    found["messages"] = inbox.count()
    found["delivered"] = inbox.filter(delivered_at__isnull=False).count()
    found["counted"] = sum(Notice.objects.values_list("count", flat=True))
    found["broken"] += len(holds())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(kills: int) -> int:
    tokens, people = prepared()
    connection.close()
    house = House(free_port())
    found = Counter(
        {"kills": kills, "lost": 0, "doubled": 0, "broken": 0, "odd answers": 0, "refused and written": 0}
    )
    house.start()
    try:
        for number in range(kills):
            one_kill(house, number, tokens, people, found)
    finally:
        house.kill()
    settled(found)
    print(json.dumps(found, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8))
