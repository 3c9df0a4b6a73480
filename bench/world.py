"""A whole district made by the product, beside COPY of the very same rows: `python -m bench --world N`.

Both on the same PostgreSQL in the same run, on as many connections, into the same tables, which come in without indexes and have
them built afterwards. The product draws, decides, seals and hashes; the bare side has every row as text in files, as COPY writes
it out. Wished: at most two and a half times as long, within fifty gigabytes. Then every entry is verified and one stream in a
hundred folded anew, beside a bare cursor over the same entries and one hash each.
"""

import hashlib
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, models

from bench import machine
from yishe.care import rebuild
from yishe.lab.world import bare, making
from yishe.lab.world.copying import names
from yishe.lab.world.filling import TABLES
from yishe.trust import clock, columns, verification
from yishe.trust.models import Entry
from yishe.trust.verification import Refolding, Way

WISHED, DISK_GB, REFOLDED = 2.5, 50, 0.01
PROCESSES = os.cpu_count() or 1
TOGETHER = 5_000
BLOCK = 1 << 20
LARGE = 30_000
"""Residents from which on verifying is not repeated in one process."""


def run(url: str, residents: int, seed: int, pairs: int, out: Path) -> None:
    """Make, weigh, verify, empty, fill bare as often as asked; writes `<date>-world-N.md` and `.json`."""
    print(f"making {residents} residents …", flush=True)
    told: dict[str, Any] = {"residents": residents, "seed": seed, "processes": PROCESSES}
    with _memory() as peaks:
        began, worked = time.perf_counter(), _cpu(url)
        made = making.world(residents, seed, clock.now(), _progress(), PROCESSES)
        told |= {
            "product_s": time.perf_counter() - began,
            "product_cpu_s": _cpu(url) - worked,
            "rows": made.rows,
        }
    told["peak_mb"] = max(peaks)
    print(f"made in {told['product_s']:.1f} s, at most {told['peak_mb']} MB", flush=True)
    told["bytes"], told["database_bytes"] = _weighed(url)
    told |= _verified(url, residents)
    print(f"verified in {told['verified_s']:.1f} s", flush=True)
    try:
        told |= _beside_copy(url, pairs, told)
    except OSError as fault:
        told["not_compared"] = str(fault)
    told["load"] = round(os.getloadavg()[0], 2)
    _write(out, machine.described(url), told)


def _beside_copy(url: str, pairs: int, told: dict[str, Any]) -> dict[str, Any]:
    """The same rows by COPY, as often as asked; the database holds them again afterwards. OSError where the disk has no room for
    them as text."""
    with tempfile.TemporaryDirectory(prefix="yishe-world-", dir="/tmp") as folder:
        files = _written(url, Path(folder))
        rounds = [_bare(url, files) for _ in range(pairs)]
    took, worked = ([one[n] for one in rounds] for n in (0, 1))
    return {
        "bare_s": took, "bare_cpu_s": worked, "ratio": told["product_s"] / statistics.median(took),
        "cpu_ratio": told["product_cpu_s"] / statistics.median(worked),
        "same": _counted(url) == {one: count for one, count in told["rows"].items() if count},
    }  # fmt: skip


def _progress() -> making.Progress:
    tenths = [0]

    def told(done: int, whole: int) -> None:
        if done * 10 // whole > tenths[0]:
            tenths[0] = done * 10 // whole
            print(f"  {tenths[0]}0 %", flush=True)

    return told


# Work and memory


def _cpu(url: str) -> float:
    """Seconds that this process, those it started, and the database's server have worked so far: what a busy machine does not
    lengthen."""
    with psycopg.connect(url) as line:
        folder = line.execute("SHOW data_directory").fetchone()
    own, ticks = os.times(), os.sysconf("SC_CLK_TCK")
    server = Path(folder[0], "postmaster.pid").read_text().split()[0] if folder else "0"
    spent = 0
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            said = one.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if server in (one.parent.name, said[1]):
            spent += sum(map(int, said[11 : 15 if one.parent.name == server else 13]))
    return own.user + own.system + own.children_user + own.children_system + spent / ticks


@contextmanager
def _memory() -> Iterator[list[int]]:
    """What this process and those it started hold together, in MB, looked at twice a second; shared pages count once."""
    found, ended = [_held()], threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            found.append(_held())

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _held() -> int:
    return sum(_proportional(process) for process in (os.getpid(), *_children())) // 1024


def _children() -> list[int]:
    """Of this process alone, not of the database's server."""
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = one.read_text().rsplit(")", 1)[1].split()[1]
            words = one.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and b"postgres" not in words:
            found.append(int(one.parent.name))
    return found


