"""What stands in the way of a closed loop's coming back: another one in hand, or a resident who is not here any more."""

import uuid
from collections.abc import Iterable

from yishe.loops.models import Loop
from yishe.people.placements import present
from yishe.policy.loop_state import LoopState

VOID = "void"


def barred(states: Iterable[LoopState]) -> dict[uuid.UUID, str]:
    """Closed loops that cannot be reopened → why. Two statements for all of them, none when none is closed."""
    closed = [state for state in states if not state.is_open and state.closed_as != VOID]
    if not closed:
        return {}
    subjects = {state.subject for state in closed}
    here = present(subjects)
    rivals = Loop.objects.filter(subject__in=subjects, closed_at=None, single=True)
    taken = set(rivals.values_list("subject", "kind", "reason"))
    return {state.id: why for state in closed if (why := _why(state, here, taken))}


def _why(state: LoopState, here: set[uuid.UUID], taken: set[tuple[uuid.UUID, str, str]]) -> str:
    if state.subject not in here:
        return "resident_gone"
    return "already_open" if state.single and (state.subject, state.kind, state.reason) in taken else ""
