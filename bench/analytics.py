"""The indicators of a quarter from Parquet, beside DuckDB asked by hand: `python -m bench --analytics N` residents.

Both on the same files, in the same process, with the same memory and threads, in turn; both begin with nothing open. The product
builds every expression, compiles it and counts; the bare side is the SQL of `bare_indicators.sql`, written by hand for these numbers.
That both say the same is checked. Wished: at most twice as long.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from django.conf import settings

from bench import machine
from yishe.insight import indicators
from yishe.people import packs
from yishe.policy.indicator_rules import Quarter
from yishe.policy.indicators import SCHEMAS

WISHED = 2.0
QUARTER = Quarter(2026, 3)
CENTRES, TEAMS = 20, 100
HERE = Path(__file__).parent
Counted = dict[tuple[str, str, str], tuple[int, int]]


def run(residents: int, pairs: int, out: Path) -> None:
    """Writes `<date>-analytics.md` and `.json`."""
    with tempfile.TemporaryDirectory(prefix="yishe-lake-") as folder:
        settings.HOME = Path(folder)
        (settings.HOME / "analytics").mkdir()
        print(f"making a lake of {residents} residents …", flush=True)
        rows = dict(made(residents, Path(folder)))
        found = {name: sorted(Path(folder, name).rglob("*.parquet")) for name in SCHEMAS}
        size = sum(file.stat().st_size for files in found.values() for file in files)
        mine, bare = _in_turn(found, pairs)
    ratios = [one / other for one, other in zip(mine, bare, strict=True)]
    told = {
        "residents": residents, "rows": rows, "files": sum(map(len, found.values())), "megabytes": size >> 20,
        "product_s": mine, "bare_s": bare, "ratios": ratios, "ratio": statistics.median(ratios), "wished": WISHED,
        "peak_mb": machine.peak_mb(), "load": round(os.getloadavg()[0], 2), "memory": indicators.MEMORY,
        "threads": indicators.THREADS,
    }  # fmt: skip
    _write(out, told)


def _in_turn(found: dict[str, list[Path]], pairs: int) -> tuple[list[float], list[float]]:
    """Product, bare, bare, product …; the first, unmeasured round warms both and holds them together."""
    sides = (_product, _bare)
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(pairs + 1):
        came = {}
        for side in sides if number % 2 else reversed(sides):
            began = time.perf_counter()
            came[side] = side(found)
            if number:
                took[sides.index(side)].append(time.perf_counter() - began)
        if came[_product] != came[_bare]:
            wrong = sorted(set(came[_product].items()) ^ set(came[_bare].items()))[:4]
            raise SystemExit(f"the two sides count differently: {wrong}")
        print(number, [round(one[-1], 2) for one in took if one], flush=True)
    return took


def _product(found: dict[str, list[Path]]) -> Counted:
    with indicators.engine() as engine:
        there = indicators.tables(engine, found)
        values = list(indicators.values(engine, there, packs.in_force(), QUARTER))
    return {
        (one.code, one.centre.hex if one.centre else "", one.team.hex if one.team else ""): (
            one.numerator,
            one.denominator,
        )
        for one in values
    }


def _bare(found: dict[str, list[Path]]) -> Counted:
    """Every line of the file answers centre, team, and numerator and denominator of each indicator its head names."""
    config = {"memory_limit": indicators.MEMORY, "threads": indicators.THREADS}
    counted: Counted = {}
    with duckdb.connect(config=config) as engine:
        for name, files in ((one, there) for one, there in found.items() if there):
            engine.read_parquet([str(file) for file in files], hive_partitioning=False).create_view(name)
        for codes, asked in _questions():
            for centre, team, *pairs in engine.execute(asked).fetchall():
                for code, top, bottom in zip(codes, pairs[::2], pairs[1::2], strict=True):
                    if bottom:
                        counted[code, centre, team] = (top, bottom)
    return counted


def _questions() -> Iterator[tuple[list[str], str]]:
    for part in (HERE / "bare_indicators.sql").read_text(encoding="utf-8").split("-- ")[1:]:
        head, _, asked = part.partition("\n")
        yield head.split(), asked


# A district's quarter, invented: three years of what the lake holds, by centre and month


def made(residents: int, folder: Path, centres: int = CENTRES) -> Iterator[tuple[str, int]]:
    with duckdb.connect(
        config={"memory_limit": "2GB", "threads": 2, "temp_directory": str(folder / "spill")}
    ) as engine:
        engine.execute(f"SET VARIABLE n = {residents}")
        engine.execute(f"SET VARIABLE centres = {centres}")
        engine.execute("SET preserve_insertion_order = false")
        for part in (HERE / "invented_lake.sql").read_text(encoding="utf-8").split("-- ")[1:]:
            name, _, asked = part.partition("\n")
            if name.startswith("macro"):
                engine.execute(asked)
                continue
            total = 0
            for home in range(centres):
                place = folder / name.strip() / f"home={home}"
                place.parent.mkdir(exist_ok=True)
                engine.execute(f"SET VARIABLE home = {home}")
                done = engine.execute(
                    f"COPY ({asked}) TO '{place}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (month))"
                )
                total += int(done.fetchall()[0][0])
            yield name.strip(), total


def _write(out: Path, told: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    (out / f"{day}-analytics.json").write_text(
        json.dumps(told, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    rows = ", ".join(f"{name} {count:,}" for name, count in told["rows"].items())
    page = "\n".join(
        [
            f"# Indicators of a quarter from Parquet, {day}",
            "",
            (
                f"{told['residents']:,} residents in {CENTRES} centres and {TEAMS} teams, three years: {rows}; {told['files']} files, "
                f"{told['megabytes']} MB. {told['threads']} threads, {told['memory']} of memory for the engine, the process at most "
                f"{told['peak_mb']} MB; {os.cpu_count()} cores, load {told['load']}."
            ),
            "",
            "| what | product | bare DuckDB | ratio | of each pair | wished |",
            "|---|---|---|---|---|---|",
            (
                f"| every indicator of the base pack, by team | {statistics.median(told['product_s']):.2f} s | "
                f"{statistics.median(told['bare_s']):.2f} s | **{told['ratio']:.2f}** | "
                f"{', '.join(f'{one:.2f}' for one in told['ratios'])} | ≤ {told['wished']:.0f} |"
            ),
            "",
            "Both sides begin with nothing open, end with the same numbers (checked in every round), and are asked in turn.",
        ]
    )
    (out / f"{day}-analytics.md").write_text(page + "\n", encoding="utf-8")
    print(page)
