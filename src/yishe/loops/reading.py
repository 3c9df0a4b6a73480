"""Reading loops: one whole, the to-do list, what one waits for, and the ledger with its filters."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from yishe.loops import acts, covering, knowing, orders, reach, sets
from yishe.loops.models import Loop, Tracking
from yishe.loops.projection import folded, read, state_of, state_read
from yishe.people import actors, names
from yishe.people.actors import Actor
from yishe.policy import cursors
from yishe.policy.loop_kinds import LoopKind
from yishe.policy.loop_roles import Situation, allowed
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_table import table
from yishe.policy.refusals import Invalid
from yishe.trust import accounts, ledger, quick
from yishe.trust.models import Entry

READ = knowing.READ
PAGE = 50


@dataclass(frozen=True)
class Said:
    """One entry of the story: who said what when, with codes, and words where the reader may see them."""

    seq: int
    kind: str
    actor: uuid.UUID
    at: datetime
    occurred_at: datetime
    data: Mapping[str, Any]
    words: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One box of the stepper: done (with who and when), now, or still to come."""

    name: str
    mark: str
    at: datetime | None
    by: uuid.UUID | None


@dataclass(frozen=True)
class Detail:
    """A loop as one person sees it now. `relation` is why he may; `covered` what is said instead of a reason, and of all
    words, that the pack does not show him."""

    state: LoopState
    kind: LoopKind
    allowed: tuple[str, ...]
    entries: tuple[Said, ...]
    steps: tuple[Step, ...]
    situation: Situation
    relation: str
    children: tuple[LoopState, ...]
    tracking: bool
    covered: str = ""


@dataclass(frozen=True)
class Page:
    """Rows in order, and the cursor of the next page or None."""

    items: tuple[LoopState, ...]
    next: str | None


def detail(actor: Actor, loop_id: uuid.UUID, at: datetime, upto: int | None = None) -> Detail:
    """The loop whole. `upto` shows it as that entry left it (the first answer to a repeated command).

    Forbidden for someone who neither takes part, leads, follows it, nor stands in a relation to the resident.
    """
    looked = read(loop_id)
    state = looked.state
    rows = ledger.entries(loop_id, upto)
    if upto is not None and upto != state.seq:
        then = folded(rows)
        state = then[0] if then else state
    relation = knowing.relation(actor, looked.state, at, tracked=looked.tracked)
    s = acts.situation(actor, state, at, looked.tracked)
    instead = covering.words(actor, looked.state, at)
    entries = tuple(_said(e, looked.key, covered=bool(instead)) for e in rows)
    children = (
        tuple(state_of(c) for c in Loop.objects.filter(parent=loop_id).order_by("promised_at", "id"))
        if s.kind.children
        else ()
    )
    return Detail(
        covering.covered(state) if instead else state,
        s.kind,
        tuple(allowed(s)),
        entries,
        _steps(state, entries),
        s,
        relation,
        children,
        s.is_tracking,
        instead,
    )


def _said(entry: Entry, key: bytes | None, *, covered: bool = False) -> Said:
    words = ledger.words(entry, key) if key is not None and not covered else {}
    facts = ledger.facts_of(entry)
    return Said(
        entry.seq,
        entry.kind,
        entry.actor,
        entry.recorded_at,
        entry.occurred_at,
        covering.plain(facts.items()) if covered else facts,
        words,
    )


_STAMPS = {
    "sent": ("promised", "promised_at"), "received": ("received", "seen_at"), "accepted": ("accepted", "accepted_at"),
    "started": ("started", "started_at"), "completed": ("completed", "completed_at"), "confirmed": ("confirmed", "closed_at"),
}  # fmt: skip


def _steps(state: LoopState, entries: Sequence[Said]) -> tuple[Step, ...]:
    """The table's boxes. A closed loop has no present box; one closed unserved leaves the rest undone."""
    by = {e.kind: e.actor for e in entries}
    steps = []
    for name, states in table().steps:
        event, column = _STAMPS[name]
        at = getattr(state, column)
        done = at is not None and not (name == "confirmed" and state.closed_as != "served")
        mark = "now" if state.is_open and state.state in states else "done" if done else "todo"
        steps.append(
            Step(name, mark, at if mark == "done" else None, by.get(event) if mark == "done" else None)
        )
    return tuple(steps)


def worklist(actor: Actor, at: datetime, limit: int = PAGE, cursor: str | None = None) -> Page:
    """What this person must do now, soonest deadline first. One fixed statement: everybody's morning begins here."""
    sql, values = _worklist(actor.staff_id, limit, cursor)
    return _cut([state_read(row) for row in quick.rows(sql, values)], "due_at", limit)


