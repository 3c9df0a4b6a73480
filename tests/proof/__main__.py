"""`make proof`: every proof on both databases, longer than in CI, with the dated result in docs/proof."""

import os
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROOFS = {
    "stateful": ("Random people, random time, random world", "tests/proof/test_stateful.py"),
    "year": ("Each promise of a year once, whatever becomes known", "tests/proof/test_year.py"),
    "plans": ("One plan for each person, each dated action promised once", "tests/proof/test_plans.py"),
    "reasons": ("Access before and after its reason", "tests/proof/test_reasons.py"),
    "crash-points": ("Killed before and after every statement", "tests/proof/test_crash_points.py"),
    "kills": ("A server and a worker killed under load", "tests/proof/test_kills.py"),
    "worlds": (
        "Loops that people lived and lives that a world is pressed from end alike",
        "tests/proof/worlds.py",
    ),
    "analytics": ("The same numbers on DuckDB, Spark and ClickHouse", "tests/proof/analytics.py"),
    "sweeps": ("Two workers killed over clocks that all passed at once", "tests/proof/test_sweeps.py"),
    "races": ("Eight clients and two workers at once", "tests/proof/test_races.py"),
}
ALONE = {
    "faults": ("A bad day under load", "tests.proof.bad_days"),
    "pooled": ("Every connection lent for one transaction", "tests.proof.pooled"),
    "side-by-side": (
        "The code of before on the tables of now, beside the code of now",
        "tests.proof.side_by_side",
    ),
    "rolling": ("Web processes restarted in turn behind nginx, under load", "tests.proof.rolling"),
    "deploy": ("Units, proxy and pooler as supplied, read by their programs", "tests.proof.deployed"),
}
"""Proofs of PostgreSQL and what stands around it: programs, each run once."""
LONGER = {"YISHE_PROOF_EXAMPLES": "120", "YISHE_PROOF_KILLS": "8"}


def proven(name: str, kind: str) -> tuple[str, bool, float]:
    """Run one proof on one database: what it printed, whether it held, and for how long it ran (seconds)."""
    env = {**LONGER, **os.environ, "YISHE_TEST_DATABASE": kind}
    command = [sys.executable, "-m", "pytest", PROOFS[name][1], "-q", "--tb=short", "-p", "no:warnings"]
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.stdout.strip(), done.returncode == 0, time.monotonic() - started


def alone(name: str) -> tuple[str, bool, float]:
    """The same for a proof that is a program: what it printed, whether it held, and for how long it ran (seconds)."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", ALONE[name][1]], cwd=ROOT, env={**LONGER, **os.environ}, stdout=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip(), done.returncode == 0, time.monotonic() - started


def written(name: str, parts: list[tuple[str, str, bool, float]]) -> Path:
    """The dated result as a page of docs/proof."""
    title, file = {**PROOFS, **ALONE}[name]
    where = ROOT / "docs" / "proof" / f"{date.today().isoformat()}-{name}.md"  # noqa: DTZ011 - the local day of the run
    where.parent.mkdir(parents=True, exist_ok=True)
    head = f"# {title}\n\n`{file}`, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.\n"
    body = [
        f"\n## {kind}: {'holds' if held else 'DOES NOT HOLD'} ({seconds:.0f} s)\n\n{_plain(said)}\n"
        for kind, said, held, seconds in parts
    ]
    where.write_text(head + "".join(body), encoding="utf-8")
    return where


def _plain(said: str) -> str:
    lines = [line for line in said.splitlines() if not line.startswith((".", "F")) and "[100%]" not in line]
    return "\n".join(lines).strip()


def main(wanted: list[str]) -> int:
    failed = 0
    for name in wanted or [*PROOFS, *ALONE]:
        parts = []
        for kind in ("postgresql",) if name in ALONE else ("sqlite", "postgresql"):
            said, held, seconds = alone(name) if name in ALONE else proven(name, kind)
            parts.append((kind, said, held, seconds))
            failed += not held
            print(f"{name} on {kind}: {'holds' if held else 'DOES NOT HOLD'} ({seconds:.0f} s)", flush=True)
        print(written(name, parts).relative_to(ROOT), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
