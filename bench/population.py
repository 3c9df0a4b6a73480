"""A population classified and its years planned by the product, beside bare SQL inserting the same rows: `python -m bench --population N`.

Both on the same PostgreSQL in the same run, a thousand contracts to a commit: the product reads, works out, hashes, writes; the
bare side has every row ready as the driver takes it, COPYs entries, classes and promises into tables of the same shape with the same
indexes and keys, and updates the contracts it belongs to. Wished: at most three times as long.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from django.db import connection

from bench import machine
from yishe.care import population, replanning, year
from yishe.care.class_models import ClassOf
from yishe.care.models import Contract, Owed
from yishe.lab import crowd
from yishe.policy.class_state import ASSIGNED
from yishe.policy.contract_state import REPLANNED
from yishe.trust import clock, columns
from yishe.trust.models import Entry

WISHED = 3.0
T = TypeVar("T")
KINDS = f"('{ASSIGNED}', '{REPLANNED}')"
TABLES = {
    "bare_class": "care_classof",
    "bare_entry": "trust_entry",
    "bare_owed": "care_owed",
    "bare_contract": "care_contract",
}
Part = tuple[list[Any], list[Any], list[Any], list[Any]]


def run(url: str, residents: int, seed: int, pairs: int, out: Path) -> None:
    """Fill, plan, then insert the same rows bare as often as asked; writes `<date>-population.md` and `.json`."""
    print(f"gathering {residents} residents …", flush=True)
    began = time.perf_counter()
    made = crowd.gather(residents, seed, clock.now())
    gathered = time.perf_counter() - began
    _quiet(url)
    before = _contracts(url)
    machine.forget_peak()
    took, found = _timed(lambda: population.run(clock.now()))
    peak = machine.peak_mb()
    connection.close()
    print(f"product {took:.1f} s for {found.promises} promises, at most {peak} MB", flush=True)
    nothing, again = _timed(lambda: population.run(clock.now(), everybody=True))
    parts = list(_parts(url))
    bare = [_bare(url, parts, before) for _ in range(pairs)]
    print(f"bare {statistics.median(bare):.1f} s", flush=True)
    first, _ = _timed(lambda: replanning.everybody(clock.now()))
    daily, _ = _timed(lambda: replanning.everybody(clock.now()))
    opening, opened = _timed(lambda: year.open_due(clock.now()))
    told = {
        "peak_mb": peak, "round_s": first, "daily_s": daily, "opened": opened, "opening_s": opening,
        "residents": made.residents, "contracts": made.contracts, "classified": found.classing.classified,
        "planned": found.planned, "promises": found.promises, "gathered_s": gathered, "product_s": took, "bare_s": bare,
        "ratio": took / statistics.median(bare), "again_s": nothing, "again_planned": again.planned,
        "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    _write(out, machine.described(url), told)


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    done = act()
    return time.perf_counter() - began, done


def _quiet(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("VACUUM ANALYZE")
        line.execute("CHECKPOINT")


def _contracts(url: str) -> list[tuple[Any, ...]]:
    """The contracts as they stand, for the bare side to start from."""
    with psycopg.connect(url) as line:
        return line.execute(f"SELECT {_names(Contract)} FROM care_contract").fetchall()  # type: ignore[call-overload]


def _parts(url: str) -> Iterator[Part]:
    """What the product wrote, a thousand acts to a part as it did: entries, classes, promises, and the contracts' new heads."""
    promised = f"SELECT {_names(Owed)} FROM care_owed WHERE service <> 'renewal'"
    entries = f"SELECT {_names(Entry)} FROM trust_entry WHERE kind IN {KINDS} ORDER BY kind, stream"
    by_contract: dict[Any, list[Any]] = {}
    with psycopg.connect(url) as line:
        for row in line.execute(promised):
            by_contract.setdefault(_of(Owed, row, "contract_id"), []).append(row)
        by_stream = {
            _of(ClassOf, row, "id"): row
            for row in line.execute(f"SELECT {_names(ClassOf)} FROM care_classof")
        }
        written = line.execute(entries).fetchall()
    for n in range(0, len(written), replanning.SIZE):
        part = written[n : n + replanning.SIZE]
        streams = [_of(Entry, row, "stream") for row in part]
        heads = [
            (_of(Entry, row, "seq"), _of(Entry, row, "hash"), _of(Entry, row, "stream"))
            for row in part
            if _of(Entry, row, "kind") == REPLANNED
        ]
        yield (
            part, [by_stream[one] for one in streams if one in by_stream],
            [row for one in streams for row in by_contract.get(one, ())], heads,
        )  # fmt: skip


