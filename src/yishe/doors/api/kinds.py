"""GET /kinds: what may be promised, why, and the codes each verb takes; read from the packs in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router

from yishe.doors.api.wire import caller
from yishe.loops import kinds
from yishe.people.actors import Actor
from yishe.policy import loop_words
from yishe.policy.loop_kinds import LoopKind, Reason
from yishe.policy.loop_table import table

router = Router(tags=["kinds"])


@router.get("/kinds")
def listing(request: HttpRequest) -> dict[str, Any]:
    """Every kind in force today with its reasons, urgencies and code books. `may_promise` is the caller's own."""
    who = caller(request)
    return {"items": [_kind(kind, who.actor, who.at) for kind in kinds.all_in_force(who.at)], "next": None}


def _kind(kind: LoopKind, actor: Actor, at: datetime) -> dict[str, Any]:
    return {
        "code": kind.code,
        "version": kind.version,
        "title": str(kind.title),
        "urgency": kind.urgency,
        "asked_by": list(kind.asked_by),
        "answered_by": list(kind.answered_by),
        "by_rule": kind.by_rule,
        "may_promise": bool(set(kind.asked_by) & actor.member.duties(at)),
        "confirm": kind.confirm,
        "reasons": [_reason(kind, reason) for reason in kind.reasons.values()],
        "outcomes": _titles(kind.outcomes),
        "evidence": _titles(kind.evidence),
        "evidence_required": {
            "complete": list(kind.evidence_required.complete),
            "any_of": kind.evidence_required.any_of,
        },
        "codes": {verb: _titles(book) for verb in table().verbs() if (book := loop_words.codes(kind, verb))},
        "verbs": {verb: str(kind.verbs[verb]) for verb in table().verbs() if verb in kind.verbs},  # type: ignore[index]
        "children": [child.kind for child in kind.children],
    }


def _reason(kind: LoopKind, reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "title": str(reason.title),
        "urgency": kind.urgency_of(reason.code),
        "sensitive": reason.sensitive,
        "needs": list(reason.needs),
        "steps": reason.steps or None,
    }


def _titles(book: Mapping[str, Any]) -> dict[str, str]:
    return {code: str(words) for code, words in book.items()}
