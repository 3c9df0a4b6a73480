"""The code of before beside the code of now, on tables that were migrated for the code of now: two web processes and two workers,
one of each, under clients that go to both. Run as `python -m tests.proof side-by-side`.

Before is the last state of the tree with fewer migrations (YISHE_PROOF_BEFORE names another commit).
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proof import place

MIGRATIONS = "src/yishe/*/migrations/*.py"


def git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=place.ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def migrations(commit: str) -> set[str]:
    """The migrations in the tree of a commit."""
    listed = git("ls-tree", "-r", "--name-only", commit, "src/yishe").splitlines()
    return {name for name in listed if "/migrations/0" in name}


def before() -> str:
    """The last commit whose tree has other migrations than ours."""
    if named := os.environ.get("YISHE_PROOF_BEFORE"):
        return git("rev-parse", named)
    now = migrations("HEAD")
    for commit in git("log", "--format=%H", "-50", "--", MIGRATIONS).splitlines():
        if migrations(f"{commit}~1") != now:
            return git("rev-parse", f"{commit}~1")
    raise SystemExit("no commit with fewer migrations was found")


@contextmanager
def tree(commit: str) -> Iterator[Path]:
    """The source as it was, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="yishe-before-") as folder:
        packed = subprocess.Popen(
            ["git", "archive", commit, "src", "packs"], cwd=place.ROOT, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "-x", "-C", folder], stdin=packed.stdout, check=True)
        assert packed.wait() == 0
        yield Path(folder)


def main() -> int:
    commit = before()
    new = sorted(migrations("HEAD") - migrations(commit))
    print(f"before: {git('log', '-1', '--format=%h %s', commit)}")
    print(f"migrations it does not know: {', '.join(Path(one).stem for one in new)}")
    with tree(commit) as folder, place.database("postgresql") as env:
        done = subprocess.run(
            [sys.executable, "-m", "tests.proof.side_by_side_path", str(folder)], cwd=place.ROOT, env=env,
            stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    print(last)
    found = json.loads(last)
    none = ("not 2xx of before", "not 2xx of now", "doubled", "broken", "waiting")
    held = done.returncode == 0 and not any(found[name] for name in none)
    held = held and min(found["answered by before"], found["answered by now"], found["clocks passed"]) > 0
    print("holds" if held else "DOES NOT HOLD")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