def _of(model: Any, row: Sequence[Any], name: str) -> Any:
    return row[[f.attname for f in model._meta.concrete_fields].index(name)]


def _names(model: Any) -> str:
    return ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)


def _bare(url: str, parts: Sequence[Part], before: Sequence[Any]) -> float:
    """Seconds that the bare side takes for all parts."""
    with psycopg.connect(url, autocommit=True) as line:
        for name, like in TABLES.items():
            line.execute(f"DROP TABLE IF EXISTS {name}")  # type: ignore[call-overload]
            line.execute(f"CREATE TABLE {name} (LIKE {like} INCLUDING ALL)")  # type: ignore[call-overload]
        _copied(line, "bare_contract", Contract, before)
        line.execute("ALTER TABLE bare_owed ADD FOREIGN KEY (contract_id) REFERENCES bare_contract")
    _quiet(url)
    began = time.perf_counter()
    with psycopg.connect(url) as line:
        for entries, classes, owed, heads in parts:
            _copied(line, "bare_entry", Entry, entries)
            _copied(line, "bare_class", ClassOf, classes)
            _copied(line, "bare_owed", Owed, owed)
            seqs, hashes, streams = (
                (list(column) for column in zip(*heads, strict=True)) if heads else ([], [], [])
            )
            line.execute(
                "UPDATE bare_contract c SET seq = v.seq, head = v.head"
                " FROM unnest(%s::int[], %s::bytea[], %s::uuid[]) AS v(seq, head, id) WHERE c.id = v.id",
                [seqs, hashes, streams],
            )
            line.commit()
    return time.perf_counter() - began


def _copied(line: psycopg.Connection, table: str, model: Any, rows: Sequence[Any]) -> None:
    """In binary with the types told, as the product does it."""
    types = [columns.of(model)[f.attname].cast.removeprefix("::") for f in model._meta.concrete_fields]
    into = f"COPY {table} ({_names(model)}) FROM STDIN (FORMAT BINARY)"
    with line.cursor() as cursor, cursor.copy(into) as stream:  # type: ignore[call-overload]
        stream.set_types(types)
        for row in rows:
            stream.write_row(row)


def _write(out: Path, on: dict[str, Any], told: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    whole = {"date": day, "machine": on, "wished": WISHED, **told}
    (out / f"{day}-population.json").write_text(
        json.dumps(whole, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    bare = statistics.median(told["bare_s"])
    page = [
        f"# Bench of {day}: a population classified and planned",
        "",
        (
            f"{told['residents']} residents, {told['contracts']} contracts in force; {told['promises']} promises and "
            f"{told['planned']} changed years and {told['classified']} classes, each with its ledger entry, a thousand to a commit."
        ),
        "",
        f"{on['cores']} cores, load {told['load']}, {on['system']}, Python {on['python']}, PostgreSQL {on['postgresql']}.",
        "",
        "| what | seconds | residents/s | rows/s |",
        "|---|---|---|---|",
        *(
            _row(name, took, told)
            for name, took in (
                ("`yishe population run`", told["product_s"]),
                ("bare COPY of the same rows", bare),
            )
        ),
        "",
        (
            f"Product / bare: **{told['ratio']:.2f}** (wished: at most {WISHED:.0f}). Bare, each round: "
            f"{', '.join(f'{one:.1f} s' for one in told['bare_s'])}. The run held at most {told['peak_mb']} MB of memory."
        ),
        "",
        (
            f"The same run again over everybody, with nothing left to write: {told['again_s']:.1f} s, {told['again_planned']} changed. "
            f"Inventing the residents took {told['gathered_s']:.0f} s."
        ),
        "",
        (
            f"The worker's daily round over all years, the first time: {told['round_s']:.1f} s; the next day's, with nothing changed: "
            f"{told['daily_s']:.2f} s. Opening the {told['opened']} promises that were due: {told['opening_s']:.0f} s, "
            f"{1000 * told['opening_s'] / max(told['opened'], 1):.2f} ms each."
        ),
    ]
    text = "\n".join(page) + "\n"
    (out / f"{day}-population.md").write_text(text, encoding="utf-8")
    print(text)


def _row(name: str, took: float, told: dict[str, Any]) -> str:
    rows = told["promises"] + 2 * (told["planned"] + told["classified"])
    return f"| {name} | {took:.1f} | {told['residents'] / took:.0f} | {rows / took:.0f} |"
