"""The measured rounds: product and floor in turn, rows counted after each, medians written down."""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import psycopg
from django.test import Client

from bench import clients, filling, floor, machine, page_floor, pgbench, report
from bench.clients import Run
from yishe.care import timeline
from yishe.people import directory, pinyin
from yishe.trust import accounts, clock, ids, sessions

WHOLE: tuple[tuple[str, bool, dict[str, Any]], ...] = (
    ("accept", False, {}),
    ("start", False, {}),
    ("complete", False, {"outcome": "completed", "evidence": "已上门，家属在场"}),
    ("confirm", True, {}),
)
"""What follows a promise until its loop is closed: the verb, whether its sender says it, and with what."""
COUNTED = ("loops_loop", "trust_entry", "talk_outbox", "trust_accessline", "people_accessfact")


@dataclass
class Bench:
    """Everything a round takes its targets from; targets are used once."""

    url: str
    address: str
    filled: filling.Filled
    requests: int
    reason: str = ""
    born: UUID = ids.SYSTEM
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
        made = {
            "create": _create_template(bench), "accept": _accept_template(bench), "loop": _loop_templates(bench),
            "worklist": None,
        }  # fmt: skip
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


def _loop_templates(bench: Bench) -> tuple[floor.Template, ...]:
    """The acts of one whole loop as they are said one after the other; `bench.born` is the loop they were recorded of."""
    asked, bench.requests = bench.requests, 1
    [(resident, reason)] = bench.fresh(bench.reason)
    bench.requests = asked
    placed = bench.filled.made.placed[resident]
    sender = filling.sender_for(bench.filled.made, resident, clock.now()).staff_id
    known, said, acts = _known(bench), dict[str, Any](), list[floor.Template]()
    body: dict[str, Any] = {"kind": filling.KIND, "resident": str(resident), "reason": reason, "note": ""}
    for verb, by_sender, what in (("", True, body), *WHOLE):
        who = sender if by_sender else UUID(said["performer"])
        path = f"/api/v1/loops/{said['id']}/{verb}" if verb else "/api/v1/loops"
        sent = {"seq": said["seq"], **what} if verb else what
        seen = floor.recorded(partial(_remembered, said, bench, who, path, sent))
        bench.born = UUID(said["id"])
        read, target = ("accept", (bench.born, placed.subject)) if verb else ("create", (placed.subject,))
        acts.append(floor.template(floor.READ[read], seen, known, target, bench.digest(who)))
    return tuple(acts)


def _remembered(said: dict[str, Any], bench: Bench, person: UUID, path: str, body: dict[str, Any]) -> None:
    said.update(_said(bench, person, path, body))


def _accept_template(bench: Bench) -> floor.Template:
    loop, owner, subject, home = bench.waiting.pop()
    seen = floor.recorded(lambda: _said(bench, owner, f"/api/v1/loops/{loop}/accept", {"seq": 1}))
    return floor.template(
        floor.READ["accept"], seen, _known(bench), (loop, subject, home), bench.digest(owner)
    )


def _said(bench: Bench, person: UUID, path: str, body: dict[str, Any]) -> dict[str, Any]:
    client = Client(
        headers={
            "Authorization": bench.header(person).split(": ")[1],
            "Idempotency-Key": str(uuid4()),
        }
    )
    answer = client.post(path, json.dumps(body), content_type="application/json")
    if answer.status_code >= 300:
        raise RuntimeError(answer.content.decode())
    return dict(answer.json())


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


def loop(bench: Bench) -> list[tuple[bytes, ...]]:
    """One whole loop each: promised, accepted, begun, done and confirmed, by its two sides."""
    return [_whole(bench, resident, reason, clock.now()) for resident, reason in bench.fresh()]


def _whole(bench: Bench, resident: UUID, reason: str, at: datetime) -> tuple[bytes, ...]:
    made = bench.filled.made
    sender = filling.sender_for(made, resident, at).staff_id
    performer = directory.current().performer("social_worker", made.placed[resident], at).member.id
    body = {"kind": filling.KIND, "resident": str(resident), "reason": reason, "note": ""}
    asked = [("", sender, body)]
    asked += [
        (f"/{clients.LOOP.decode()}/{verb}", sender if by_sender else performer, {"seq": seq, **what})
        for seq, (verb, by_sender, what) in enumerate(WHOLE, 1)
    ]
    return tuple(
        clients.post(
            f"/api/v1/loops{path}", json.dumps(said).encode(), bench.header(who),
            f"Idempotency-Key: w{n}-{resident}-{reason}",
        )
        for n, (path, who, said) in enumerate(asked)
    )  # fmt: skip


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


