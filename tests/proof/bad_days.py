"""A bad day under load on PostgreSQL: it is restarted at once, a row and a table are held by somebody. Nothing answered is lost,
nothing is done twice, and whoever must wait is told so in words. `python -m tests.proof faults`; each fault: `tests.proof.faults`."""

import json
import sys

from tests.proof import place

FAULTS = ("restart", "held")
WRONG = ("lost", "doubled", "without words", "broken", "odd answers", "refused and written")
FEWEST = 20


def held_to(fault: str) -> bool:
    """Whether it ended as it must; prints what was found."""
    done = place.run("tests.proof.faults", "postgresql", fault, timeout=600)
    if done.returncode:
        print(f"{fault}: broke off\n{done.stderr[-3000:]}", flush=True)
        return False
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"- {fault}: {found}", flush=True)
    right = found["answered"] > FEWEST and found["refused for a while"] > 0
    return right and not any(found[name] for name in WRONG)


if __name__ == "__main__":
    found = [held_to(fault) for fault in FAULTS]
    sys.exit(not all(found))
