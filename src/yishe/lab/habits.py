"""How invented people behave: what they do when it is their turn, and how long they let it lie.

Shares are chosen so that the measures come out like those of a district that tries: most in time, some late, some
declined, some forgotten until the ladder climbs. Nothing here knows the database; a loop is read as it stands.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from yishe.lab import words
from yishe.policy.loop_kinds import LoopKind

Shares = tuple[tuple[float, str], ...]

TURNS: dict[str, Shares] = {
    "requested": ((0.80, "accept"), (0.07, "receive"), (0.08, "decline"), (0.05, "ask_more")),
    "seen": ((0.90, "accept"), (0.10, "decline")),
    "asked": ((0.97, "supply"), (0.03, "cancel")),
    "accepted": ((0.89, "start"), (0.05, "note"), (0.03, "hold"), (0.03, "fail")),
    "in-progress": ((0.84, "complete"), (0.06, "note"), (0.04, "hold"), (0.06, "fail")),
    "on-hold": ((1.0, "resume"),),
    "completed": ((0.96, "confirm"), (0.04, "reopen")),
    "rejected": ((0.68, "confirm"), (0.32, "refer_on")),
    "failed": ((0.80, "confirm"), (0.20, "refer_on")),
    "cancelled": ((1.0, "confirm"),),
}
"""What the one whose turn it is does, by the loop's state."""

PATIENCE: tuple[tuple[float, float, float], ...] = (
    (0.78, 0.03, 0.49),
    (0.11, 0.49, 0.98),
    (0.07, 1.02, 1.80),
    (0.04, 2.00, 3.50),
)
"""Share of people's turns, and between which shares of the time allowed they come to it. Past 1 it is late."""

CONFIRMING: tuple[tuple[float, float, float], ...] = (
    (0.58, 0.03, 0.49),
    (0.18, 0.49, 0.95),
    (0.12, 1.05, 2.20),
    (0.12, 2.70, 3.40),
)
"""The same for confirming a result, the step most easily forgotten; past 2.5 the clock confirms by itself."""

GOOD_OUTCOMES = ("O1", "O2", "O3", "completed", "plan_adjusted", "resident_contacted", "assessed")
HEARD: Shares = ((0.62, "yes"), (0.28, "partly"), (0.10, "no"))
HEARD_SHARE = 0.55
"""How often the resident is asked after completion whether it helped."""
LONGEST_HOLD = timedelta(days=9)


class Standing(Protocol):
    """What is read of a loop."""

    @property
    def state(self) -> str: ...
    @property
    def urgency(self) -> str: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def hold_until(self) -> datetime | None: ...


@dataclass(frozen=True)
class Wish:
    """One thing to do; `evidence` says that the result needs proof."""

    verb: str
    said: dict[str, Any]
    evidence: bool = False


def wish(rng: Random, loop: Standing, kind: LoopKind, at: datetime) -> Wish:
    """What the owner does now."""
    if loop.state == "requested" and "accept" in kind.implied:
        return _complete(rng, kind)
    verb = drawn(rng, TURNS[loop.state])
    if verb == "complete":
        return _complete(rng, kind)
    return Wish(verb, _said(rng, verb, loop, kind, at))


def _complete(rng: Random, kind: LoopKind) -> Wish:
    good = [code for code in GOOD_OUTCOMES if code in kind.outcomes]
    outcome = rng.choice(good) if good and rng.random() < 0.85 else rng.choice(list(kind.outcomes))
    return Wish("complete", {"outcome": outcome, "note": rng.choice(words.RESULTS)}, evidence=True)


def _said(rng: Random, verb: str, loop: Standing, kind: LoopKind, at: datetime) -> dict[str, Any]:
    """Reason, words and date, as the verb needs them."""
    book = reasons(verb, loop, kind)
    said: dict[str, Any] = {"reason": rng.choice(book)} if book else {}
    if verb in ("ask_more", "supply", "note"):
        said["note"] = rng.choice({"ask_more": words.ASKS, "supply": words.SUPPLIES}.get(verb, words.RESULTS))
    if verb == "hold":
        said["until"] = at + rng.random() * LONGEST_HOLD + timedelta(days=1)
    return said


def reasons(verb: str, loop: Standing, kind: LoopKind) -> list[str]:
    """The codes that fit: nobody invents a death."""
    book = {
        "decline": kind.decline_reasons,
        "hold": kind.hold_reasons,
        "fail": kind.fail_reasons,
        "cancel": kind.cancel_reasons,
        "reopen": kind.reopen_reasons,
        "refer_on": kind.close_reasons,
        "confirm": kind.close_reasons if loop.state != "completed" else {},
    }.get(verb, {})
    grave = {"death", "moved", "C6", "C7", "C10", "unsafe", "closed_wrongly", "entered_wrongly"}
    return [code for code in book if code not in grave]


def drawn(rng: Random, shares: Shares) -> str:
    return rng.choices([what for _, what in shares], [share for share, _ in shares])[0]


def delay(rng: Random, loop: Standing, at: datetime) -> timedelta:
    """How long the owner lets it lie, from now."""
    if loop.state == "on-hold" and loop.hold_until:
        return loop.hold_until - at + timedelta(minutes=rng.randint(5, 300))
    allowed = max((loop.due_at or at) - at, timedelta(minutes=4))
    moods = CONFIRMING if loop.state == "completed" else PATIENCE
    if loop.urgency == "red":
        moods = moods[:-1]
    _, soonest, latest = rng.choices(moods, [mood[0] for mood in moods])[0]
    return allowed * rng.uniform(soonest, latest)
