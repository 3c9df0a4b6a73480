"""`make bench`: create, transition, work list and resident page over HTTP beside the raw floor, interleaved, median.

python -m bench [--residents 20000] [--loops 20000] [--requests 2000] [--pairs 5] [--out docs/bench]
python -m bench --beside REF …   the product of today beside that of an earlier commit, instead of the floor
python -m bench --population 100000   only a population classified and planned, beside bare SQL inserting the same rows; without it
                                      the requests are followed by one of 20 000
python -m bench --sweep 100000        only so many clocks passed at once, taken by two workers, beside bare SQL writing the same rows
python -m bench --world 1300000 --pairs 1   only a district made, beside COPY of its rows; every entry verified

python -m bench --analytics 1300000   only the indicators of a quarter from Parquet, beside bare DuckDB on the same files

On two quiet cores: the sizes above five to eight minutes, 6000/6000/1000/2 about two and a half, 1500/1500/320/1 under one;
`--beside` about as long, as it fills two databases and runs no floor. Each needs loops ≥ requests × (pairs + 1).
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

from bench import beside, machine, report


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--residents", type=int, default=20_000)
    parser.add_argument("--loops", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    parser.add_argument("--beside", metavar="REF", help="an earlier commit, measured instead of the floor")
    parser.add_argument(
        "--population", type=int, metavar="N", help="only N residents' years, beside bare SQL"
    )
    parser.add_argument(
        "--sweep", type=int, metavar="N", help="only N clocks passed at once, beside bare SQL"
    )
    parser.add_argument(
        "--world", type=int, metavar="N", help="only a district of N, beside COPY of its rows"
    )
    parser.add_argument(
        "--analytics", type=int, metavar="N", help="only the indicators of N residents, beside bare DuckDB"
    )
    _morning(parser)
    args = parser.parse_args()
    if args.analytics:
        _analytics(args.analytics, args.pairs, args.out)
        return
    if args.rush or args.push:
        _rush(args)
        return
    if args.world:
        _world(args.world, args.pairs, args.out)
        return
    if args.sweep:
        _sweep(args.sweep, args.pairs, args.out)
        return
    if args.population:
        _population(args.population, args.pairs, args.out)
        return
    sizes = (args.residents, args.loops, args.requests, args.pairs, args.out)
    if args.beside:
        beside.run(args.beside, *sizes)
    else:
        _beside_the_floor(*sizes)
        alone = [sys.executable, "-m", "bench", "--population", str(args.residents), "--out", str(args.out)]
        subprocess.run([*alone, "--pairs", str(args.pairs)], check=True)  # on a server that served nobody
        report.add_population(args.out)


def _beside_the_floor(residents: int, loops: int, requests: int, pairs: int, out: Path) -> None:
    with machine.own_database() as url:
        from bench import rounds  # noqa: PLC0415  needs the settings of the database

        rounds.run(url, residents, loops, requests, pairs, out)


def _analytics(residents: int, pairs: int, out: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yishe.settings")
    django.setup()
    from bench import analytics  # noqa: PLC0415  needs the settings

    analytics.run(residents, pairs, out)


def _population(residents: int, pairs: int, out: Path) -> None:
    with machine.own_database() as url:
        from bench import population  # noqa: PLC0415  needs the settings of the database

        population.run(url, residents, 1, pairs, out)


def _sweep(loops: int, rungs: int, out: Path) -> None:
    with machine.own_database() as url:
        from bench import sweep  # noqa: PLC0415  needs the settings of the database

        sweep.run(url, loops, rungs, out)


def _world(residents: int, pairs: int, out: Path) -> None:
    with machine.own_database() as url:
        from bench import world  # noqa: PLC0415  needs the settings of the database

        world.run(url, residents, 1, pairs, out)


def _morning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rush", action="store_true", help="only the morning rush; with --world N on so many"
    )
    parser.add_argument(
        "--push", action="store_true", help="only commit → another's screen, with open streams"
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=60.0, help="requests a second")
    parser.add_argument("--seats", type=int, default=600)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--on", metavar="URL", help="a filled database, its YISHE_HOME in the environment")


def _rush(args: argparse.Namespace) -> None:
    with _database(args.on, args.world or 10_000) as url:
        from bench import rush  # noqa: PLC0415  needs the settings of the database

        rush.run(
            url, args.out, minutes=args.minutes, rate=args.rate, seats=args.seats, streams=args.streams,
            push_only=not args.rush,
        )  # fmt: skip


@contextmanager
def _database(on: str | None, residents: int) -> Iterator[str]:
    """A filled one: that which is named, or a world of so many on a server of our own."""
    if on:
        os.environ |= {"YISHE_DATABASE_URL": on, "DJANGO_SETTINGS_MODULE": "yishe.settings"}
        django.setup()
        yield on
        return
    with machine.own_database() as url:
        made = [sys.executable, "-m", "yishe", "world", "--residents", str(residents)]
        subprocess.run(made, check=True)
        yield url


if __name__ == "__main__":
    main()
