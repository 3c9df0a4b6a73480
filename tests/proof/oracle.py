"""What must hold of every loop after every step: design §4, told a second time and independently of the engine.

The oracle reads the transition table and the ledger. It never asks the engine what is allowed.
"""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from yishe.loops import reading, rebuild
from yishe.loops.company import leaders
from yishe.loops.models import Loop, Stuck, Tracking
from yishe.loops.projection import columns
from yishe.people import actors, directory
from yishe.policy.loop_state import LoopState, applied
from yishe.policy.loop_table import Edge, table
from yishe.policy.refusals import Refused
from yishe.trust import ids, ledger, verification
from yishe.trust.models import Entry

MOVES_PROMISE = ("reopened", "retimed", "promised")
NAMES_STATE = ("wrong_state", "not_yours", "red_never_held", "children_open", "reopen_too_late", "stale")


def label(edge: Edge) -> str:
    """An edge as the report names it."""
    origin = "any" if len(edge.origin) > 4 else "|".join(edge.origin)
    return f"{edge.verb} by {'|'.join(edge.by)} from {origin} → {edge.ends or edge.to}"


@dataclass
class Seen:
    """What the whole run has reached."""

    steps: int = 0
    tried: int = 0
    accepted: int = 0
    edges: Counter[str] = field(default_factory=Counter)
    from_states: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    other: Counter[str] = field(default_factory=Counter)