def floor_loop(bench: Bench, made: tuple[floor.Template, ...]) -> list[floor.Target]:
    placed, targets = bench.filled.made.placed, list[floor.Target]()
    for resident, _ in bench.fresh(bench.reason):
        subject, new = placed[resident].subject, uuid4()
        first, *others = made
        steps = [((first.token, subject), floor.filled(first, (subject,), {bench.born: new}))]
        steps += [((one.token, new), floor.filled(one, (new, subject))) for one in others]
        targets.append(tuple(steps))
    return targets


def floor_worklist(bench: Bench, made: None) -> list[floor.Target]:
    owners = sorted({owner for _, owner, _, _ in bench.waiting})
    return [((bench.digest(owners[n % len(owners)]), uuid4()), ()) for n in range(bench.requests)]


def floor_page(bench: Bench, made: None) -> list[tuple[Any, ...]]:
    placed, sessions_ = bench.filled.made.placed, bench.filled.sessions
    return [
        (sessions.digest(sessions_[person]), person, r, placed[r].subject, placed[r].home, uuid4())
        for r, person in _looked_at(bench)
    ]


PRODUCT: dict[str, Callable[[Bench], Sequence[clients.Asked]]] = {
    "create": create,
    "accept": accept,
    "loop": loop,
    "worklist": worklist,
    "page": page,
    "search": search,
}
FLOOR: dict[str, Callable[[Bench, Any], list[Any]]] = {
    "create": floor_create, "accept": floor_accept, "loop": floor_loop, "worklist": floor_worklist, "page": floor_page,
}  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """A run, the rows it left, the machine's load after it, and the CPU seconds of the server and of PostgreSQL meanwhile."""

    run: Run
    rows: dict[str, int]
    load: float
    cpu: dict[str, float]


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
            work, common = _floors(bench, name, made)
            turn.append(("floor", _measured(bench.url, work, common, targets)))
            bench.requests //= 2
            if name not in ("page", "loop"):  # several statements, which pgbench cannot deal out
                rates.append(pgbench.rate(bench.url, name, made, bench))
        for side, one in turn if number else ():
            runs[side].append(one)
    bench.requests = asked
    return rates[1:]


def _floors(bench: Bench, name: str, made: Any) -> tuple[Any, Any]:
    """What one client of the floor does, and what all of them are told."""
    if name == "page":
        return floor.paging, (bench.url, page_floor.statements(), len(timeline.SOURCES))
    return floor.acting, (bench.url, made)


def _measured(url: str, work: Any, common: Any, items: Sequence[Any]) -> Measured:
    before, spent = _counts(url), _cpu(url)
    one = clients.spread(work, common, items)
    after, then = _counts(url), _cpu(url)
    rows = {table: after[table] - before[table] for table in COUNTED}
    return Measured(one, rows, os.getloadavg()[0], {name: then[name] - spent[name] for name in then})


def _cpu(url: str) -> dict[str, float]:
    with psycopg.connect(url) as line:
        postmaster = machine.parent_of(line.info.backend_pid)
    roots = {"server": machine.serving_here(), "postgresql": postmaster}
    return {name: machine.seconds_of(root) for name, root in roots.items()}


def _counts(url: str) -> dict[str, int]:
    with psycopg.connect(url) as line:
        return {table: line.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}  # type: ignore[index]


def _median(of: list[Measured]) -> dict[str, Any]:
    runs = [one.run for one in of]
    sent = runs[0].count + clients.CLIENTS
    return {
        "rate": statistics.median(run.rate for run in runs),
        "rates": [round(run.rate, 1) for run in runs],
        **{f"p{n}_ms": statistics.median(run.percentile(n / 100) for run in runs) for n in (50, 95, 99)},
        "client_us": round(statistics.median(run.client_us for run in runs)),
        **{
            f"{name}_us": round(statistics.median(one.cpu[name] for one in of) / sent * 1e6)
            for name in of[0].cpu
        },
        "errors": sum(run.errors for run in runs),
        "outcomes": [run.outcomes for run in runs if run.errors],
        "rows_per_request": {t: round(sum(one.rows[t] for one in of) / sent / len(of), 3) for t in COUNTED},
        "load": [round(one.load, 2) for one in of],
    }
