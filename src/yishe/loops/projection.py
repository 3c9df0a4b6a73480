"""Between the row and the state it projects. The row holds the state's own fields and what is read off them."""

import uuid
from collections.abc import Iterable
from typing import Any

from yishe.loops.models import Loop
from yishe.policy.loop_state import FIELDS, LoopState, fold
from yishe.policy.refusals import NotFound
from yishe.trust.ledger import Entry, Head, changes_of

COLUMNS = tuple(f.attname for f in Loop._meta.concrete_fields)
_STATE = tuple(name for name in COLUMNS if name in FIELDS)


def state_of(row: Loop) -> LoopState:
    """The state as the row shows it."""
    return LoopState(**{name: getattr(row, name) for name in _STATE})


def columns(state: LoopState, head: Head) -> dict[str, Any]:
    """Every column of the row for this state."""
    values = {name: getattr(state, name) for name in _STATE}
    return values | {
        "status": state.status, "business_status": state.business_status, "turn": state.turn, "head": head.hash,
    }  # fmt: skip


def folded(entries: Iterable[Entry]) -> tuple[LoopState, Head] | None:
    """The state and head that the stream's entries leave; None for an empty stream."""
    rows = list(entries)
    state = fold((e.seq, changes_of(e)) for e in rows)
    return (state, Head(rows[-1].seq, bytes(rows[-1].hash))) if state else None


def found(loop_id: uuid.UUID) -> Loop:
    """The row, or NotFound in words."""
    row = Loop.objects.filter(id=loop_id).first()
    if row is None:
        raise NotFound("no_such_loop", "没有这件闭环：链接可能不完整，请从“今日”或“台账”重新打开。")
    return row
