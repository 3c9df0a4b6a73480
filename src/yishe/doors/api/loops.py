"""Loops: the work list, the ledger, one loop, promising, and every verb of the table."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from yishe.care import evidence
from yishe.doors.api import shapes
from yishe.doors.api.bodies import Act, Day, NewLoop
from yishe.doors.api.wire import Caller, Command, caller, command, known
from yishe.loops import acts, answering, promises, reading, sets
from yishe.loops.projection import Read
from yishe.loops.promises import Wanted
from yishe.loops.reading import Page
from yishe.loops.recording import Said
from yishe.people.names import Named, named
from yishe.people.placements import Keyed, placed, subjects_of
from yishe.policy import loop_roles
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_table import table
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.trust import access_log, ids

router = Router(tags=["loops"])
SOURCE = "api"
LISTED = 20
"""So many when nothing else is asked for."""
NAMES_NO_REASON = ("reason",)


class Paging(Schema):
    limit: int = Field(LISTED, ge=1, le=100)
    cursor: str | None = Field(None, max_length=400)


class Filters(Paging):
    """`owner`, `sender`, `performer` take an id or `me`; `since`, `until` are local days of the promise."""

    status: str | None = Field(None, max_length=40)
    open: bool | None = None
    late: bool | None = None
    kind: str | None = Field(None, max_length=80)
    reason: str | None = Field(None, max_length=40)
    urgency: Literal["red", "orange", "yellow", "green"] | None = None
    resident: UUID | None = None
    owner: UUID | Literal["me"] | None = None
    sender: UUID | Literal["me"] | None = None
    performer: UUID | Literal["me"] | None = None
    team: UUID | None = None
    centre: UUID | None = None
    closed_as: str | None = Field(None, max_length=20)
    since: Day | None = None
    until: Day | None = None


@router.get("/worklist")
def worklist(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """What the caller must do now, soonest deadline first. Reasons marked sensitive are not named in lists."""
    who = caller(request)
    page, people = reading.worklist_named(who.actor, paging.limit, paging.cursor)
    return listed(who, page, "worklist", people)


@router.get("/loops")
def listing(request: HttpRequest, filters: Query[Filters]) -> dict[str, Any]:
    """Loops within the caller's reach, newest promise first."""
    who = caller(request)
    page = reading.listing(who.actor, _wanted(who, filters), who.at, filters.limit, filters.cursor)
    return listed(who, page, "loops.list", named(state.subject for state in page.items))


@router.post("/loops", response={201: dict[str, Any]})
def promise(request: HttpRequest, payload: NewLoop) -> Any:
    """Promise something to a resident; urgency, clocks and owner come from the pack."""
    return Status(201, promised(caller(request), command(request), payload))


def promised(who: Caller, named_as: Command, payload: NewLoop, found: Keyed | None = None) -> dict[str, Any]:
    """The answer to a promise; `found` as in `promises.opened`."""
    wanted = Wanted(
        payload.kind, payload.reason or "", payload.note or "", tuple((payload.dates or {}).items()),
        evidence=tuple(_attached(who, payload)),
    )  # fmt: skip
    said = Said(who.actor.staff_id, who.at, named_as.id, named_as.digest, source=SOURCE)
    made = promises.opened(who.actor, payload.resident, wanted, said, found)
    return _shown(answering.first(who.actor, made, said, named_as.key))


def _attached(who: Caller, payload: NewLoop) -> list[dict[str, str]]:
    """The records that go along, with their hashes; nothing is read when none do."""
    chosen = [(one.type, one.id) for one in payload.evidence]
    return evidence.references(who.actor, placed(payload.resident), chosen, who.at) if chosen else []


@router.get("/loops/{loop_id}")
def detail(request: HttpRequest, loop_id: str) -> dict[str, Any]:
    """One loop with its story, and what the caller may do now."""
    who, found = caller(request), _id(loop_id)
    shown = reading.detail(who.actor, found, who.at)
    state = shown.state
    person = named([state.subject]).get(state.subject)
    _log(who, "loop.read", [state], shown.relation)
    return {
        **shapes.loop(state, person.resident if person else None, shown.allowed, shown.entries),
        "resident_name": person.name if person else None,
        "children": [child.id for child in shown.children],
    }


