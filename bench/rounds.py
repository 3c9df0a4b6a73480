"""The measured rounds: product and floor in turn, rows counted after each, medians written down."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import psycopg
from django.test import Client

from bench import clients, filling, floor, machine, page_floor, pgbench, report
from bench.clients import Run
from yishe.people import directory, pinyin
from yishe.trust import accounts, clock, sessions

COUNTED = ("loops_loop", "trust_entry", "talk_outbox", "trust_accessline", "people_accessfact")


@dataclass
class Bench:
    """Everything a round takes its targets from; targets are used once."""

    url: str
    address: str
    filled: filling.Filled
    requests: int
    reason: str = ""
    rng: Random = field(default_factory=lambda: Random(5))
    waiting: list[tuple[UUID, UUID, UUID, UUID]] = field(default_factory=list)
    unused: list[tuple[UUID, str]] = field(default_factory=list)

    def taken(self) -> list[tuple[UUID, UUID, UUID, UUID]]:
        part, self.waiting = self.waiting[: self.requests], self.waiting[self.requests :]
        return part

    def fresh(self, reason: str = "") -> list[tuple[UUID, str]]:
        """Pairs of resident and reason with nothing open; of one reason, for the floor's recorded act."""
        fitting = [n for n, (_, one) in enumerate(self.unused) if one == (reason or one)][: self.requests]
        part, gone = [self.unused[n] for n in fitting], set(fitting)
        self.unused = [pair for n, pair in enumerate(self.unused) if n not in gone]
        return part

    def header(self, person: UUID) -> str:
        return f"Authorization: Bearer {self.filled.tokens[person]}"

    def digest(self, person: UUID) -> bytes:
        return accounts.token_digest(self.filled.tokens[person])


def run(url: str, residents: int, loops: int, requests: int, pairs: int, out: Path) -> None:
    at = clock.now()
    print(f"filling: {residents} residents, {loops} loops …", flush=True)
    began = time.monotonic()
    filled = filling.fill(residents, loops, at)
    print(f"filled in {time.monotonic() - began:.0f} s", flush=True)
    with machine.serving(dict(os.environ)) as address:
        bench = Bench(url, address, filled, requests, waiting=filling.waiting_loops(), unused=_unused(filled))
        bench.rng.shuffle(bench.waiting)
        made = {"create": _create_template(bench), "accept": _accept_template(bench), "worklist": None}
        results, agreed = _rounds(bench, made, pairs)
    report.write(out, machine.described(url), {"residents": residents, "loops": loops}, results, agreed)


def _unused(filled: filling.Filled) -> list[tuple[UUID, str]]:
    """Pairs of resident and reason; those that are open already answer 409 and are left out by asking the table."""
    with psycopg.connect(os.environ["YISHE_DATABASE_URL"]) as line:
        taken = set(
            line.execute(
                "SELECT s.resident_id, l.reason FROM loops_loop l JOIN people_subject s USING (subject)"
            )
        )
    pairs = [(r, reason) for r in filled.made.placed for reason in filled.reasons if (r, reason) not in taken]
    Random(3).shuffle(pairs)
    return pairs


def _known(bench: Bench) -> set[UUID]:
    """Every id that existed before an act: staff, places, people."""
    book = directory.current()
    placed = bench.filled.made.placed.values()
    return {*book.people, *book.organisations, *(p.resident for p in placed), *(p.subject for p in placed)}


def _create_template(bench: Bench) -> floor.Template:
    resident, reason = bench.unused.pop()
    bench.reason = reason
    placed = bench.filled.made.placed[resident]
    sender = filling.sender_for(bench.filled.made, resident, clock.now()).staff_id
    body = {"kind": filling.KIND, "resident": str(resident), "reason": reason, "note": ""}
    seen = floor.recorded(lambda: _said(bench, sender, "/api/v1/loops", body))
    return floor.template(floor.READ["create"], seen, _known(bench), (placed.subject,), bench.digest(sender))


