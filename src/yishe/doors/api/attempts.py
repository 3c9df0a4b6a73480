"""Attempts to reach a resident under contract, and what is still wanted before the contract may end for lost contact."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from yishe.care import attempts
from yishe.care.attempts import Told
from yishe.care.contract_stream import Once
from yishe.care.models import Attempt
from yishe.doors.api import shapes
from yishe.doors.api.bodies import Body, Code, Moment, Text
from yishe.doors.api.residents import identified, readable
from yishe.doors.api.wire import caller, command

router = Router(tags=["contracts"])


class NewAttempt(Body):
    """`way` is a code of `encounter_kind`, `outcome` one of the pack's `unreachable.outcomes`; `tried_at` if not now, `again_at`
    when she asked to be called."""

    way: Code
    outcome: Code
    note: Text | None = None
    tried_at: Moment | None = None
    again_at: Moment | None = None


@router.get("/residents/{resident_id}/attempts")
def read(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """Every attempt, newest first; `since_reached` how many since she was last reached, `lacks` what is still wanted, in words."""
    _, placement = readable(request, resident_id)
    rule, rows = attempts.required(), attempts.of_resident(placement)
    notes = attempts.notes(rows)
    return {
        "items": [_shown(one, notes.get(one.id, "")) for one in rows], "next": None,
        "since_reached": len(attempts.series(placement)), "lacks": attempts.standing(placement, rule).lacks(rule),
    }  # fmt: skip


@router.post("/residents/{resident_id}/attempts", response={201: dict[str, Any]})
def record(request: HttpRequest, resident_id: str, payload: NewAttempt) -> Any:
    """Record one attempt; after the last call that is wanted the visit is promised (`visit`)."""
    who, said = caller(request), command(request)
    told = Told(payload.way, payload.outcome, payload.note or "", payload.tried_at, payload.again_at)
    made = attempts.record(who.actor, identified(resident_id), told, who.at, Once(said.key, said.digest))
    return Status(201, _shown(made, told.note))


def _shown(one: Attempt, note: str) -> dict[str, Any]:
    return {
        "id": one.id, "contract": one.contract_id, "way": one.way, "outcome": one.outcome, "reached": one.reached,
        "tried_at": shapes.moment(one.tried_at), "again_at": shapes.moment(one.again_at), "visit": one.visit, "by": one.by,
        "note": note or None,
    }  # fmt: skip