@router.post("/loops/{loop_id}/{verb}")
def act(request: HttpRequest, loop_id: str, verb: str, payload: Act) -> dict[str, Any]:
    """One verb of the table. The answer is the loop afterwards; for refer_on, the new loop."""
    who, named_as, found = caller(request), command(request), _id(loop_id)
    _known(verb)
    return acted(who, named_as, found, verb, payload)


def acted(
    who: Caller, named_as: Command, found: UUID, verb: str, payload: Act, reading: Read | None = None
) -> dict[str, Any]:
    """The answer to a verb of the table; `reading` as in `acts.acted`."""
    wanted = loop_roles.Command(
        verb,
        payload.reason or "",
        payload.outcome or "",
        tuple(piece.model_dump(exclude_none=True, exclude={"note"}) for piece in payload.evidence),
        payload.words,
        payload.to,
        payload.until,
        payload.said_by or "",
    )
    said = Said(who.actor.staff_id, who.at, named_as.id, named_as.digest, source=SOURCE)
    try:
        done = acts.acted(who.actor, found, payload.seq, wanted, said, told=True, reading=reading)
    except Conflict as refused:
        if refused.code == "stale":
            _tell_meanwhile(who, found, payload.seq, refused)
        raise
    # Its access line was written with the command.
    return _shown(answering.after(who.actor, done, who.at, named_as.key))


def _tell_meanwhile(who: Caller, loop_id: UUID, seq: int, refused: Conflict) -> None:
    """Someone acted first: what happened since, for those who may see the loop."""
    shown = reading.detail(who.actor, loop_id, who.at)
    refused.extra["events"] = [shapes.event(one) for one in shown.entries if one.seq > seq]
    refused.extra["allowed"] = list(shown.allowed)
    _log(who, "loop.read", [shown.state], shown.relation)


def _shown(found: answering.Answer) -> dict[str, Any]:
    return shapes.loop(found.state, found.resident, found.allowed, found.entries)


def listed(who: Caller, page: Page, action: str, people: Mapping[UUID, Named]) -> dict[str, Any]:
    """The page as it is answered, with its access line."""
    allowed = answering.allowed_in_list(who.actor, page.items, who.at)
    _log(who, action, page.items, "")
    return {
        "items": [_row(state, people.get(state.subject), allowed[state.id]) for state in page.items],
        "next": page.next,
    }


def _row(state: LoopState, person: Any, allowed: Sequence[str]) -> dict[str, Any]:
    shown = shapes.loop(state, person.resident if person else None, allowed)
    if state.sensitive:
        shown |= dict.fromkeys(NAMES_NO_REASON)
    return {**shown, "resident_name": person.name if person else None}


def _log(who: Caller, action: str, states: Sequence[LoopState], relation: str) -> None:
    access_log.line(
        None,
        home=states[0].home if states else ids.SYSTEM,
        actor=who.actor.staff_id,
        action=action,
        subjects=dict.fromkeys(state.subject for state in states),
        relation=relation,
        source=SOURCE,
        at=who.at,
    )


def _wanted(who: Caller, filters: Filters) -> dict[str, Any]:
    given = filters.model_dump(exclude_none=True, exclude={"limit", "cursor", "resident", "since", "until"})
    me: dict[str, Any] = {
        name: who.actor.staff_id for name in ("owner", "sender", "performer") if given.get(name) == "me"
    }
    if filters.resident:
        me["subjects"] = subjects_of(placed(filters.resident).resident)
    if filters.since:
        me["since"] = _day(filters.since)
    if filters.until:
        me["until"] = _day(filters.until, 1)
    return {**given, **me}


def _day(local: date, more: int = 0) -> datetime:
    """The first moment of a local day, or of the one so many days later."""
    try:
        return sets.day(local + timedelta(days=more))
    except (ValueError, OverflowError):
        raise Invalid("day_unreadable", "日期超出范围。") from None


def _id(text: str) -> UUID:
    return known(text, "no_such_loop", "没有这件闭环：请核对编号，或从 GET /api/v1/worklist 重新取。")


def _known(verb: str) -> None:
    if verb not in table().verbs():
        raise NotFound("unknown_verb", f"没有“{verb[:40]}”这个操作；可用：{'、'.join(table().verbs())}。")