def _accept_template(bench: Bench) -> floor.Template:
    loop, owner, subject, home = bench.waiting.pop()
    seen = floor.recorded(lambda: _said(bench, owner, f"/api/v1/loops/{loop}/accept", {"seq": 1}))
    return floor.template(
        floor.READ["accept"], seen, _known(bench), (loop, subject, home), bench.digest(owner)
    )


def _said(bench: Bench, person: UUID, path: str, body: dict[str, Any]) -> None:
    client = Client(
        headers={
            "Authorization": bench.header(person).split(": ")[1],
            "Idempotency-Key": str(uuid4()),
        }
    )
    answer = client.post(path, json.dumps(body), content_type="application/json")
    if answer.status_code >= 300:
        raise RuntimeError(answer.content.decode())


# Requests of the product


def create(bench: Bench) -> list[bytes]:
    at, made = clock.now(), bench.filled.made
    return [
        clients.post(
            "/api/v1/loops",
            json.dumps(
                {"kind": filling.KIND, "resident": str(resident), "reason": reason, "note": ""}
            ).encode(),
            bench.header(filling.sender_for(made, resident, at).staff_id),
            f"Idempotency-Key: c-{resident}-{reason}",
        )
        for resident, reason in bench.fresh()
    ]


def accept(bench: Bench) -> list[bytes]:
    return [
        clients.post(
            f"/api/v1/loops/{loop}/accept", b'{"seq":1}', bench.header(owner), f"Idempotency-Key: a-{loop}"
        )
        for loop, owner, _, _ in bench.taken()
    ]


def worklist(bench: Bench) -> list[bytes]:
    owners = sorted({owner for _, owner, _, _ in bench.waiting})
    return [
        clients.get("/api/v1/worklist", bench.header(owners[n % len(owners)])) for n in range(bench.requests)
    ]


def page(bench: Bench) -> list[bytes]:
    """The resident's page as HTML, each by the doctor who answers for him."""
    return [
        clients.get(f"/residents/{r}", f"Cookie: sessionid={bench.filled.sessions[person]}")
        for r, person in _looked_at(bench)
    ]


