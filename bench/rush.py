"""Nine in the morning: hundreds of seats, open streams, open arrivals and the worker, all on one machine.

python -m bench --rush [--minutes 10] [--rate 60] [--seats 600] [--streams 500] [--on URL | --world N]
python -m bench --push …     only commit → another browser's screen

A request counts from the moment it was due. Shares of requests are those of `MIX`; four of five read.
"""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from django.db import connection

from bench import clients, desks, load, machine
from bench.desks import Desks
from bench.load import Answered, Asked
from yishe.loops import worker
from yishe.trust import clock

READS: dict[str, tuple[int, Callable[[Desks, Random], bytes]]] = {
    "work list": (32, desks.worklist), "resident page": (20, desks.page), "search": (12, desks.search),
    "timeline": (12, desks.timeline), "board": (4, desks.board),
}  # fmt: skip
WRITES = {"create": 8, "transition": 8, "follow-up entry": 4}
LINES = 200
WISHED = {"p99_ms": 500.0, "late_s": 10.0, "push_p99_ms": 100.0}
LEAST_GAP = 4.0
"""Seconds between the beginning of a follow-up and its first answers."""
SETTLING_SECONDS = 180
PUSH_RATE, PUSH_SECONDS = 10.0, 30


@dataclass
class Late:
    """How long the longest-waiting due clock waited, looked at every second."""

    worst: float = 0.0
    seen: list[float] = field(default_factory=list)
    end: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self.end.wait(1.0):
            self.seen.append(worker.oldest_due(clock.now()).total_seconds())
        self.worst = max(self.seen, default=0.0)
        connection.close()


@dataclass
class House:
    """Where the product answers, and its processes by what they are for."""

    pages: str
    streams: str
    processes: dict[str, int]

    def spent(self, before: dict[str, float] | None = None) -> dict[str, float]:
        """CPU seconds by what a process is for, since `before`."""
        told = {name: machine.seconds_of(root) for name, root in self.processes.items()}
        return {name: round(one - (before or {}).get(name, 0.0), 2) for name, one in told.items()}


@contextmanager
def running(environment: dict[str, str]) -> Iterator[House]:
    """The product as a district runs it: pages, streams and a worker, each a process group of its own."""
    pages, streams = machine.free_port(), machine.free_port()
    commands = {
        "web": ("serve", "--role", "web", "--no-worker", "--port", str(pages), "--processes", "2", "--threads", "4"),
        "live": ("serve", "--role", "live", "--no-worker", "--port", str(streams)),
        "worker": ("worker",),
    }  # fmt: skip
    with Path(environment["YISHE_HOME"], "rush.log").open("w") as log:
        children = {
            name: subprocess.Popen(
                [sys.executable, "-m", "yishe", *words], env=environment, stdout=log, stderr=log
            )
            for name, words in commands.items()
        }
    try:
        machine.until_up(children["web"], pages)
        machine.until_up(children["live"], streams, "/healthz")
        ids = {name: one.pid for name, one in children.items()}
        yield House(f"127.0.0.1:{pages}", f"127.0.0.1:{streams}", ids)
    finally:
        for one in children.values():
            one.terminate()
        for one in children.values():
            _ended(one)


def _ended(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=60)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run(
    url: str, out: Path, *, minutes: float, rate: float, seats: int, streams: int, push_only: bool
) -> None:
    began = time.monotonic()
    sat = desks.taken(seats)
    print(f"{len(sat.by_staff)} members of staff at {seats} seats, {len(sat.waiting)} loops wait", flush=True)
    heads = [clients.get("/live/", one.bearer) for one in _apart(sat, streams)]
    connection.close()
    with running(dict(os.environ)) as house:
        house.processes["postgresql"] = _postmaster(url)
        backlog = _settled()
        told: dict[str, Any] = {"push": _pushed(sat, heads, house)}
        if not push_only:
            told["rush"] = _rushed(sat, heads, house, minutes, rate)
            told["rush"]["late_before_s"] = backlog
    sizes = {
        name: _count(url, name) for name in ("people_resident", "loops_loop", "trust_entry", "talk_outbox")
    }
    told |= {"machine": machine.described(url), "rows": sizes, "seats": seats, "staff": len(sat.by_staff)}
    told |= {"load": os.getloadavg()[0], "prepared_s": round(time.monotonic() - began)}
    write(out, told, "push" if push_only else "rush")