@dataclass
class Oracle:
    """Remembers each loop's state as last seen, so that what is new can be judged by itself."""

    seen: Seen
    known: dict[uuid.UUID, LoopState] = field(default_factory=dict)

    def look(self, at: datetime) -> list[Loop]:
        """Judge everything that happened since the last look; returns all loops."""
        rows = list(Loop.objects.order_by("id"))
        book = directory.current()
        touched: set[uuid.UUID | None] = set()
        for row in rows:
            known = self.known.get(row.id)
            if known is None or known.seq != row.seq:
                touched |= {row.owner, known.owner if known else None}
                self._judge(row, known, book)
        self._worklists(touched, rows, at)
        for row in rows:
            self._is_answered_for(row, book, at)
        return rows

    def swept(self, at: datetime) -> None:
        """After a sweep nothing due is left and nothing is stuck."""
        assert not list(Stuck.objects.values_list("loop", "error"))
        left = Loop.objects.filter(closed_at=None, next_at__lte=at).values_list("id", "state", "next_at")
        assert not list(left)

    def whole(self) -> None:
        """The end of an example: replay equals projection, and the ledger holds."""
        assert rebuild.differences() == []
        assert verification.verify(rebuild.heads()).broken is None

    def _judge(self, row: Loop, known: LoopState | None, book: directory.Directory) -> None:
        """Fold what is new onto what was known; it must give the row."""
        state, head = known, b""
        for entry in Entry.objects.filter(stream=row.id, seq__gt=known.seq if known else 0).order_by("seq"):
            state, head = self._one(entry, state, book), bytes(entry.hash)
        assert state is not None
        replayed = columns(state, ledger.Head(state.seq, head))
        wrong = {n: (getattr(row, n), v) for n, v in replayed.items() if _plain(getattr(row, n)) != v}
        assert not wrong, f"replay differs from row: {wrong}"
        self._closed_rightly(row)
        self.known[row.id] = state

    def _one(self, entry: Entry, before: LoopState | None, book: directory.Directory) -> LoopState:
        after = applied(before, entry.seq, ledger.changes_of(entry))
        if before is None:
            assert entry.kind == "promised"
            self.seen.edges["promise"] += 1
            return after
        assert entry.recorded_at >= (before.last_at or before.promised_at), "time ran backwards in a stream"
        edge = self._edge(entry, before, after, book)
        assert edge is not None, f"{entry.kind} by {entry.actor} is no edge from {before.place}"
        self.seen.edges[label(edge)] += 1
        self.seen.from_states[f"{edge.verb}:{before.place}"] += 1
        self._arrived(edge, before, after)
        return after

    def _edge(
        self, entry: Entry, before: LoopState, after: LoopState, book: directory.Directory
    ) -> Edge | None:
        for edge in table().leaving(before.place):
            if (
                edge.event == entry.kind
                and _ends_so(edge, before, after)
                and self._may(edge, entry, before, book)
            ):
                return edge
        return None

    def _may(self, edge: Edge, entry: Entry, before: LoopState, book: directory.Directory) -> bool:
        if entry.actor == ids.SYSTEM:
            return (
                "system" in edge.by
                or (before.parent is None and "child" in ledger.facts_of(entry))
                or _on_the_way(entry)
            )
        actor, found = entry.actor, set()
        if actor == before.sender or (actor == before.owner and before.turn == "sender"):
            found.add("sender")
        if actor == before.performer:
            found.add("performer")
        if actor == before.owner:
            found.add("owner")
        if actor in leaders(book, before, entry.recorded_at):
            found.add("leader")
        if found or Tracking.objects.filter(loop=before.id, person=actor).exists():
            found.add("participant")
        return bool(found & set(edge.by))

    def _arrived(self, edge: Edge, before: LoopState, after: LoopState) -> None:
        target = {"same": before.state, "before": before.before_hold}.get(edge.to, edge.to)
        assert after.state == target, (edge, after.state)
        if before.promised_by != after.promised_by:
            assert edge.event in MOVES_PROMISE, f"{edge.verb} moved the promise date"
        if edge.verb == "hand_over":
            assert after.state == before.state
            assert {n: k["due"] for n, k in after.clocks.items()} == {
                n: k["due"] for n, k in before.clocks.items()
            }
        if edge.verb == "auto_confirm":
            assert (before.urgency, before.state, after.confirmed_by) == (before.urgency, "completed", "auto")
            assert before.urgency != "red"
        if edge.verb in ("decline", "fail") and after.is_open:
            assert after.turn == "sender"
            assert after.clocks["confirm"]["next"]

    def _closed_rightly(self, row: Loop) -> None:
        open_ = row.closed_at is None
        assert open_ == (row.owner is not None) == (row.next_at is not None)
        assert open_ == (row.closed_as == "")
        if row.closed_as == "served" and not (
            self.known.get(row.id) and self.known[row.id].closed_as == "served"
        ):
            children = list(Loop.objects.filter(parent=row.id).values_list("id", "closed_as", "follows"))
            followed = {follows for *_, follows in children}
            assert all(c == "served" for i, c, _ in children if i not in followed), (
                "a parent closed before its tracks"
            )

    def _is_answered_for(self, row: Loop, book: directory.Directory, at: datetime) -> None:
        if row.closed_at is not None or row.owner is None:
            return
        member = book.people.get(row.owner)
        assert member is not None
        assert book.present(member, at), f"{row.state}: the owner {member.name} is not there"

    def _worklists(self, people: set[uuid.UUID | None], rows: list[Loop], at: datetime) -> None:
        """An open loop stands in its owner's to-do list and in no other: each list holds just what is owned."""
        for person in people - {None}:
            assert person is not None
            owned = {row.id for row in rows if row.closed_at is None and row.owner == person}
            assert {s.id for s in reading.worklist(actors.actor_of(person), at, 500).items} == owned


def _ends_so(edge: Edge, before: LoopState, after: LoopState) -> bool:
    if edge.ends:
        return after.closed_as == edge.ends
    return after.is_open == before.is_open or edge.verb in ("complete", "reopen")


def _on_the_way(entry: Entry) -> bool:
    """Accepting and starting a parent whose last track was served, in the performer's name."""
    return entry.kind in ("accepted", "started", "resumed")


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, bytes | memoryview) else value


def explains_itself(refused: Refused) -> None:
    """A refusal is a Chinese sentence; about a state it names it, what is possible now, and who may."""
    assert any("\u4e00" <= c <= "\u9fff" for c in refused.title)
    if refused.code in NAMES_STATE:
        assert {"state", "allowed", "seq"} <= set(refused.extra), refused.code
    if refused.code == "not_yours":
        assert refused.extra["who_may"]


def missing(counts: Counter[str], wanted: Iterable[str], least: int) -> dict[str, int]:
    """Those of `wanted` reached fewer than `least` times."""
    return {name: counts[name] for name in wanted if counts[name] < least}
