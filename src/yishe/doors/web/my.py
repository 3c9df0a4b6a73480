"""居民页面: what was promised to me, who looked at my record; for a relative, what she lets him see of her."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from yishe.care import outside
from yishe.doors.web import my_page, my_words, rights
from yishe.doors.web.my_page import HOME, Mine, at_home, hers
from yishe.loops import acts, reading
from yishe.people import glimpses, looks, packs, placements
from yishe.people.cards import Card, cards
from yishe.people.glimpses import Glimpse
from yishe.people.placements import Placement, subjects_of
from yishe.policy.refusals import Invalid, NotFound

LOOKS = 40
"""Lines on one page of a phone."""
MEASUREMENTS = 20
PARTS = {
    "loops": "promises", "medicines": "medicines", "measurements": "measurements", "questionnaires": "questionnaires",
}  # fmt: skip
"""Scope of a consent → the page that shows it. Others have nothing to show yet."""


@at_home
def home(request: HttpRequest, mine: Mine) -> HttpResponse:
    """One button for one matter; for a relative, whom it is about."""
    if mine.own.where is None:
        return _chooser(request, mine)
    mine_open = reading.for_subjects(subjects_of(mine.where.resident), only_open=True)
    card = cards([mine.where.subject])[mine.where.subject]
    told = {"name": card.name, "open": len(my_words.promises(mine, mine_open, sensitive=True))}
    my_page.seen(mine, "home", mine.where)
    return my_page.show(request, mine, "home.html", told)


def _chooser(request: HttpRequest, mine: Mine) -> HttpResponse:
    found = glimpses.residents(mine.own.person, mine.now)
    placed = placements.placements(list(found))
    shown = cards([one.subject for one in placed.values()])
    people = [_person(shown[one.subject]) for one in placed.values() if one.subject in shown]
    for one in placed.values():
        my_page.seen(mine, "home", one, **found[one.resident].line())
    return my_page.show(request, mine, "whom.html", {"people": people})


def _person(card: Card) -> dict[str, Any]:
    """How she is called where her name was not asked to be shown in full."""
    return {"resident": card.resident, "name": card.masked_name, "subject": card.subject}


@hers
def promises(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """谁在帮我、答应了什么、什么时候."""
    found = my_words.promises(mine, reading.for_subjects(subjects_of(where.resident)), sensitive=True)
    my_page.seen(mine, "promises", where)
    told = {"open": [one for one in found if one.open], "ended": [one for one in found if not one.open]}
    return my_page.show(request, mine, "promises.html", told)


@require_POST
@hers
def answer(request: HttpRequest, mine: Mine, where: Placement, loop: UUID, verb: str) -> HttpResponse:
    """What she asked for is done, or it is not: she says so, and it closes or goes on."""
    verbs = {"done": ("confirm", ""), "not-yet": ("reopen", "not_solved")}
    if verb not in verbs:
        raise NotFound("no_answer", "没有这种回答：请回到上一页再按一次。")
    wanted, reason = verbs[verb]
    said = request.POST.get("seq", "")
    if not said.isdecimal() or len(said) > 9:
        raise Invalid("seq", "这一页不完整：请刷新后再按一次。")
    acts.act(mine.actor, wanted, loop, seq=int(said), at=mine.now, reason=reason)
    return HttpResponseRedirect(f"{HOME}/promises")


@hers
def looked(request: HttpRequest, mine: Mine, where: Placement) -> HttpResponse:
    """Who looked at my record, and why; my own visits are left out, as they would hide the others."""
    found, more = looks.at_resident(where.resident, rights.moment(request.GET.get("until")), LOOKS)
    my_page.seen(mine, "looked", where)
    others = [one for one in found if one.who != looks.HERSELF]
    return my_page.show(
        request, mine, "looked.html", {"looks": others, "more": more.isoformat() if more else ""}
    )


# For a relative


@at_home
def of(request: HttpRequest, mine: Mine, resident: UUID) -> HttpResponse:
    """What this resident lets me see: one button for each part."""
    where, seen = let(mine, resident)
    my_page.seen(mine, "home", where, **seen.line())
    titles = packs.in_force().consents.kind("relative").scopes
    parts = [(PARTS[code], str(titles[code])) for code in titles if seen.opens(code) and code in PARTS]
    empty = [str(titles[code]) for code in titles if seen.opens(code) and code not in PARTS]
    told = {**about(where), "parts": parts, "empty": empty, "until": seen.until}
    return my_page.show(request, mine, "of.html", told)


@at_home
def part_of(request: HttpRequest, mine: Mine, resident: UUID, part: str) -> HttpResponse:
    """One part of what she lets me see, while she does."""
    where, seen = let(mine, resident)
    code = next((code for code, page in PARTS.items() if page == part), "")
    if not code or not seen.opens(code):
        raise NotFound("not_agreed", "这一项居民没有同意给您看：需要时请居民在“我的同意”里勾上。")
    my_page.seen(mine, part, where, **seen.line(code))
    return my_page.show(request, mine, f"of_{part}.html", {**about(where), **_part(mine, where, seen, part)})


def _part(mine: Mine, where: Placement, seen: Glimpse, part: str) -> dict[str, Any]:
    if part == "medicines":
        return {"medicines": outside.medicines(where, seen.sight)}
    if part == "measurements":
        return {"measurements": outside.measurements(where, seen.sight, mine.now, MEASUREMENTS)}
    found = reading.for_subjects(subjects_of(where.resident))
    return {"promises": my_words.promises(mine, found, sensitive=False)}


def let(mine: Mine, resident: UUID) -> tuple[Placement, Glimpse]:
    """Whom it is about, and what is open of her. Forbidden when nothing is (any more)."""
    seen = glimpses.require(mine.own.person, resident, mine.now)
    return placements.placed(resident), seen


def about(where: Placement) -> dict[str, Any]:
    """How she is called on the pages of a relative, which close when her consent ends."""
    return {"person": _person(cards([where.subject])[where.subject])}