def _apart(sat: Desks, streams: int) -> list[desks.Seat]:
    """First one seat of each person, so that most of those who are told something listen."""
    return [*sat.by_staff.values(), *(one for one in sat.seats if sat.by_staff[one.staff] is not one)][
        :streams
    ]


def _settled() -> float:
    """Waits until no clock is late any more; seconds by which the oldest still is."""
    ends = time.monotonic() + SETTLING_SECONDS
    while (late := worker.oldest_due(clock.now()).total_seconds()) > 1 and time.monotonic() < ends:
        time.sleep(1)
    connection.close()
    return late


def _pushed(sat: Desks, heads: Sequence[bytes], house: House) -> dict[str, Any]:
    """Loops accepted one after the other while all streams are open, and when the addressed screens heard of it."""
    wanted = min(int(PUSH_RATE * PUSH_SECONDS), len(sat.waiting) // 2)
    asked, loops = [], []
    for number in range(wanted):
        loop, _, request = desks.accept(sat)
        loops.append(str(loop))
        asked.append(Asked(request, 1.0 + number / PUSH_RATE, str(loop)))
    before = house.spent()
    found = load.run(house.pages, asked, 16, (house.streams, heads))
    used = house.spent(before)
    heard = [(at, loop) for _, at, loop in found.events]
    answered = {one.asked.kind: one for one in found.answers if 200 <= one.status < 300}
    after_answer = [max(at - answered[loop].done, 0.0) for at, loop in heard if loop in answered]
    after_sent = [at - answered[loop].sent for at, loop in heard if loop in answered]
    return {
        "streams": found.open_streams, "broken": found.broken, "acts": len(asked), "errors": len(asked) - len(answered),
        "heard": len(after_answer), "unheard": len(answered) - len({loop for _, loop in heard} & set(answered)),
        "after_answer": _shares(after_answer), "after_sent": _shares(after_sent), "cpu_s": used,
    }  # fmt: skip


def plan(sat: Desks, seconds: float, rate: float, rng: Random) -> list[Asked]:
    """Arrivals by chance, at the rate on the whole; writes only as far as there is something to write about."""
    kinds = {name: share for name, (share, _) in READS.items()} | WRITES
    forms = iter(
        list(desks.entries(sat, int(seconds * rate * WRITES["follow-up entry"] / sum(kinds.values()) / 2)))
    )
    asked, at, later = list[Asked](), 0.0, list[tuple[float, bytes]]()
    while (at := at + rng.expovariate(rate)) < seconds:
        kind = rng.choices(list(kinds), list(kinds.values()))[0]
        if kind in READS:
            asked.append(Asked(READS[kind][1](sat, rng), at, kind))
        elif kind == "create" and sat.free:
            asked.append(Asked(desks.create(sat, rng), at, kind))
        elif kind == "follow-up entry" and later and later[0][0] <= at:
            asked.append(Asked(later.pop(0)[1], at, kind))
        elif kind == "follow-up entry" and (form := next(forms, None)):
            asked.append(Asked(form[0], at, kind))
            later.append((at + LEAST_GAP, form[1]))
        elif sat.waiting:
            asked.append(Asked(desks.accept(sat)[2], at, "transition"))
        else:
            asked.append(Asked(desks.worklist(sat, rng), at, "work list"))
    return asked


def _rushed(sat: Desks, heads: Sequence[bytes], house: House, minutes: float, rate: float) -> dict[str, Any]:
    asked = plan(sat, minutes * 60, rate, Random(9))
    connection.close()
    late = Late()
    watching = threading.Thread(target=late.watch)
    watching.start()
    before = house.spent()
    found = load.run(house.pages, asked, LINES, (house.streams, heads))
    used = house.spent(before) | {"client": round(found.cpu_seconds, 2)}
    late.end.set()
    watching.join()
    return {
        "minutes": minutes, "rate": rate, "requests": len(asked), "streams": found.open_streams, "broken": found.broken,
        "events": len(found.events), "late_s": round(late.worst, 1), "cpu_s": used, **_by_kind(found.answers),
    }  # fmt: skip


def _by_kind(answers: Sequence[Answered]) -> dict[str, Any]:
    kinds = defaultdict[str, list[Answered]](list)
    for one in answers:
        kinds[one.asked.kind].append(one)
    wrong = Counter(f"{one.asked.kind} {one.status}" for one in answers if not 200 <= one.status < 300)
    reads = sum(len(of) for kind, of in kinds.items() if kind in READS)
    return {
        "all": _shares([one.took for one in answers]), "errors": sum(wrong.values()), "wrong": dict(wrong),
        "reads": round(reads / max(len(answers), 1), 3),
        "kinds": {kind: {"count": len(of), **_shares([one.took for one in of])} for kind, of in sorted(kinds.items())},
    }  # fmt: skip


def _shares(found: list[float]) -> dict[str, float]:
    """Milliseconds."""
    if not found:
        return {}
    ordered = sorted(found)
    at = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in _POINTS.items()}
    return {name: round(one, 1) for name, one in at.items()} | {"mean": round(statistics.fmean(found), 1)}


