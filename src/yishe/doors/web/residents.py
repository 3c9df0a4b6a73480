"""居民: find by name, pinyin, initials, tail numbers; nothing typed shows my own panel. Class and tiers narrow both."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from yishe.care import class_stream, guarded, lives
from yishe.care.class_reading import TITLES
from yishe.care.class_stream import AS_FACTS
from yishe.doors import limits
from yishe.doors.web import faces, page, spoken, wording, words
from yishe.doors.web.page import Here, signed_in
from yishe.insight import panel
from yishe.insight.panel import Wanted
from yishe.people import access, break_glass, search
from yishe.people.cards import Card

LIMIT = 60
CLASS = "resident_class"
SHORT = {CLASS: "", "medical": "医疗", "social": "社会"}
TRAITS = 4


@signed_in
@words.apart
def residents(request: HttpRequest, here: Here) -> HttpResponse:
    asked = words.of(request)
    limits.take("search", here.actor.staff_id, here.now)
    narrow = _narrow(request)
    found = _found(here, asked, narrow)
    standing = class_stream.standing([card.resident for card in found], lives.day(here.now))
    if narrow:
        found = [card for card in found if narrow.items() <= standing.get(card.resident, {}).items()]
    page.seen(
        here,
        "resident.search",
        [card.subject for card in found],
        purpose="；".join(filter(None, [f"检索词 {len(asked)} 字" if asked else "", urlencode(narrow)])),
    )
    if asked and len(found) == 1 and not getattr(request, "htmx", False):
        return HttpResponseRedirect(f"/residents/{found[0].resident}")
    rows = [{**row(here, card), "classed": _classed(standing.get(card.resident, {}))} for card in found]
    told = {"place": "residents", "asked": asked, "rows": rows, "full": len(found) == LIMIT, "narrow": narrow}
    told["sealed"] = request.GET.get(words.SEALED, "")
    told["filters"] = [
        (name, TITLES[track], panel.steps(track), narrow.get(name)) for name, track in AS_FACTS.items()
    ]
    told["answers"] = here.centre is not None or bool(access.leading(here.actor.member, here.now))
    told["may_break"] = break_glass.may_at_all(here.actor, here.now)
    return page.show(request, here, "residents.html", told)


def _narrow(request: HttpRequest) -> dict[str, str]:
    """Class and tiers that were chosen, as far as the pack knows them."""
    given = request.POST if request.method == "POST" else request.GET
    chosen = {name: given.get(name, "") for name in AS_FACTS}
    return {name: step for name, step in chosen.items() if step in panel.steps(AS_FACTS[name])}


def _found(here: Here, asked: str, narrow: Mapping[str, str]) -> list[Card]:
    """By what was typed; without it one's own panel, from which class and tiers choose before it is cut."""
    if asked or not narrow:
        return search.find(here.actor, asked, here.now, LIMIT)
    steps = {name: narrow.get(name, "") for name in AS_FACTS}
    wanted = Wanted(resident_class=steps[CLASS], medical=steps["medical"], social=steps["social"])
    return [one.card for one in panel.page(here.actor, wanted, here.now, LIMIT).rows]


def _classed(steps: Mapping[str, str]) -> str:
    """慢病 · 医疗高: the class, and the tiers that are not the last."""
    said = {name: panel.steps(track) for name, track in AS_FACTS.items() if name in steps}
    raised = [name for name, known in said.items() if name == CLASS or steps[name] != list(known)[-1]]
    return " · ".join(f"{SHORT[name]}{said[name].get(steps[name], steps[name])}" for name in raised)


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
