"""A loop under a new holiday table: the same clocks, due when the calendar now says. Who owes what stays."""

from typing import Any

from yishe.policy.loop_clocks import due_of, next_of, read
from yishe.policy.loop_decisions import Step, keeper_of
from yishe.policy.loop_roles import Situation
from yishe.policy.loop_table import table


def retimed(s: Situation) -> Step | None:
    """The step that fits the loop's clocks to `s.calendar`; None when nothing moves.

    The promise date follows its clock: the promise was `2 workdays`, and a day off moves what that means.
    """
    keeper, state = keeper_of(s), s.state
    clocks = {name: keeper.retimed(name, kept) for name, kept in state.clocks.items()}
    if clocks == state.clocks:
        return None
    promised_by = read(clocks["finish"]["due"]) if "finish" in clocks else state.promised_by
    if "next" not in clocks.get("finish", {}):
        promised_by = state.promised_by
    shift = state.shift_until if state.turn == "performer" else None
    changes: dict[str, Any] = {
        "clocks": clocks, "promised_by": promised_by, "last_at": s.at,
        "due_at": state.hold_until or due_of(state.state, clocks, promised_by),
        "next_at": next_of(state.state, clocks, keeper, (state.hold_until, shift), promised_by),
    }  # fmt: skip
    if "accept" in clocks and "accept" in table().states[state.state].clocks:
        changes["accept_by"] = read(clocks["accept"]["due"])
    return Step("retimed", changes, {"calendar": s.calendar.digest[:16]})
