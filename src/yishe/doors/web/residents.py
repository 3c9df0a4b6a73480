"""居民: find by name, pinyin, initials, tail numbers; nothing typed shows my own panel."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from yishe.care import guarded
from yishe.doors import limits
from yishe.doors.web import faces, page, spoken, wording, words
from yishe.doors.web.page import Here, signed_in
from yishe.people import access, break_glass, search
from yishe.people.cards import Card

LIMIT = 60
TRAITS = 4


@signed_in
@words.apart
def residents(request: HttpRequest, here: Here) -> HttpResponse:
    asked = words.of(request)
    limits.take("search", here.actor.staff_id, here.now)
    found = search.find(here.actor, asked, here.now, LIMIT)
    page.seen(
        here,
        "resident.search",
        [card.subject for card in found],
        purpose=f"检索词 {len(asked)} 字" if asked else "",
    )
    if asked and len(found) == 1 and not getattr(request, "htmx", False):
        return HttpResponseRedirect(f"/residents/{found[0].resident}")
    rows = [row(here, card) for card in found]
    told = {"place": "residents", "asked": asked, "rows": rows, "full": len(found) == LIMIT}
    told["answers"] = here.centre is not None or bool(access.leading(here.actor.member, here.now))
    told["may_break"] = break_glass.may_at_all(here.actor, here.now)
    return page.show(request, here, "residents.html", told)


def row(here: Here, card: Card) -> dict[str, Any]:
    """One line of the list: masked but for the name."""
    return {
        "id": card.resident,
        "name": card.name,
        "sex": spoken.sex(card.sex),
        "age": faces.age(card, here),
        "traits": [wording.trait(one) for one in guarded.open_traits(card.traits)[:TRAITS]],
        "team": faces.team(here, card),
        "id_tail": card.id_tail,
        "phone_tail": card.phone[-4:],
        "gone": faces.gone(card),
    }
