"""Between the row and the state it projects. The row holds the state's own fields and what is read off them."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from yishe.loops.models import Loop
from yishe.people import actors
from yishe.people.actors import Actor
from yishe.policy.loop_state import FIELDS, LoopState, fold
from yishe.policy.refusals import NotFound
from yishe.trust import quick
from yishe.trust.ledger import Entry, Head, changes_of

COLUMNS = tuple(f.attname for f in Loop._meta.concrete_fields)
_STATE = tuple(name for name in COLUMNS if name in FIELDS)


def state_of(row: Loop) -> LoopState:
    """The state as the row shows it."""
    return LoopState.whole({name: getattr(row, name) for name in _STATE})


_FIELD_AT = tuple((i, name) for i, name in enumerate(quick.names(Loop)) if name in FIELDS)
_HEAD_AT = quick.names(Loop).index("head")


@dataclass
class Track:
    """A loop on its way through a bundle: its state and the head of its stream; of a new one also the codes and words of
    its first entry."""

    state: LoopState
    head: Head
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: Loop) -> "Track":
        return cls(state_of(row), Head(row.seq, bytes(row.head)))


def state_read(row: Sequence[Any]) -> LoopState:
    """The state straight from a row selected with `quick.columns(Loop, …)`, for lists."""
    values = quick.values(Loop, row)
    return LoopState.whole({name: values[i] for i, name in _FIELD_AT})


def track_read(row: Sequence[Any]) -> Track:
    """The state and head straight from such a row."""
    state = state_read(row)
    return Track(state, Head(state.seq, bytes(row[_HEAD_AT])))


def columns(state: LoopState, head: Head) -> dict[str, Any]:
    """Every column of the row for this state."""
    return {**{name: getattr(state, name) for name in _STATE}, **derived(state), "head": head.hash}


def derived(state: LoopState) -> dict[str, str]:
    """The columns that are read off where the loop is in the table."""
    return {"status": state.status, "business_status": state.business_status, "turn": state.turn}


def folded(entries: Iterable[Entry]) -> tuple[LoopState, Head] | None:
    """The state and head that the stream's entries leave; None for an empty stream."""
    rows = list(entries)
    state = fold((e.seq, changes_of(e)) for e in rows)
    return (state, Head(rows[-1].seq, bytes(rows[-1].hash))) if state else None


@dataclass(frozen=True)
class Read:
    """A loop with what almost every act on it needs: its subject's wrapped key, and whether anyone tracks it; `resident`
    and `story` (its entries) only where they were asked for."""

    track: Track
    key: bytes | None
    tracked: bool
    resident: uuid.UUID | None = None
    story: tuple[Entry, ...] = ()

    @property
    def state(self) -> LoopState:
        return self.track.state


_LOOP = len(quick.names(Loop))
_COMPANY = (
    "(SELECT k.wrapped FROM trust_subjectkey k WHERE k.subject = l.subject), "
    "EXISTS (SELECT 1 FROM loops_tracking t WHERE t.loop = l.id)"
)


@cache
def _select() -> str:
    return f"SELECT {quick.columns(Loop, 'l')}, {_COMPANY} FROM loops_loop l WHERE"


@cache
def _select_told() -> str:
    return (
        f"SELECT {quick.columns(Loop, 'l')}, {_COMPANY}, "
        f"(SELECT s.resident_id FROM people_subject s WHERE s.subject = l.subject), {quick.columns(Entry, 'e')} "
        "FROM loops_loop l JOIN trust_entry e ON e.stream = l.id WHERE l.id = %s"
    )


def read(loop_id: uuid.UUID, *, told: bool = False) -> Read:
    """The loop and its company in one statement, or NotFound in words; `told` with its story."""
    rows = quick.rows(_select_told() if told else f"{_select()} l.id = %s", [loop_id])
    if not rows:
        raise NotFound("no_such_loop", "没有这件闭环：链接可能不完整，请从“今日”或“台账”重新打开。")
    return _told(rows) if told else _read(rows[0])


def read_by(plaintext: str, loop_id: uuid.UUID, at: datetime) -> tuple[Actor, Read | None]:
    """Who bears this token, as `actors.for_token`, and in the same look the loop with its story; None where there is none."""
    rows = quick.rows(actors.bearing(_select_told()), [*actors.bearer(plaintext, at), loop_id])
    actor = actors.borne(rows[0] if rows else (None, 0), at)
    found = [row[actors.BORNE :] for row in rows]
    return actor, _told(found) if found[0][0] is not None else None


def _told(rows: Sequence[Sequence[Any]]) -> Read:
    """From the rows of `_select_told`, in whatever order."""
    story = sorted((quick.instance(Entry, row[_LOOP + 3 :]) for row in rows), key=lambda entry: entry.seq)
    return replace(_read(rows[0]), resident=quick.uid(rows[0][_LOOP + 2]), story=tuple(story))


def read_all(loop_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Read]:
    """Many loops and their company in one statement; one that is not there is left out."""
    within, given = quick.among("l.id", loop_ids)
    found = [_read(row) for row in quick.rows(f"{_select()} {within}", given)]
    return {one.state.id: one for one in found}


def _read(row: Sequence[Any]) -> Read:
    key, tracked = row[_LOOP : _LOOP + 2]
    return Read(track_read(row), bytes(key) if key is not None else None, bool(tracked))


def found(loop_id: uuid.UUID) -> LoopState:
    """The loop as it stands, or NotFound in words."""
    return read(loop_id).state