def _proportional(process: int) -> int:
    """KB of a process, a page that others share in proportion."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


# Disk and proof


def _weighed(url: str) -> tuple[dict[str, int], int]:
    """Bytes on disk with indexes, by table, and of the whole database."""
    with psycopg.connect(url) as line:
        sizes = line.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY(%s) AND relkind IN ('r', 'p')",
            [[one._meta.db_table for one in TABLES]],
        ).fetchall()
        whole = line.execute("SELECT pg_database_size(current_database())").fetchone()
    return dict(sizes), int(whole[0]) if whole else 0


def _verified(url: str, residents: int) -> dict[str, Any]:
    """Every entry, with one stream in a hundred folded anew, and the same entries by a bare cursor."""
    way = Way(processes=PROCESSES, refolding=Refolding(rebuild.compared, REFOLDED))
    told: dict[str, Any] = {}
    with _memory() as peaks:
        began = time.perf_counter()
        found = verification.verify(rebuild.heads(), way=way)
        told["verified_s"] = time.perf_counter() - began
    if not found.whole:
        raise AssertionError(f"the world does not verify: {found.broken} {found.differences[:3]}")
    told |= {"entries": found.entries, "streams": found.streams, "refolded": found.refolded}
    told["verifying_mb"] = max(peaks)
    if residents < LARGE:
        began = time.perf_counter()
        verification.verify()
        told["alone_s"] = time.perf_counter() - began
    connection.close()
    told["cursor_s"] = _cursor(url)
    return told


def _cursor(url: str) -> float:
    """Seconds of one server-side cursor over all entries in order, with one SHA-256 of what each holds."""
    listed = ", ".join(f'"{f.column}"' for f in Entry._meta.concrete_fields)
    sql = f"SELECT {listed} FROM trust_entry ORDER BY home, stream, seq"
    before, data = (
        [f.attname for f in Entry._meta.concrete_fields].index(name) for name in ("previous", "data")
    )
    began = time.perf_counter()
    with psycopg.connect(url) as line, line.cursor("bare", binary=True) as cursor:
        cursor.itersize = 2000
        cursor.execute(sql)  # type: ignore[call-overload]
        for row in cursor:
            hashlib.sha256(row[before] + row[data].encode()).digest()
    return time.perf_counter() - began


# The bare side


def _written(url: str, folder: Path) -> list[tuple[type[models.Model], list[Path]]]:
    """Every row as COPY writes it, dealt out to as many files as there will be connections."""
    with psycopg.connect(url) as line:
        heaps = line.execute(
            "SELECT sum(pg_table_size(oid)) FROM pg_class WHERE relname = ANY(%s)",
            [[one._meta.db_table for one in TABLES]],
        ).fetchone()
        free = shutil.disk_usage(folder).free
        if heaps and heaps[0] > free:
            raise OSError(f"the rows take {heaps[0] / 1e9:.0f} GB as text, {free / 1e9:.0f} GB are free")
        return [(model, _dealt(line, model, folder)) for model in TABLES]


def _dealt(line: psycopg.Connection, model: type[models.Model], folder: Path) -> list[Path]:
    paths = [folder / f"{model._meta.db_table}.{n}" for n in range(PROCESSES)]
    files = [path.open("wb") for path in paths]
    with line.cursor() as cursor, cursor.copy(_copy(model, "TO STDOUT")) as stream:  # type: ignore[call-overload]
        for number, row in enumerate(stream):
            files[number // TOGETHER % len(files)].write(row)
    for one in files:
        one.close()
    return paths


def _copy(model: type[models.Model], where: str) -> str:
    listed = ", ".join(columns.of(model)[name].name for name in names(model))
    return f'COPY "{model._meta.db_table}" ({listed}) {where}'


def _bare(url: str, files: Sequence[tuple[type[models.Model], list[Path]]]) -> tuple[float, float]:
    """Seconds, and seconds of work, until empty tables are full again, indexes included; emptying them is not counted."""
    connection.close()
    tables = ", ".join(f'"{one._meta.db_table}"' for one in TABLES)
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("SET session_replication_role = replica")  # the guards of tables that only grow
        line.execute(f"TRUNCATE {tables} CASCADE")  # type: ignore[call-overload]
        line.execute("CHECKPOINT")
    began, worked = time.perf_counter(), _cpu(url)
    with bare.tables(TABLES), ThreadPoolExecutor(PROCESSES) as pool:
        halves = [[(model, paths[n]) for model, paths in files] for n in range(PROCESSES)]
        list(pool.map(lambda half: _filled(url, half), halves))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    took, worked = time.perf_counter() - began, _cpu(url) - worked
    print(f"bare {took:.1f} s", flush=True)
    return took, worked


def _filled(url: str, half: Sequence[tuple[type[models.Model], Path]]) -> None:
    """One connection's files, table after table."""
    with psycopg.connect(url, autocommit=True) as line, line.cursor() as cursor:
        for model, path in half:
            with path.open("rb") as file, cursor.copy(_copy(model, "FROM STDIN")) as stream:  # type: ignore[call-overload]
                while block := file.read(BLOCK):
                    stream.write(block)


