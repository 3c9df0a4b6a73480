"""我协助的人: for a volunteer and for who serves a partner, those who agreed to it; of each what was agreed to, and nothing else."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from yishe.doors.web import faces, page
from yishe.doors.web.page import Here, signed_in
from yishe.people import glimpses, packs, standing
from yishe.people.cards import Card, cards
from yishe.people.glimpses import Glimpse
from yishe.people.placements import placements

ACTION = "helping"
HELPING = ("volunteer", standing.PARTNER)


@signed_in
def helping(request: HttpRequest, here: Here) -> HttpResponse:
    """Each with one access line, by the relation that the consent opened."""
    found = glimpses.residents(here.actor.staff_id, here.now)
    placed = placements([one for one, seen in found.items() if seen.only(HELPING)])
    shown = cards(one.subject for one in placed.values())
    rows = []
    for resident, stands in placed.items():
        seen, card = found[resident].only(HELPING), shown.get(stands.subject)
        if card is not None and not stands.gone:
            page.seen(here, ACTION, [stands.subject], **seen.line())
            rows.append(_row(here, card, seen))
    return page.show(request, here, "helping.html", {"place": "me", "rows": rows})


def helps(here: Here) -> bool:
    """Whether somebody of these duties may be named in a consent; no statement."""
    return "volunteer" in here.duties or bool(standing.partners(here.actor.member, here.now))


def _row(here: Here, card: Card, seen: Glimpse) -> dict[str, Any]:
    contact, relations = seen.opens("contact"), packs.in_force().access.relations
    told = seen.opens("errand") or seen.opens("need")
    return {
        "about": card.subject,
        "name": card.name if contact else card.masked_name,
        "phone": card.phone if contact else "",
        "address": card.address if seen.opens("address") else "",
        "how": "、".join(str(relations[one].title) for one in seen.scopes),
        "ask": faces.name(here, card.social_worker) if told else "",
        "ask_phone": faces.phone(here, card.social_worker) if told else "",
        "until": seen.until,
    }
