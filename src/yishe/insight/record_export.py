"""One person's record on paper: what this reader sees of it, cut as the pages cut it, with who took it out and why on every page.

A resident's own copy is `insight.copies`.
"""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from yishe.care import entries, guarded, items, owing
from yishe.insight import copied_plans, copies, exports
from yishe.insight.exports import Wanted
from yishe.people import access, directory, packs, protections, sight
from yishe.people.actors import Actor
from yishe.people.cards import cards, mask_tail
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.trust import paper

ACTION = "record.export"
KIND = "record"
TEMPLATE = Path(__file__).with_name("record.typ")


def record_pdf(actor: Actor, resident: UUID, at: datetime, *, purpose: str) -> bytes:
    """The record as this reader sees it. Forbidden without a relation that lets take it out; Invalid without a purpose,
    Conflict when the day's number is used up; Unavailable without the font."""
    stands = entries.whose(resident)
    permission = access.require(actor, ACTION, stands, at)
    exports.room(actor, KIND, at)
    found = seen(actor, stands, at)
    wanted = Wanted(
        KIND,
        purpose,
        1,
        "一人的健康档案",
        subjects=(stands.subject,),
        relation=permission.relation,
        home=stands.home,
    )
    return exports.take_out(
        actor, wanted, at, lambda mark: paper.pdf(TEMPLATE, "record", found | {"mark": mark.line})
    )


def seen(actor: Actor, stands: Placement, at: datetime) -> dict[str, Any]:
    """What this reader sees of her, in words. The caller has asked access."""
    subjects = entries.keyed(stands)
    reader = items.reader(actor, stands, subjects, at)
    return {
        "made_at": f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}", "particulars": _particulars(actor, stands, at),
        "record": [{**one, "detail": {}} for one in copies.told(subjects, reader)],
        "contracts": [copies.contract(one) | {"words": {}, "attempts": []} for one in owing.of_resident(actor, stands, at)],
        "plans": copied_plans.of_resident(stands),
    }  # fmt: skip


def _particulars(actor: Actor, stands: Placement, at: datetime) -> dict[str, Any]:
    """Identifiers masked, as on every list; her whereabouts only where this reader may know them."""
    card, pack = protections.showing(actor, cards([stands.subject])[stands.subject], at), packs.in_force()
    team = directory.current().organisations.get(card.team) if card.team else None
    shown = guarded.traits(card.traits, sight.of(actor, stands, at))
    return {
        "name": card.name, "sex": str(pack.codes["sex"].get(card.sex, card.sex)),
        "birth_date": card.birth_date.isoformat() if card.birth_date else "", "id_number": card.id_masked,
        "phone": card.phone_masked, "record_number": mask_tail(card.record_number), "team": team.name if team else "",
        "traits": [str(pack.traits[one].title) for one in shown if one in pack.traits],
        "allergies": list(card.allergies),
    }  # fmt: skip
