"""The visit that is promised when calls have not reached somebody, and its end when she is found."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care.models import Contract
from yishe.loops import fulfilling, promises
from yishe.loops.models import Loop
from yishe.loops.promises import Wanted
from yishe.loops.recording import Said
from yishe.people import packs, placements
from yishe.people.actors import SYSTEM, Actor
from yishe.people.placements import Placement
from yishe.policy.unreachable import Unreachable
from yishe.trust.commit import Bundle


def rule() -> Unreachable | None:
    """What the packs in force say of whoever is not reached; None when they say nothing of contracts."""
    sheet = packs.in_force().contracts
    return sheet.unreachable if sheet else None


def promise(bundle: Bundle, sender: Actor, where: Placement, contract: Contract, at: datetime) -> UUID | None:
    """Promise the visit in the caller's bundle, to whom the directory names; returns its loop. None where one is open already or
    the rule is not approved."""
    wanted = rule()
    subjects = placements.subjects_of(where.resident)
    if wanted is None or wanted.status != "approved" or visits(subjects):
        return None
    asked = Wanted(wanted.visit.kind, sender=sender.staff_id, matter={"contract": str(contract.id)})
    return promises.into(bundle, SYSTEM, where, asked, Said(SYSTEM.staff_id, at)).state.id


def reached(bundle: Bundle, actor: Actor, where: Placement, proof: Mapping[str, Any], at: datetime) -> None:
    """She was met or spoken to: an open visit is kept by that."""
    wanted = rule()
    if wanted is not None:
        keep(bundle, actor, where, wanted.visit.found, proof, at)


def keep(
    bundle: Bundle, actor: Actor, where: Placement, outcome: str, proof: Mapping[str, Any], at: datetime
) -> None:
    """The open visit ends with this outcome; nothing when none is open."""
    for loop in visits(placements.subjects_of(where.resident)):
        said = Said(actor.staff_id, at)
        fulfilling.fulfil(bundle, actor, loop, outcome=outcome, proof=proof, said=said)


def visits(subjects: Sequence[UUID]) -> list[UUID]:
    """Visits that are promised and not made."""
    wanted = rule()
    if wanted is None:
        return []
    rows = Loop.objects.filter(subject__in=subjects, kind=wanted.visit.kind, closed_at=None, turn="performer")
    return list(rows.order_by("id").values_list("id", flat=True))
