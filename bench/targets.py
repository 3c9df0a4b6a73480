"""What one side of `--beside` is asked: a database filled by the tree's own writers, and the requests of each round.

Run as a file, with that tree on the path: python -P bench/targets.py RESIDENTS LOOPS REQUESTS PAIRS OUT
"""

import os
import pickle
import sys
from pathlib import Path

import django


def main() -> None:
    residents, loops, requests, pairs = (int(one) for one in sys.argv[1:5])
    django.setup()
    from bench import filling, rounds  # noqa: PLC0415  the tree's own, and only with settings
    from yishe.trust import clock  # noqa: PLC0415
    from yishe.trust.models import Instance  # noqa: PLC0415

    filled = filling.fill(residents, loops, clock.now())
    # Earlier trees fill a demo, whose movable clock costs every request a statement that no real database pays.
    Instance.objects.update(demo=False, clock_offset=0)
    unused = rounds._unused(filled)  # noqa: SLF001  so in every tree
    url, waiting = os.environ["YISHE_DATABASE_URL"], filling.waiting_loops()
    bench = rounds.Bench(url, "", filled, requests, waiting=waiting, unused=unused)
    bench.rng.shuffle(bench.waiting)
    asked = {}
    for name, build in rounds.PRODUCT.items():
        asked[name] = []
        for number in range(pairs + 1):
            bench.requests = requests if number else requests // 4
            asked[name].append(build(bench))
    Path(sys.argv[5]).write_bytes(pickle.dumps(asked))


if __name__ == "__main__":
    main()