def worklist_named(
    actor: Actor, limit: int = PAGE, cursor: str | None = None
) -> tuple[Page, dict[uuid.UUID, names.Named]]:
    """The same with who stands behind each subject, in the same statement: first the rows by their index, then the names
    that go with them."""
    inner, values = _worklist(actor.staff_id, limit, cursor)
    return _named(quick.rows(f"{_beside_names(inner)} ORDER BY l.due_at, l.id", values), limit)


def worklist_by(
    plaintext: str, at: datetime, limit: int
) -> tuple[Actor, tuple[Page, dict[uuid.UUID, names.Named]]]:
    """Who bears this token, as `actors.for_token`, and in the same look what he must do now, as `worklist_named`."""
    inner, values = _worklist(accounts.token_digest(plaintext), limit, None, actors.BEARERS)
    rows = quick.rows(actors.bearing(_beside_names(inner)), [*actors.bearer(plaintext, at), *values])
    actor = actors.borne(rows[0] if rows else (None, 0), at)
    found = [row[actors.BORNE :] for row in rows if row[actors.BORNE + names.WIDTH] is not None]
    return actor, _named(sorted(found, key=_by_deadline), limit)


def _beside_names(inner: str) -> str:
    return f"SELECT {names.COLUMNS}, {quick.columns(Loop, 'l')} FROM ({inner}) l {names.BESIDE}"


_DUE = names.WIDTH + quick.names(Loop).index("due_at")


def _by_deadline(row: Sequence[Any]) -> tuple[bool, Any, int]:
    """As the database orders: who has no deadline comes last."""
    return row[_DUE] is None, row[_DUE], quick.known(row[names.WIDTH]).int


def _named(rows: Sequence[Sequence[Any]], limit: int) -> tuple[Page, dict[uuid.UUID, names.Named]]:
    people = dict(names.read(row) for row in rows[:limit] if row[1] is not None)
    return _cut([state_read(row[names.WIDTH :]) for row in rows], "due_at", limit), people


def _worklist(owner: Any, limit: int, cursor: str | None, whose: str = "%s") -> tuple[str, list[Any]]:
    beyond, values = "", [owner]
    if cursor:
        moment, last = cursors.read(cursor)
        beyond = " AND (l.due_at > %s OR (l.due_at = %s AND l.id > %s))"
        values += [moment, moment, last]
    sql = (
        f"SELECT {quick.columns(Loop, 'l')} FROM loops_loop l WHERE l.owner = {whose} AND l.closed_at IS NULL{beyond} "
        "ORDER BY l.due_at, l.id LIMIT %s"
    )
    return sql, [*values, limit + 1]


def waiting(actor: Actor, limit: int = PAGE, cursor: str | None = None) -> Page:
    """What others must do for this person: sent or followed by him, and not his move now."""
    tracked = Tracking.objects.filter(person=actor.staff_id).values("loop")
    mine = [Q(sender=actor.staff_id, closed_at=None), Q(id__in=tracked, closed_at=None)]
    beyond = _beyond("due_at", "gt", cursor)
    rows = reach.first(
        mine, lambda rows: rows.filter(beyond).exclude(owner=actor.staff_id), ("due_at", "id"), limit + 1
    )
    return _cut([state_of(row) for row in rows], "due_at", limit)


def counts(actor: Actor, at: datetime) -> dict[str, int]:
    """How many are mine to do, and how many of them late."""
    mine = Loop.objects.filter(owner=actor.staff_id, closed_at=None)
    return mine.aggregate(mine=Count("id"), late=Count("id", filter=Q(due_at__lt=at)))


def for_subjects(subjects: Sequence[uuid.UUID], only_open: bool = False) -> list[LoopState]:
    """Every loop of a resident (all subjects mapped to him), open first, newest first. The caller has asked access."""
    return shown_of(all_of(subjects), only_open)


def shown_of(loops: Iterable[LoopState], only_open: bool = False) -> list[LoopState]:
    """Those of a resident's loops that a page shows: none that was void from the start."""
    shown = (one for one in loops if one.closed_as != "void" and (one.is_open or not only_open))
    return sorted(shown, key=lambda one: (not one.is_open, -one.promised_at.timestamp()))


def all_of(subjects: Sequence[uuid.UUID]) -> list[LoopState]:
    """Every loop of these subjects, in no order, by a fixed statement. The caller has asked access."""
    if not subjects:
        return []
    condition, values = quick.among("l.subject", subjects)
    sql = f"SELECT {quick.columns(Loop, 'l')} FROM loops_loop l WHERE {condition}"
    return [state_read(row) for row in quick.rows(sql, values)]


