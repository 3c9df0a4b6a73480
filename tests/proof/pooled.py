"""Web, streams and a worker with every ordinary connection lent by PgBouncer for one transaction: the main path, the
sweep and the live stream, then what the servers were left with. Run as `python -m tests.proof pooled`.

It installs nothing: where PgBouncer is missing it says so and ends with 2.
"""

import json
import os
import subprocess
import sys

from tests.proof import place, pooler

TESTS = ("tests/doors/api/test_loops.py", "tests/rooms/loops/test_whole_loop.py", "tests/rooms/loops/test_sweep.py")  # fmt: skip


def main() -> int:
    if pooler.PROGRAM is None:
        print("pgbouncer is missing, so NOTHING was proven; on Debian: apt install pgbouncer")
        return 2
    print(f"{pooler.version()}, transaction pooling, {pooler.SERVERS} servers")
    with place.database("postgresql") as env, pooler.lent(env["YISHE_DATABASE_URL"]) as url:
        through = env | {
            "YISHE_DATABASE_URL": url,
            "YISHE_DATABASE_POOLED": "1",
            "YISHE_DATABASE_DIRECT_URL": env["YISHE_DATABASE_URL"],
        }
        path = subprocess.run(
            [sys.executable, "-m", "tests.proof.pooled_path"], cwd=place.ROOT, env=through, stdout=subprocess.PIPE,
            text=True, check=False,
        )  # fmt: skip
        print(path.stdout.strip().splitlines()[-1] if path.stdout.strip() else "the path said nothing")
        tests = _tests(through)
    held = path.returncode == 0 and _well(json.loads(path.stdout.splitlines()[-1])) and tests == 0
    print("holds" if held else "DOES NOT HOLD")
    return 0 if held else 1


def _tests(through: dict[str, str]) -> int:
    """Tests of the API, of the loop and of the sweep, whose connection is a lent one."""
    env = through | {
        "YISHE_TEST_DATABASE": "postgresql",
        "YISHE_TEST_DATABASE_URL": through["YISHE_DATABASE_URL"],
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *TESTS, "--tb=short", "--reuse-db"], cwd=place.ROOT,
        env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(f"{' '.join(TESTS)}: {done.stdout.strip().splitlines()[-1]}")
    if done.returncode:
        print(done.stdout[-3000:])
    return done.returncode


def _well(found: dict[str, int]) -> bool:
    none = ("not 2xx", "doubled", "broken", "unheard", "waiting", "left in a server")
    return not any(found[name] for name in none) and found["answered"] > 0 and found["clocks passed"] > 0


if __name__ == "__main__":
    sys.exit(main())