def _looked_at(bench: Bench) -> list[tuple[UUID, UUID]]:
    """Residents and who answers for each."""
    at, made = clock.now(), bench.filled.made
    people = bench.rng.sample(list(made.placed), bench.requests // 2)
    return [(r, filling.sender_for(made, r, at).staff_id) for r in people]


def search(bench: Bench) -> list[bytes]:
    """Somebody looked for by the doctor who answers for her: by name, two characters of it, pinyin, initials, ID tail, phone tail."""
    return [
        clients.get(f"/api/v1/residents?q={quote(_words(bench, r, n))}", bench.header(person))
        for n, (r, person) in enumerate(_looked_at(bench))
    ]


def _words(bench: Bench, resident: UUID, turn: int) -> str:
    one = bench.filled.made.people[resident]
    spelled = pinyin.full(one.name)
    ways = (
        one.name,
        one.name[:2],
        spelled,
        pinyin.initials(one.name),
        (one.id_number or spelled)[-4:],
        (one.phone or spelled)[-4:],
    )
    return ways[turn % len(ways)]


# Targets of the floor


def floor_create(bench: Bench, made: floor.Template) -> list[floor.Target]:
    placed = bench.filled.made.placed
    people = [placed[resident].subject for resident, _ in bench.fresh(bench.reason)]
    return [((made.token, one), floor.filled(made, (one,))) for one in people]


def floor_accept(bench: Bench, made: floor.Template) -> list[floor.Target]:
    return [
        ((made.token, one), floor.filled(made, (one, subject, home)))
        for one, _, subject, home in bench.taken()
    ]


def floor_worklist(bench: Bench, made: None) -> list[floor.Target]:
    owners = sorted({owner for _, owner, _, _ in bench.waiting})
    return [((bench.digest(owners[n % len(owners)]), uuid4()), ()) for n in range(bench.requests)]


def floor_page(bench: Bench, made: None) -> list[page_floor.Target]:
    placed, sessions_ = bench.filled.made.placed, bench.filled.sessions
    return [
        (sessions.digest(sessions_[person]), person, r, placed[r].subject, placed[r].home, uuid4())
        for r, person in _looked_at(bench)
    ]


PRODUCT: dict[str, Callable[[Bench], list[bytes]]] = {
    "create": create,
    "accept": accept,
    "worklist": worklist,
    "page": page,
    "search": search,
}
FLOOR: dict[str, Callable[[Bench, Any], list[Any]]] = {
    "create": floor_create, "accept": floor_accept, "worklist": floor_worklist, "page": floor_page,
}  # fmt: skip


Measured = tuple[Run, dict[str, int], float]


def _rounds(
    bench: Bench, made: dict[str, Any], pairs: int
) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """The medians of each kind of request by side, and the floor's rate under pgbench."""
    results: dict[str, dict[str, Any]] = {}
    agreed: dict[str, float] = {}
    for name in PRODUCT:
        if name == "accept":  # what the rounds before created waits for somebody, too
            bench.waiting = filling.waiting_loops()
            bench.rng.shuffle(bench.waiting)
        runs: dict[str, list[Measured]] = {"product": [], "floor": []}
        rates = _pairs(bench, name, made.get(name), pairs, runs)
        results[name] = {side: _median(of) for side, of in runs.items() if of}
        if rates:
            agreed[name] = statistics.median(rates)
        said = {side: round(one["rate"]) for side, one in results[name].items()}
        print(name, said, {"pgbench": round(agreed.get(name, 0))}, flush=True)
    return results, agreed


def _pairs(bench: Bench, name: str, made: Any, pairs: int, runs: dict[str, list[Measured]]) -> list[float]:
    """Product, floor, pgbench, product, floor, pgbench …; the first, unmeasured and shorter round warms all. Returns
    pgbench's rates; it takes half as many targets, each of which can be used but once."""
    asked, rates = bench.requests, []
    for number in range(pairs + 1):
        bench.requests = asked if number else asked // 4
        turn = [("product", _measured(bench.url, clients.over_http, bench.address, PRODUCT[name](bench)))]
        if name in FLOOR:
            targets = FLOOR[name](bench, made)
            work, common = (
                (page_floor.acting, bench.url) if name == "page" else (floor.acting, (bench.url, made))
            )
            turn.append(("floor", _measured(bench.url, work, common, targets)))
            bench.requests //= 2
            if name != "page":  # several statements, and none of them writes what the next one reads
                rates.append(pgbench.rate(bench.url, name, made, bench))
        for side, one in turn if number else ():
            runs[side].append(one)
    bench.requests = asked
    return rates[1:]


def _measured(url: str, work: Any, common: Any, items: Sequence[Any]) -> tuple[Run, dict[str, int], float]:
    before = _counts(url)
    one = clients.spread(work, common, items)
    after = _counts(url)
    return one, {table: after[table] - before[table] for table in COUNTED}, os.getloadavg()[0]


def _counts(url: str) -> dict[str, int]:
    with psycopg.connect(url) as line:
        return {table: line.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}  # type: ignore[index]


def _median(of: list[tuple[Run, dict[str, int], float]]) -> dict[str, Any]:
    runs = [run for run, _, _ in of]
    sent = runs[0].count + clients.CLIENTS
    return {
        "rate": statistics.median(run.rate for run in runs),
        "rates": [round(run.rate, 1) for run in runs],
        "p50_ms": statistics.median(run.percentile(0.50) for run in runs),
        "p99_ms": statistics.median(run.percentile(0.99) for run in runs),
        "client_us": round(statistics.median(run.client_us for run in runs)),
        "errors": sum(run.errors for run in runs),
        "outcomes": [run.outcomes for run in runs if run.errors],
        "rows_per_request": {
            t: round(sum(rows[t] for _, rows, _ in of) / sent / len(of), 3) for t in COUNTED
        },
        "load": [round(load, 2) for _, _, load in of],
    }
