"""So many clocks passed at once, taken by two workers, beside bare SQL writing the same rows: `python -m bench --sweep N`.

Both on the same PostgreSQL in the same run, two processes each, as many loops to a commit as the pack says. The product claims, reads,
decides by the pack, hashes, writes; the bare side has every row ready as the driver takes it, COPYs entries and messages into tables
of the same shape with the same indexes and keys, and updates the loops they belong to. A round is a rung of the ladder: the reminder,
the deadline, and so on up. Wished: at most one and a half times as long.
"""

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
from django.db import connection
from psycopg.types.json import Jsonb

from bench import filling, machine
from yishe.lab import founding
from yishe.loops import worker
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted, into
from yishe.loops.recording import Said
from yishe.people import directory, packs
from yishe.people.actors import SYSTEM
from yishe.talk.models import Outbox
from yishe.trust import clock, columns
from yishe.trust.batch import Batch
from yishe.trust.models import Entry

WISHED = 1.5
WORKERS = 2
MINUTE = timedelta(minutes=1)
TABLES = {"bare_loop": "loops_loop", "bare_entry": "trust_entry", "bare_outbox": "talk_outbox"}
ALIKE = multiprocessing.get_context("fork")
Part = tuple[list[Any], list[Any], list[list[Any]]]


def run(url: str, loops: int, pairs: int, out: Path) -> None:
    """Promise, then let every clock pass at once, `pairs` rungs up; writes `<date>-sweep.md` and `.json`."""
    opened = clock.now() - timedelta(days=2)
    began = time.perf_counter()
    _fill(loops, opened)
    print(f"{loops} loops promised within a minute, in {time.perf_counter() - began:.0f} s", flush=True)
    chunk = packs.in_force().settings(opened.date()).clocks.chunk
    worker.sweep_all(opened)  # the calendar in force reaches them; nothing is due yet
    rounds = [_round(url, chunk) for _ in range(pairs)]
    told = {"loops": loops, "chunk": chunk, "rounds": rounds, "load": round(os.getloadavg()[0], 2)}
    told["ratio"] = statistics.median(one["ratio"] for one in rounds)
    told["cpu_ratio"] = statistics.median(one["cpu_ratio"] for one in rounds)
    _write(out, machine.described(url), told)