def _counted(url: str) -> dict[str, int]:
    found = {}
    with psycopg.connect(url) as line:
        for model in TABLES:
            row = line.execute(f'SELECT count(*) FROM "{model._meta.db_table}"').fetchone()  # type: ignore[call-overload]
            if row and row[0]:
                found[model._meta.db_table] = row[0]
    return found


# The page


def _write(out: Path, on: dict[str, Any], told: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    name = f"{day}-world-{told['residents']}"
    whole = {"date": day, "machine": on, "wished": WISHED, **told}
    (out / f"{name}.json").write_text(
        json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    text = "\n".join([*_head(day, on, told), *_rows(told), *_proof(told)]) + "\n"
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def _head(day: str, on: dict[str, Any], told: dict[str, Any]) -> list[str]:
    rows = sum(told["rows"].values())
    return [
        f"# Bench of {day}: a district of {told['residents']} residents",
        "",
        f"{on['cores']} cores, load {told['load']}, {on['system']}, Python {on['python']}, PostgreSQL {on['postgresql']}.",
        "",
        "| what | seconds | rows/s | CPU seconds, server's too |",
        "|---|---|---|---|",
        (
            f"| `yishe world`, {told['processes']} processes | {told['product_s']:.1f} | {rows / told['product_s']:.0f} | "
            f"{told['product_cpu_s']:.1f} |"
        ),
        *(
            [f"\nNOT compared with COPY: {told['not_compared']}."]
            if "not_compared" in told
            else _compared(told, rows)
        ),
        "",
        f"All processes of the product together held at most {told['peak_mb']} MB.",
    ]


def _compared(told: dict[str, Any], rows: int) -> list[str]:
    bare_s = statistics.median(told["bare_s"])
    each = ", ".join(f"{one:.1f} s" for one in told["bare_s"])
    return [
        (
            f"| COPY of the same rows, {told['processes']} connections | {bare_s:.1f} | {rows / bare_s:.0f} | "
            f"{statistics.median(told['bare_cpu_s']):.1f} |"
        ),
        "",
        (
            f"Product / bare: **{told['ratio']:.2f}**, by CPU {told['cpu_ratio']:.2f} (wished: at most {WISHED}). Both fill tables without "
            f"indexes and build them afterwards. Bare, each round: {each}; "
            f"{'the same counts of rows' if told['same'] else 'OTHER COUNTS OF ROWS'}."
        ),
    ]


def _rows(told: dict[str, Any]) -> list[str]:
    lines = [
        f"| {table} | {count} | {told['bytes'].get(table, 0) / 1e6:.1f} | {told['bytes'].get(table, 0) / count:.0f} |"
        for table, count in told["rows"].items()
        if count
    ]
    whole = told["database_bytes"]
    at_most = f" (wished at 1.3 million: at most {DISK_GB} GB)"
    return [
        "",
        "| table | rows | MB with indexes | bytes a row |",
        "|---|---|---|---|",
        *lines,
        "",
        f"The whole database: {whole / 1e9:.2f} GB, {whole / told['residents'] / 1e3:.1f} KB a resident{at_most}.",
    ]


def _proof(told: dict[str, Any]) -> list[str]:
    entries, cursor = told["entries"], told["cursor_s"]
    alone = (
        f" In one process, without folding: {told['alone_s']:.1f} s, {entries / told['alone_s']:.0f} entries/s, "
        f"{told['alone_s'] / cursor:.2f} times the cursor."
        if "alone_s" in told
        else ""
    )
    return [
        "",
        (
            f"Verified: {entries} entries of {told['streams']} streams, {told['refolded']} folded anew and compared with their rows, in "
            f"{told['verified_s']:.1f} s ({entries / told['verified_s']:.0f} entries/s, {told['processes']} processes, at most "
            f"{told['verifying_mb']} MB). A bare cursor with one SHA-256 an entry, one connection: {cursor:.1f} s "
            f"({entries / cursor:.0f} entries/s).{alone}"
        ),
    ]
