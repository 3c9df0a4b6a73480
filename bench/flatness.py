"""Does a hot request cost more because the district is larger? `python -m bench.flatness`, about three minutes on a quiet core.

A district is filled by the product's own writers; every SELECT of each hot request is explained and its buffers counted. Then the
database is made several times as large by further districts beside it (`bench.growing`), and the same requests of the same people are
counted again. What is flat has the same number, but for a level more of an index.

python -m bench.flatness [--residents 4000] [--loops 6000] [--times 13] [--out docs/bench]
python -m bench.flatness --here      counts once in the database that YISHE_DATABASE_URL names (a world of any size), asking as people
                                     who are there; tokens and sessions are made for them
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
import psycopg

from bench import growing, machine, plans

REPEATED = 40


@dataclass(frozen=True)
class Counted:
    """One request: how many SELECTs, their buffers, the tables read whole, and the milliseconds it took in this process."""

    statements: int
    buffers: int
    whole: list[str]
    p50: float
    p95: float


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench.flatness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--residents", type=int, default=4_000)
    parser.add_argument("--loops", type=int, default=6_000)
    parser.add_argument("--times", type=int, default=13)
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    parser.add_argument(
        "--here", action="store_true", help="count in the database that the environment names"
    )
    args = parser.parse_args()
    if args.here:
        django.setup()
        here(os.environ["YISHE_DATABASE_URL"], args.out)
        return
    with machine.own_database() as url:
        from bench import filling  # noqa: PLC0415  needs the settings of the database
        from yishe.trust import clock  # noqa: PLC0415

        filling.fill(args.residents, args.loops, clock.now())
        asked = _requests()
        found = {_size(url): _counted(url, asked)}
        growing.grow(url, args.times)
        found[_size(url)] = _counted(url, asked)
        _write(args.out, url, found)


def here(url: str, out: Path) -> None:
    """Count once in this database, as it is; writes `<date>-flatness-N.md` and `.json`, N residents."""
    size = _size(url)
    _write(out, url, {size: _counted(url, _requests())}, f"flatness-{size.split()[0]}")


def _requests() -> dict[str, Callable[[], object]]:
    from bench import hot_requests  # noqa: PLC0415  needs the settings of the database

    return hot_requests.of_this_district()


def _size(url: str) -> str:
    with psycopg.connect(url) as line:
        counts = [
            line.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[call-overload,index]
            for table in ("people_resident", "loops_loop", "trust_entry")
        ]
    return "{} residents, {} loops, {} entries".format(*counts)


def _counted(url: str, asked: Mapping[str, Callable[[], object]]) -> dict[str, Counted]:
    with psycopg.connect(url, autocommit=True) as line:
        return {name: _one(line, request) for name, request in asked.items()}


def _one(line: psycopg.Connection[Any], request: Callable[[], object]) -> Counted:
    looked = plans.looked(line, request)
    took = sorted(_timed(request) for _ in range(REPEATED))
    whole = sorted({table for one in looked for table in one.whole})
    return Counted(
        len(looked),
        sum(one.buffers for one in looked),
        whole,
        statistics.median(took),
        took[int(0.95 * REPEATED)],
    )


def _timed(request: Callable[[], object]) -> float:
    began = time.perf_counter()
    request()
    return (time.perf_counter() - began) * 1000


def _write(out: Path, url: str, found: Mapping[str, Mapping[str, Counted]], name: str = "flatness") -> None:
    day, on = f"{datetime.now(UTC):%Y-%m-%d}", machine.described(url)
    sizes = list(found)
    head = " | ".join(
        f"{what}, {n}" for n in range(1, len(sizes) + 1) for what in ("buffers", "p50 · p95 ms")
    )
    lines = [
        f"# Flatness of {day}",
        "",
        (
            "Buffers of every SELECT of a request (the dearer of the plan for its values and the plan for any values), and how long the "
            "whole request took in one process without HTTP."
        ),
        "",
        *(f"{n}. {size}" for n, size in enumerate(sizes, 1)),
        "",
        f"{on['cores']} cores, load {os.getloadavg()[0]:.1f}, PostgreSQL {on['postgresql']}.",
        "",
        f"| request | statements | {head} | read from end to end |",
        f"|---|---|{'---|---|' * len(sizes)}---|",
        *(_row(request, [found[size][request] for size in sizes]) for request in found[sizes[-1]]),
    ]
    text = "\n".join(lines) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{day}-{name}.md").write_text(text, encoding="utf-8")
    told = {size: {request: vars(one) for request, one in of.items()} for size, of in found.items()}
    (out / f"{day}-{name}.json").write_text(
        json.dumps({"date": day, "machine": on, "found": told}, ensure_ascii=False, indent=2) + "\n",
        encoding="utf-8",
    )
    print(text)


def _row(request: str, counted: list[Counted]) -> str:
    cells = " | ".join(f"{one.buffers} | {one.p50:.1f} · {one.p95:.1f}" for one in counted)
    return f"| {request} | {counted[-1].statements} | {cells} | {', '.join(counted[-1].whole) or '–'} |"


if __name__ == "__main__":
    main()
