"""Design §4, tried: random people say random legal and illegal things while time jumps and the world changes.

After every step the oracle judges what happened by the table and the ledger alone. The run is the same every time
(YISHE_PROOF_EXAMPLES makes it longer, YISHE_PROOF_SEED makes it another). What was seen seldom is sought; should
something still be short of its count at the end, the run goes on for some more examples.
"""

import os

import pytest

from tests.proof import oracle
from tests.proof.histories import tried
from tests.proof.living import SEEN, START, TOWNS
from tests.proof.speech import SPOILT
from tests.proof.talking import Talking
from tests.proof.town import build
from yishe.policy.loop_table import table

USUAL = 44
EXAMPLES = int(os.environ.get("YISHE_PROOF_EXAMPLES", USUAL))
STEPS = 70
LEAST = 20
MORE = 3
REFUSED = (
    *SPOILT, "to_away", "to_duty", "to_centre", "wrong_state", "not_yours", "unknown_verb", "stale", "key_reused",
    "no_such_loop", "already_open", "resident_gone", "wrong_duty", "no_relation", "reason.unknown", "red_never_held",
    "children_open", "reopen_too_late",
)  # fmt: skip


def report() -> str:
    lines = [
        f"steps {SEEN.steps}, commands {SEEN.tried}, accepted {SEEN.accepted} ({SEEN.accepted / max(1, SEEN.tried):.0%})",
        f"changes of the world {SEEN.other['accepted']}",
        "", "| edge | times |", "|---|---|", *(f"| {oracle.label(e)} | {SEEN.edges[oracle.label(e)]} |" for e in table().edges),
        "", f"verb and state pairs reached: {len(SEEN.from_states)}",
        "", "| refusal | times |", "|---|---|", *(f"| {c} | {SEEN.refusals[c]} |" for c in sorted({*REFUSED, *SEEN.refusals})),
    ]  # fmt: skip
    return "\n".join(lines)


@pytest.mark.django_db
def test_whatever_people_say_and_whatever_happens_the_promises_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    TOWNS.append(build(START))
    try:
        tried(Talking, EXAMPLES, STEPS)
        for _ in range(MORE if EXAMPLES >= USUAL else 0):
            if lacking():
                tried(Talking, EXAMPLES // 4, STEPS)
    finally:
        with capsys.disabled():
            print("\n" + report())
    if EXAMPLES >= USUAL:
        assert SEEN.steps >= 5000
        assert SEEN.accepted / SEEN.tried >= 0.4
        assert not lacking()


def lacking() -> dict[str, int]:
    """What was reached fewer than LEAST times, with its count."""
    edges = oracle.missing(SEEN.edges, [oracle.label(e) for e in table().edges], LEAST)
    return edges | oracle.missing(SEEN.refusals, REFUSED, LEAST)