def _fill(count: int, opened: datetime) -> None:
    """Promises of one minute, each of its own microsecond, as residents and reasons come round."""
    made = founding.district(opened - timedelta(days=1))
    reasons = filling.calm_reasons(opened)
    filling.registered(made, -(-count // len(reasons)), opened, 1)
    people = list(made.placed)
    with directory.one_picture():
        for first in range(0, count, 1000):
            batch = Batch()
            for n in range(first, min(first + 1000, count)):
                resident, wanted = people[n % len(people)], Wanted(filling.KIND, reasons[n // len(people)])
                at = opened + MINUTE * n / count
                sender = filling.sender_for(made, resident, at)
                into(batch, sender, made.placed[resident], wanted, Said(SYSTEM.staff_id, at))
            batch.commit()


def _round(url: str, chunk: int) -> dict[str, Any]:
    """One rung: what the product did to every loop, and the bare side after it."""
    _quiet(url)
    before = _read(url, Loop, "TRUE")
    at = max(_of(Loop, row, "next_at") for row in before)
    mark = _last_message(url)
    took, cpu, found = _at_once(url, [(_swept, (at, chunk))] * WORKERS)
    written = _written(url, before, mark, chunk)
    bare, bare_cpu, _ = _at_once(url, [(_inserted, (url, part)) for part in _prepared(url, before, written)])
    rows = {
        "entries": sum(len(part[0]) for part in written), "messages": sum(len(part[1]) for part in written),
        "loops": sum(len(part[2]) for part in written),
    }  # fmt: skip
    told = {
        "product_s": took, "bare_s": bare, "ratio": took / bare, "rows": rows, "clocks_per_s": len(before) / took,
        "product_cpu_s": cpu, "bare_cpu_s": bare_cpu, "cpu_ratio": sum(cpu) / sum(bare_cpu),
        "by_worker": [one[0] for one in found], "peak_mb": max(one[1] for one in found), "events": _events(written),
    }  # fmt: skip
    shown = ("product_s", "bare_s", "ratio", "product_cpu_s", "bare_cpu_s", "cpu_ratio", "events")
    print({name: told[name] for name in shown}, flush=True)
    return told


# The product


def _swept(at: datetime, chunk: int) -> tuple[int, int]:
    machine.forget_peak()
    done = worker.sweep_all(at, chunk)
    if done.stuck:
        raise RuntimeError(f"{len(done.stuck)} loops are stuck")
    return done.looked_at, machine.peak_mb()


def _at_once(
    url: str, work: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]
) -> tuple[float, tuple[float, float], list[Any]]:
    """Each in a process of its own with a connection of its own: seconds from the common start until the last has ended; processor
    time of these and of the server; what each has found."""
    connection.close()
    answers, start = ALIKE.Queue(), ALIKE.Barrier(len(work) + 1)
    children = [ALIKE.Process(target=_child, args=(act, given, start, answers)) for act, given in work]
    for child in children:
        child.start()
    server = machine.server_cpu(url)
    start.wait()
    began = time.perf_counter()
    found = [answers.get() for _ in children]
    took = time.perf_counter() - began
    server = machine.server_cpu(url) - server
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise RuntimeError("one of the processes did not come to its end")
    return took, (sum(cpu for cpu, _ in found), server), [one for _, one in found]


def _child(act: Callable[..., Any], given: tuple[Any, ...], start: Any, answers: Any) -> None:
    start.wait()
    began = time.process_time()
    found = act(*given)
    answers.put((time.process_time() - began, found))


# The same rows, bare


def _written(url: str, before: Sequence[Any], mark: int, chunk: int) -> list[Part]:
    """What the product wrote, so many loops to a part: entries, messages, and the loops' changed columns."""
    entries, messages = dict[Any, list[Any]](), dict[Any, list[Any]]()
    seqs = {_of(Loop, row, "id"): _of(Loop, row, "seq") for row in before}
    for row in _read(url, Entry, "seq > 1"):
        if _of(Entry, row, "seq") > seqs.get(_of(Entry, row, "stream"), 0):
            entries.setdefault(_of(Entry, row, "stream"), []).append(row)
    for row in _read(url, Outbox, f"id > {mark}"):
        messages.setdefault(_of(Outbox, row, "loop"), []).append(row[1:])
    after = {_of(Loop, row, "id"): row for row in _read(url, Loop, "TRUE")}
    found: list[Part] = []
    order = sorted(before, key=lambda row: _of(Loop, row, "next_at"))
    for n in range(0, len(order), chunk):
        ids = [_of(Loop, row, "id") for row in order[n : n + chunk]]
        found.append(
            (
                [e for i in ids for e in entries[i]],
                [m for i in ids for m in messages.get(i, ())],
                [after[i] for i in ids],
            )
        )
    return found


def _prepared(url: str, before: Sequence[Any], parts: Sequence[Part]) -> list[list[Part]]:
    """Tables of the same shape with the loops as they stood; the parts dealt out to as many connections as there were workers."""
    changed = _changed(before, parts)
    with psycopg.connect(url, autocommit=True) as line:
        for name, like in TABLES.items():
            line.execute(f"DROP TABLE IF EXISTS {name}")  # type: ignore[call-overload]
            line.execute(f"CREATE TABLE {name} (LIKE {like} INCLUDING ALL)")  # type: ignore[call-overload]
        _copied(line, "bare_loop", Loop, _fields(Loop), before)
    _quiet(url)
    ready = [(entries, messages, [changed, loops]) for entries, messages, loops in parts]
    return [ready[n::WORKERS] for n in range(WORKERS)]


def _changed(before: Sequence[Any], parts: Sequence[Part]) -> list[str]:
    """The columns of a loop that any of them changed."""
    names, was = _fields(Loop), {_of(Loop, row, "id"): row for row in before}
    found = set[str]()
    for _, _, loops in parts:
        for row in loops:
            old = was[_of(Loop, row, "id")]
            found |= {name for n, name in enumerate(names) if row[n] != old[n]}
    return sorted(found)


def _inserted(url: str, parts: Sequence[Any]) -> None:
    with psycopg.connect(url) as line:
        for entries, messages, (changed, loops) in parts:
            _copied(line, "bare_entry", Entry, _fields(Entry), entries)
            _copied(line, "bare_outbox", Outbox, _fields(Outbox)[1:], messages)
            _updated(line, changed, loops)
            line.commit()


def _updated(line: psycopg.Connection, changed: Sequence[str], loops: Sequence[Any]) -> None:
    names = [*changed, "id"]
    known = columns.of(Loop)
    at = [_fields(Loop).index(name) for name in names]
    values = [[_json(row[n]) for row in loops] for n in at]
    given = ", ".join(f"c{n}" for n in range(len(names)))
    arrays = ", ".join(f"%b{known[name].cast}[]" for name in names)
    sets = ", ".join(f"{known[name].name} = v.c{n}" for n, name in enumerate(changed))
    line.execute(
        f"UPDATE bare_loop t SET {sets} FROM unnest({arrays}) AS v({given}) WHERE t.id = v.c{len(changed)}", values,  # type: ignore[call-overload]
    )  # fmt: skip


def _json(value: Any) -> Any:
    return Jsonb(value, dumps=orjson.dumps) if isinstance(value, dict | list) else value


def _copied(
    line: psycopg.Connection, table: str, model: Any, names: Sequence[str], rows: Sequence[Any]
) -> None:
    """In binary with the types told, as the product does it."""
    known = columns.of(model)
    into_ = f"COPY {table} ({', '.join(known[name].name for name in names)}) FROM STDIN (FORMAT BINARY)"
    with line.cursor() as cursor, cursor.copy(into_) as stream:  # type: ignore[call-overload]
        stream.set_types([known[name].cast.removeprefix("::") for name in names])
        for row in rows:
            stream.write_row([_json(value) for value in row])


# Reading


def _fields(model: Any) -> list[str]:
    return [f.attname for f in model._meta.concrete_fields]


def _of(model: Any, row: Sequence[Any], name: str) -> Any:
    return row[_fields(model).index(name)]


def _read(url: str, model: Any, which: str) -> list[Any]:
    names = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)
    with psycopg.connect(url) as line:
        return line.execute(f'SELECT {names} FROM "{model._meta.db_table}" WHERE {which}').fetchall()  # type: ignore[call-overload]


def _last_message(url: str) -> int:
    with psycopg.connect(url) as line:
        return int(line.execute("SELECT coalesce(max(id), 0) FROM talk_outbox").fetchone()[0])  # type: ignore[index]


def _quiet(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("VACUUM ANALYZE")
        line.execute("CHECKPOINT")


def _events(parts: Sequence[Part]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entries, _, _ in parts:
        for row in entries:
            kind = _of(Entry, row, "kind")
            found[kind] = found.get(kind, 0) + 1
    return found


def _write(out: Path, on: dict[str, Any], told: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    whole = {"date": day, "machine": on, "wished": WISHED, **told}
    (out / f"{day}-sweep.json").write_text(
        json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    page = [
        f"# Bench of {day}: {told['loops']} clocks passed at once",
        "",
        f"{told['loops']} loops promised within one minute, each of its own moment; {WORKERS} workers, {told['chunk']} loops to a commit.",
        "",
        f"{on['cores']} cores, load {told['load']}, {on['system']}, Python {on['python']}, PostgreSQL {on['postgresql']}.",
        "",
        "| rung | events | rows | product | bare | product / bare | processor: workers + server | bare | clocks/s | memory of a worker |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(number, one) for number, one in enumerate(told["rounds"], 1)),
        "",
        (
            f"Product / bare, median: **{told['ratio']:.2f}** of the time (wished: at most {WISHED}), **{told['cpu_ratio']:.2f}** of the "
            "processor's time, which a busy machine stretches less. Each clock was due when the workers began: the last was late by the "
            "product's time."
        ),
    ]
    text = "\n".join(page) + "\n"
    (out / f"{day}-sweep.md").write_text(text, encoding="utf-8")
    print(text)


def _row(number: int, one: dict[str, Any]) -> str:
    events = ", ".join(f"{kind} {count}" for kind, count in one["events"].items())
    cpu, bare_cpu = (
        f"{own:.1f} + {server:.1f} s" for own, server in (one["product_cpu_s"], one["bare_cpu_s"])
    )
    return (
        f"| {number} | {events} | {sum(one['rows'].values())} | {one['product_s']:.1f} s | {one['bare_s']:.1f} s | "
        f"{one['ratio']:.2f} | {cpu} | {bare_cpu} | {one['clocks_per_s']:.0f} | {one['peak_mb']} MB |"
    )
