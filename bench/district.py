"""`make bench-district`: every line of the bench at the size of a district, one after the other, and a chart of cost against size.

python -m bench.district [--sizes 10000 100000 1300000] [--minutes 10] [--pairs 5] [--out docs/bench]
python -m bench.district --size N    only a district of N: made, weighed, verified, and its hot requests counted; with --rush also nine
                                     in the morning on it
python -m bench.district --chart     only the chart, from the results that are there

Each line is a process and a database of its own. One that fails is said at the end, and hinders no other.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from bench import chart, machine


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench.district", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_300_000])
    parser.add_argument("--size", type=int, metavar="N")
    parser.add_argument("--rush", action="store_true")
    parser.add_argument("--chart", action="store_true")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    args = parser.parse_args()
    if args.chart:
        chart.draw(args.out)
        return 0
    if args.size:
        _district(args.size, args.pairs, args.out, args.minutes if args.rush else 0.0)
        return 0
    failed = [" ".join(line) for line in _lines(args) if not _went_well(line, args.out)]
    chart.draw(args.out)
    print("\n".join(["FAILED:", *failed] if failed else ["every line has its result"]))
    return len(failed)


def _lines(args: argparse.Namespace) -> list[list[str]]:
    pairs, largest = ["--pairs", str(args.pairs)], max(args.sizes)
    districts = [["bench.district", "--size", str(size), "--pairs", "1"] for size in sorted(args.sizes)]
    districts[-1] += ["--rush", "--minutes", str(args.minutes)]
    return [
        ["bench", *pairs],
        ["bench", "--population", str(largest), "--pairs", "1"],
        ["bench", "--sweep", "100000", *pairs],
        ["bench", "--analytics", str(largest), *pairs],
        *districts,
    ]


def _went_well(line: list[str], out: Path) -> bool:
    print("\n#", *line, flush=True)
    return subprocess.run([sys.executable, "-m", *line, "--out", str(out)], check=False).returncode == 0


def _district(residents: int, pairs: int, out: Path, minutes: float) -> None:
    with machine.own_database() as url:
        from bench import flatness, rush, world  # noqa: PLC0415  need the settings of the database

        world.run(url, residents, 1, pairs, out)
        flatness.here(url, out)
        if minutes:
            rush.run(url, out, minutes=minutes, rate=60.0, seats=600, streams=500, push_only=False)


if __name__ == "__main__":
    sys.exit(main())