def named(loops: Sequence[uuid.UUID]) -> dict[uuid.UUID, LoopState]:
    """These loops by id, for lines that only name them to someone who was told of them."""
    return {row.id: state_of(row) for row in Loop.objects.filter(id__in=list(loops))} if loops else {}


FILTERS: dict[str, str] = {
    "kind": "kind", "reason": "reason", "status": "status", "urgency": "urgency", "owner": "owner", "sender": "sender",
    "performer": "performer", "team": "team", "centre": "centre", "subject": "subject", "subjects": "subject__in", "closed_as": "closed_as",
    "since": "promised_at__gte", "until": "promised_at__lt", "parent": "parent",
}  # fmt: skip


def _named_to(actor: Actor) -> Q:
    """Whose reason may be asked for: a sensitive one is found by its two sides and whoever's turn it is."""
    me = actor.staff_id
    return Q(sensitive=False) | Q(sender=me) | Q(performer=me) | Q(owner=me)


def narrowed(actor: Actor, rows: QuerySet[Loop], filters: Mapping[str, Any], at: datetime) -> QuerySet[Loop]:
    """Apply the ledger's filters. `open` is true or false; `late` means past the present step's deadline."""
    unknown = set(filters) - set(FILTERS) - {"open", "late", "stuck"}
    if unknown:
        raise Invalid(
            "filter",
            f"不认识的筛选项：{'、'.join(sorted(unknown))}；可用：{'、'.join([*FILTERS, 'open', 'late'])}。",
        )
    for name, value in filters.items():
        if name in FILTERS and value not in (None, ""):
            rows = rows.filter(**{FILTERS[name]: value})
            rows = rows.filter(_named_to(actor)) if name == "reason" else rows
    if filters.get("open") is not None:
        rows = rows.filter(closed_at__isnull=bool(filters["open"]))
    if filters.get("late"):
        rows = rows.filter(closed_at=None, due_at__lt=at)
    return rows


def listing(
    actor: Actor, filters: Mapping[str, Any], at: datetime, limit: int = PAGE, cursor: str | None = None
) -> Page:
    """The ledger (台账), newest promise first."""
    beyond = _beyond("promised_at", "lt", cursor)
    found = reach.first(
        reach.parts(actor, at, READ),
        lambda rows: narrowed(actor, rows, filters, at).filter(beyond),
        ("-promised_at", "id"),
        limit + 1,
    )
    return _cut([state_of(row) for row in found], "promised_at", limit)


def behind(
    actor: Actor, filters: Mapping[str, str], at: datetime, limit: int = PAGE, cursor: str | None = None
) -> Page:
    """The list behind a number of a board: the filter the number was counted by (`sets.wanted`), newest first or in
    the order that `sort` names (`orders.named`)."""
    order, wanted = orders.named(filters.get("sort") or orders.NEWEST), sets.wanted(filters, at)

    def those(found: QuerySet[Loop]) -> QuerySet[Loop]:
        carried = order.carried(found.filter(wanted))
        return order.after(carried, cursor) if cursor else carried

    rows = reach.first(reach.parts(actor, at, READ), those, order.names, limit + 1)
    following = orders.cursor(rows[limit - 1]) if len(rows) > limit else None
    return Page(tuple(state_of(row) for row in rows[:limit]), following)


def soonest(
    actor: Actor,
    filters: Mapping[str, str],
    at: datetime,
    limit: int,
    only: Sequence[uuid.UUID] | None = None,
) -> tuple[LoopState, ...]:
    """The first of that list by deadline, the longest overdue first; `only` narrows it to these loops."""
    wanted = sets.wanted(filters, at)
    wanted &= Q() if only is None else Q(id__in=list(only))
    found = reach.first(
        reach.parts(actor, at, READ), lambda rows: rows.filter(wanted), ("due_at", "id"), limit
    )
    return tuple(state_of(row) for row in found)


def how_many(actor: Actor, filters: Mapping[str, str], at: datetime) -> int:
    """The length of that list, counted as far as `reach.COUNTED`; then it is one more."""
    wanted = sets.wanted(filters, at)
    return reach.count(reach.parts(actor, at, READ), lambda rows: rows.filter(wanted))


def _beyond(column: str, later: str, cursor: str | None) -> Q:
    """What follows the row of a cursor: keyset paging on (time, id). A forged cursor is Invalid."""
    if not cursor:
        return Q()
    moment, last = cursors.read(cursor)
    return Q(**{f"{column}__{later}": moment}) | Q(**{column: moment, "id__gt": last})


def _cut(states: list[LoopState], column: str, limit: int) -> Page:
    """A page of `limit` out of one row more, which only tells whether another page follows."""
    page = tuple(states[:limit])
    more = len(states) > limit
    return Page(page, cursors.write(getattr(page[-1], column), page[-1].id) if more else None)
