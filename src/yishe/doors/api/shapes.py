"""The JSON of each thing the API shows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from yishe.care import guarded
from yishe.care.items import Item
from yishe.care.medications import Medicine
from yishe.loops.reading import Said
from yishe.people.cards import Card
from yishe.policy.loop_state import LoopState

LOCAL = ZoneInfo("Asia/Shanghai")


def moment(at: datetime | None) -> datetime | None:
    """In UTC, which is written as ISO 8601, or null."""
    return at if at is None or at.tzinfo is UTC else at.astimezone(UTC)


def resident(card: Card, at: datetime) -> dict[str, Any]:
    """Identifiers masked to their last four; `age` in full years today."""
    return {
        "id": card.resident,
        "name": card.name,
        "sex": card.sex,
        "birth_date": card.birth_date.isoformat() if card.birth_date else None,
        "age": card.age(at.astimezone(LOCAL).date()),
        "id_number": card.id_masked,
        "phone": card.phone_masked,
        "traits": guarded.open_traits(card.traits),
        "allergies": list(card.allergies),
        "centre": card.centre,
        "team": card.team,
        "doctor": card.doctor,
        "social_worker": card.social_worker,
        "deceased_at": moment(card.deceased_at),
        "moved_at": moment(card.moved_at),
        "merged_into": card.merged_into,
    }


def medicine(one: Medicine) -> dict[str, Any]:
    return {
        "course": one.course,
        "drug": one.drug,
        "dose": one.dose,
        "frequency": one.frequency,
        "since": moment(one.since),
        "changed_at": moment(one.changed_at),
    }


def item(one: Item) -> dict[str, Any]:
    """One timeline entry. `hidden` names what exists but is not shown to this reader."""
    return {
        "kind": one.kind,
        "id": one.id,
        "occurred_at": moment(one.occurred_at),
        "recorded_at": moment(one.recorded_at),
        "author": one.author,
        "author_name": one.author_name,
        "title": one.title,
        "text": one.text,
        "detail": dict(one.detail),
        "hidden": list(one.hidden),
        "corrects": one.corrects,
        "loop": one.loop,
    }


def loop(
    state: LoopState, resident_id: UUID | None, allowed: Sequence[str], entries: Sequence[Said] = ()
) -> dict[str, Any]:
    """A loop. `events` are empty in lists: the story is told by GET /loops/{id}."""
    return {
        "id": state.id,
        "kind": state.kind,
        "resident": resident_id,
        "reason": state.reason or None,
        "urgency": state.urgency,
        "status": state.status,
        "business_status": state.business_status,
        "seq": state.seq,
        "owner": state.owner,
        "sender": state.sender,
        "performer": state.performer,
        "next_at": moment(state.next_at),
        "due_at": moment(state.due_at),
        "promised_at": moment(state.promised_at),
        "promised_by": moment(state.promised_by),
        "accepted_at": moment(state.accepted_at),
        "completed_at": moment(state.completed_at),
        "closed_at": moment(state.closed_at),
        "closed_as": state.closed_as or None,
        "close_reason": state.close_reason or None,
        "outcome": state.outcome or None,
        "confirmed_by": state.confirmed_by or None,
        "turn": state.turn if state.is_open else None,
        "sensitive": state.sensitive,
        "heard": state.heard or None,
        "parent": state.parent,
        "follows": state.follows,
        "centre": state.centre,
        "team": state.team,
        "allowed": list(allowed),
        "events": [event(one) for one in entries],
    }


def event(one: Said) -> dict[str, Any]:
    """One entry of the story; `note` and other words are there only for those who may read them."""
    return {
        "seq": one.seq,
        "kind": one.kind,
        "actor": one.actor,
        "at": moment(one.at),
        "occurred_at": moment(one.occurred_at),
        **{name: value for name, value in one.data.items() if name not in ("seq", "kind", "actor", "at")},
        **one.words,
    }
