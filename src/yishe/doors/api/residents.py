"""Residents: search, one record, its timeline; recording medicines and notes."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from yishe.care import entries, guarded, medications, notes, timeline
from yishe.care.models import Recorded
from yishe.doors import limits
from yishe.doors.api import shapes
from yishe.doors.api.bodies import BrokenGlass, NewMedication, NewNote
from yishe.doors.api.wire import Caller, caller, command, known
from yishe.loops import glass
from yishe.people import access, protections, search, sight
from yishe.people.break_glass import Command
from yishe.people.cards import Card, cards
from yishe.people.placements import Placement, placed
from yishe.policy.refusals import Invalid, NotFound
from yishe.trust import access_log

router = Router(tags=["residents"])
READ = "resident.read"
SOURCE = "api"


class Search(Schema):
    """`q`: name, pinyin, initials, last four of the ID number, phone; empty is the caller's own panel."""

    q: str = Field("", max_length=100)
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=400)


class Page(Schema):
    cursor: str | None = Field(None, max_length=400)
    limit: int = Field(30, ge=1, le=100)


@router.get("/residents")
def find(request: HttpRequest, wanted: Query[Search]) -> dict[str, Any]:
    """Residents the caller may see, best match first; identifiers are masked to their last four."""
    who = caller(request)
    if "\x00" in wanted.q:
        raise Invalid("null_character", "查询里有空字符，请去掉后重发。")
    limits.take("search", who.actor.staff_id, who.at)
    found = search.page(who.actor, wanted.q, who.at, wanted.limit, wanted.cursor)
    if found.items:
        _seen(who, "residents.find", found.items)
    return {"items": [shapes.resident(card, who.at) for card in found.items], "next": found.next}


@router.get("/residents/{resident_id}")
def detail(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """One resident with the medicines taken now, for those whose task shows the record."""
    who, placement = readable(request, resident_id)
    card = cards([placement.subject]).get(placement.subject)
    if card is None:
        raise NotFound("no_such_resident", "这位居民的资料已按其要求删除。")
    card = protections.showing(who.actor, card, who.at)
    shown, seen = shapes.resident(card, who.at), sight.of(who.actor, placement, who.at)
    shown["traits"] = guarded.traits(card.traits, seen)
    if access.may(who.actor, timeline.ACTION, placement, who.at).allowed:
        taken = guarded.medicines(medications.current(entries.keyed(placement)), seen)
        shown["medicines"] = [shapes.medicine(one) for one in taken]
    return shown


@router.get("/residents/{resident_id}/timeline")
def read_timeline(request: HttpRequest, resident_id: str, page: Query[Page]) -> dict[str, Any]:
    """Everything recorded, newest first, cut to what the caller's profession sees."""
    who = caller(request)
    found = timeline.page(
        who.actor, identified(resident_id), at=who.at, cursor=page.cursor, limit=page.limit, source=SOURCE
    )
    return {"items": [shapes.item(item) for item in found.items], "next": found.next}


@router.post("/residents/{resident_id}/break-glass", response={201: dict[str, Any]})
def break_glass(request: HttpRequest, resident_id: str, payload: BrokenGlass) -> Any:
    """Open a record without a relation, in an emergency: briefly, told to the resident's people, reviewed afterwards."""
    who, said = caller(request), command(request)
    asked = Command(who.actor, payload.reason, payload.words or "", who.at, said.id, said.digest)
    grant, until = glass.break_(asked, identified(resident_id))
    return Status(201, {"id": grant, "resident": resident_id, "until": until.isoformat()})


@router.post("/residents/{resident_id}/break-glass/end", response={200: dict[str, Any]})
def end_glass(request: HttpRequest, resident_id: str) -> Any:
    """The record is needed no more; the review stays."""
    who, said = caller(request), command(request)
    glass.end(who.actor, identified(resident_id), who.at, said.id, said.digest)
    return {"resident": resident_id}


@router.post("/residents/{resident_id}/medications", response={201: dict[str, Any]})
def record_medication(request: HttpRequest, resident_id: str, payload: NewMedication) -> Any:
    """Start, change or stop a medicine; the pack's reactions tell the social worker."""
    who, said = caller(request), command(request)
    row = medications.record(
        who.actor,
        identified(resident_id),
        action=payload.action,
        drug=payload.drug,
        dose=payload.dose or "",
        frequency=payload.frequency or "",
        reason=payload.reason or "",
        occurred_at=payload.occurred_at,
        supersedes=payload.supersedes,
        at=who.at,
        command_id=said.id,
        digest=said.digest,
    )
    return Status(201, {**recorded(row, resident_id), "action": row.action, "course": row.course})


@router.post("/residents/{resident_id}/notes", response={201: dict[str, Any]})
def record_note(request: HttpRequest, resident_id: str, payload: NewNote) -> Any:
    """A service note of the social worker."""
    who, said = caller(request), command(request)
    row = notes.record(
        who.actor,
        identified(resident_id),
        stage=payload.stage or "",
        text=payload.text,
        restricted=payload.restricted or "",
        method=payload.method or "",
        minutes=payload.minutes,
        label=payload.label or "",
        occurred_at=payload.occurred_at,
        supersedes=payload.supersedes,
        at=who.at,
        command_id=said.id,
        digest=said.digest,
    )
    return Status(201, {**recorded(row, resident_id), "stage": row.stage})


def identified(text: str) -> UUID:
    return known(text, "no_such_resident", "没有这位居民的档案：请重新搜索。")


def readable(request: HttpRequest, resident_id: str) -> tuple[Caller, Placement]:
    """May the caller see this resident; leaves the access line."""
    who, placement = caller(request), placed(identified(resident_id))
    permission = access.require(who.actor, READ, placement, who.at)
    access_log.line(
        None,
        home=placement.home,
        actor=who.actor.staff_id,
        action=READ,
        subjects=[placement.subject],
        **permission.line,
        source=SOURCE,
        at=who.at,
    )
    return who, placement


def _seen(who: Caller, action: str, shown: list[Card]) -> None:
    access_log.line(
        None,
        home=who.actor.member.centre(who.at) or shown[0].centre,
        actor=who.actor.staff_id,
        action=action,
        subjects=[card.subject for card in shown],
        source=SOURCE,
        at=who.at,
    )


def recorded(row: Recorded, resident: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "resident": resident,
        "occurred_at": row.occurred_at.isoformat(),
        "recorded_at": row.recorded_at.isoformat(),
    }
