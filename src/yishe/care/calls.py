"""One call of the day's list: who was reached keeps her promises by it, who was not is an attempt."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from yishe.care import attempts, contacts, contracts, year
from yishe.care.attempts import Told
from yishe.care.contract_stream import Once
from yishe.care.models import Owed
from yishe.people.actors import Actor


def record(
    actor: Actor, resident: UUID, told: Told, services: Sequence[str], at: datetime, command_id: str
) -> list[Owed]:
    """What came of a call; returns the promises it kept. Nothing is kept where she was not reached or asked to be called again.

    Refused as `year.keep` and `attempts.record`. The same command again answers the same."""
    told = replace(told, way=contracts.sheet_now().calling.way)
    outcome = attempts.required().outcomes.get(told.outcome)
    if outcome is None or not outcome.reached or outcome.again or not services:
        attempts.record(actor, resident, told, at, Once(command_id))
        return []
    kept = []
    for note in (False, True):
        mine = [one for one in services if contacts.written_as_note([one]) is note]
        if mine:
            kept += year.keep(
                actor, resident, services=mine, how=told.way, summary=told.note, at=at, command_id=f"{command_id}:{int(note)}"
            )  # fmt: skip
    return kept
