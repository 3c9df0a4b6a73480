"""What stands in the way of a closed loop's coming back: another one in hand, or a resident who is not here any more."""

import uuid
from collections.abc import Iterable

from yishe.policy.loop_state import LoopState
from yishe.trust import quick

VOID = "void"


def barred(states: Iterable[LoopState]) -> dict[uuid.UUID, str]:
    """Closed loops that cannot be reopened → why. One statement for all of them, none when none is closed."""
    closed = [state for state in states if not state.is_open and state.closed_as != VOID]
    if not closed:
        return {}
    here, taken = _asked({state.subject for state in closed})
    return {state.id: why for state in closed if (why := _why(state, here, taken))}


def _asked(subjects: set[uuid.UUID]) -> tuple[set[uuid.UUID], set[tuple[uuid.UUID, str, str]]]:
    """Those who live here (as `placements.present`), and what is open of each that may be open but once."""
    (living, some), (open_, same) = (
        quick.among("s.subject", [*subjects]),
        quick.among("l.subject", [*subjects]),
    )
    rows = quick.rows(
        "SELECT s.subject, NULL, NULL FROM people_subject s JOIN people_resident r ON r.id = s.resident_id "
        f"WHERE {living} AND r.erased_at IS NULL AND r.deceased_at IS NULL AND r.moved_at IS NULL UNION ALL "
        f"SELECT l.subject, l.kind, l.reason FROM loops_loop l WHERE {open_} AND l.closed_at IS NULL AND l.single",
        [*some, *same],
    )
    here = {quick.known(subject) for subject, kind, _ in rows if kind is None}
    return here, {(quick.known(subject), kind, reason) for subject, kind, reason in rows if kind is not None}


def _why(state: LoopState, here: set[uuid.UUID], taken: set[tuple[uuid.UUID, str, str]]) -> str:
    if state.subject not in here:
        return "resident_gone"
    return "already_open" if state.single and (state.subject, state.kind, state.reason) in taken else ""