_POINTS = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def _postmaster(url: str) -> int:
    """0 where the server is on another machine."""
    with psycopg.connect(url) as line:
        found = line.execute("SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int").fetchone()
    return int(found[0]) if found and Path(f"/proc/{found[0]}").exists() else 0


def _count(url: str, table: str) -> int:
    with psycopg.connect(url) as line:
        found = line.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[call-overload]
    return int(found[0]) if found else 0


def write(out: Path, told: dict[str, Any], name: str) -> None:
    """`<date>-rush.md` and `.json`."""
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    (out / f"{day}-{name}.json").write_text(
        json.dumps({"date": day, **told}, ensure_ascii=False, indent=2) + "\n"
    )
    page = (
        "\n".join([f"# {'Morning rush' if name == 'rush' else 'Live push'} of {day}", "", *_lines(told)])
        + "\n"
    )
    (out / f"{day}-{name}.md").write_text(page, encoding="utf-8")
    print(page)


def _lines(told: dict[str, Any]) -> Iterator[str]:
    box, rows, push = told["machine"], told["rows"], told["push"]
    yield f"{rows['people_resident']} residents, {rows['loops_loop']} loops, {rows['trust_entry']} entries; "
    yield f"{told['staff']} members of staff at {told['seats']} seats. {box['cores']} cores, load {told['load']:.1f} at the end, "
    yield f"{box['system']}, Python {box['python']}, PostgreSQL {box['postgresql']}."
    yield "Client, product and database on one machine."
    yield ""
    yield f"**Commit → another's screen**, {push['streams']} open streams ({push['broken']} broke), {push['acts']} acts "
    yield f"at {PUSH_RATE:.0f}/s, {push['errors']} errors, {push['heard']} events heard, {push['unheard']} acts unheard."
    yield f"After the answer: {_said(push['after_answer'])} (wished: p99 at most {WISHED['push_p99_ms']:.0f} ms);"
    yield f"after the request left: {_said(push['after_sent'])}. CPU seconds: {push['cpu_s']}."
    if "rush" in told:
        yield from _rush_lines(told["rush"])


def _rush_lines(rush: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"**Rush**, {rush['minutes']:g} minutes, open arrivals at {rush['rate']:g}/s, {rush['reads']:.0%} reads,"
    yield f"{rush['streams']} open streams ({rush['broken']} broke), {rush['events']} events heard."
    yield f"{rush['requests']} requests, **{rush['errors']} errors** {rush['wrong'] or ''},"
    yield f"**p99 {rush['all'].get('p99', 0)} ms** (wished: at most {WISHED['p99_ms']:.0f}),"
    yield f"**oldest due clock {rush['late_s']} s late** at worst (wished: at most {WISHED['late_s']:.0f})."
    yield f"CPU seconds: {rush['cpu_s']}."
    yield ""
    yield "| request | count | p50 | p95 | p99 | max |"
    yield "|---|---|---|---|---|---|"
    for kind, one in [*rush["kinds"].items(), ("all", {"count": rush["requests"], **rush["all"]})]:
        yield (
            f"| {kind} | {one['count']} | "
            + " | ".join(f"{one.get(name, 0):.1f} ms" for name in _POINTS)
            + " |"
        )


def _said(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {one:.1f} ms" for name, one in shares.items())
