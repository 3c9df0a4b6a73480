"""`make bench`: create, transition, work list and resident page over HTTP beside the raw floor, interleaved, median.

python -m bench [--residents 20000] [--loops 20000] [--requests 2000] [--pairs 5] [--out docs/bench]
python -m bench --beside REF …   the product of today beside that of an earlier commit, instead of the floor

On two quiet cores: the sizes above five to eight minutes, 6000/6000/1000/2 about two and a half, 1500/1500/320/1 under one;
`--beside` about as long, as it fills two databases and runs no floor. Each needs loops ≥ requests × (pairs + 1).
"""

import argparse
import os
import tempfile
from pathlib import Path

import django

from bench import beside, machine


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
    args = parser.parse_args()
    sizes = (args.residents, args.loops, args.requests, args.pairs, args.out)
    if args.beside:
        beside.run(args.beside, *sizes)
    else:
        _beside_the_floor(*sizes)


def _beside_the_floor(residents: int, loops: int, requests: int, pairs: int, out: Path) -> None:
    with machine.database() as url, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "YISHE_HOME": home,
            "YISHE_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "yishe.settings",
        }
        machine.migrated(dict(os.environ))
        django.setup()
        from bench import rounds  # noqa: PLC0415  needs the settings above

        rounds.run(url, residents, loops, requests, pairs, out)


if __name__ == "__main__":
    main()
