"""催一下: when the owner of a loop was last asked to move. The asking itself is a marked note (`acts.act`)."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from yishe.loops import kinds
from yishe.people.packs import in_force as packs_in_force
from yishe.policy.loop_roles import Situation, nudge_again
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_words import NUDGE
from yishe.trust import ledger
from yishe.trust.models import Entry

NOTED = "noted"


def last(loops: Sequence[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """The latest asking of each of these loops that knows one; one statement."""
    found: dict[uuid.UUID, datetime] = {}
    for entry in Entry.objects.filter(stream__in=list(loops), kind=NOTED).order_by("stream", "seq"):
        if ledger.facts_of(entry).get("reason") == NUDGE:
            found[entry.stream] = entry.recorded_at
    return found


def resting(loops: Iterable[LoopState], actor: uuid.UUID, at: datetime) -> dict[uuid.UUID, datetime]:
    """Of these loops those whose owner was asked so lately that he may not be asked again yet, and when he was."""
    states = {one.id: one for one in loops}
    told = last(list(states)) if states else {}
    return {loop: when for loop, when in told.items() if _rests(states[loop], when, actor, at)}


def _rests(state: LoopState, when: datetime, actor: uuid.UUID, at: datetime) -> bool:
    kind = kinds.opened_under(state.kind, state.pack)
    again = nudge_again(Situation(state, kind, packs_in_force().calendar, at, actor, nudged_at=when))
    return again is not None and at < again
