"""A bad day under load: PostgreSQL is restarted at once, a row and a table are held by somebody, the disk is full, a machine's clock
is wrong, five thousand clocks and a new holiday table come at once. Nothing answered is lost, nothing is done twice, and whoever
must wait is told so in words. `python -m tests.proof faults`; one alone: `python -m tests.proof.bad_days full`.
"""

import json
import sys

from tests.proof import place

FAULTS = {
    "restart": ("tests.proof.faults", ("postgresql",), "restart"),
    "held": ("tests.proof.faults", ("postgresql",), "held"),
    "full": ("tests.proof.full_disk", ("postgresql", "sqlite")),
    "skewed": ("tests.proof.skewed", ("postgresql",)),
    "crowd": ("tests.proof.crowd", ("postgresql",), "5000"),
}
"""What each is proven by: the program, the databases, its arguments."""
WRONG = (
    "lost", "doubled", "without words", "broken", "odd answers", "refused and written", "early", "unsaid", "clocks lost",
    "clocks doubled", "told twice", "not re-timed",
)  # fmt: skip
FEWEST = {"restart": 20, "held": 20, "full": 20, "crowd": 100}
REFUSES = ("restart", "held", "full")
LATEST = 5.0
"""Seconds after which a clock counts as late, and a page as dating wrongly, where another's clock is off."""


def held_to(fault: str, kind: str) -> bool:
    """Whether it ended as it must; prints what was found."""
    module, _, *arguments = FAULTS[fault]
    done = place.run(str(module), kind, *map(str, arguments), timeout=900)
    if done.returncode:
        print(f"{fault} on {kind}: broke off\n{done.stderr[-3000:]}", flush=True)
        return False
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"- {fault} on {kind}: {found}", flush=True)
    right = found.get("answered", 0) >= FEWEST.get(fault, 0)
    right &= fault not in REFUSES or found["refused for a while"] > 0
    right &= max(found.get("latest s", 0.0), found.get("dated off s", 0.0)) < LATEST
    return bool(right) and not any(found.get(name) for name in WRONG)


def main(wanted: list[str]) -> int:
    """Exit 1 when one did not hold; all are run."""
    found = [held_to(fault, kind) for fault in wanted or FAULTS for kind in FAULTS[fault][1]]
    return int(not all(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
