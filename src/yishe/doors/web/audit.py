"""审计: who looked at whom and why, found by person, resident, deed, period, relation and purpose; and what was taken out.

Looking here is looking too, and leaves its line.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST

from yishe.doors import limits
from yishe.doors.web import faces, loop_rows, page, sign_in_words, spoken, words
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Link
from yishe.insight import anomalies, audit, audit_words, exports
from yishe.insight import sign_ins as door_lines
from yishe.people import packs, search
from yishe.people.cards import Card, cards
from yishe.people.placements import placed
from yishe.trust import access_log, clock, digests
from yishe.trust.models import Export

PAGE = 50
EXPORTS = 100
FOUND = 12
DEEDS = ("read", "reveal", "resident", "record", "loop", "consent", "rights", "people", "staff", "audit")
"""Kinds of deed one may ask for, by first word."""


@signed_in
def lines(request: HttpRequest, here: Here) -> HttpResponseBase:
    audit.reach(here.actor, here.now)  # before anything is done with what was typed
    return _lines(request, here)


@words.apart
def _lines(request: HttpRequest, here: Here) -> HttpResponse:
    asked = chosen(request.GET)
    found = audit.page(here.actor, asked, here.now, PAGE, request.GET.get("cursor"))
    name = words.of(request)
    candidates = _candidates(here, name)
    seen = [*audit.subjects(found.items), *(card.subject for card in candidates)]
    _looked(here, audit.ACTION, seen, urlencode(asked))
    last = digests.latest()
    return page.show(
        request,
        here,
        "audit.html",
        {
            "place": "audit",
            "lines": found.items,
            "next": found.next,
            "asked": asked,
            "name": name,
            "candidates": [_candidate(card, here) for card in candidates],
            "whose": _whose(asked),
            "staff": [Link(one.name, str(one.id)) for one in audit.staff(here.actor, here.now)],
            "deeds": [Link(audit_words.deed(code), code) for code in DEEDS],
            "relations": [
                Link(str(one.title), code) for code, one in packs.in_force().access.relations.items()
            ],
            "may_export": exports.may(here.actor, audit.KIND, here.now),
            "sealed": last.day if last else None,
        },
    )


def chosen(query: Mapping[str, str]) -> dict[str, str]:
    return {key: query[key].strip() for key in audit.KEYS if query.get(key, "").strip()}


def _candidates(here: Here, name: str) -> list[Card]:
    """Residents of that name among whom the one meant is chosen."""
    if not name:
        return []
    limits.take("search", here.actor.staff_id, here.now)
    return search.page(here.actor, name, here.now, FOUND, action=audit.ACTION).items


def _candidate(card: Card, here: Here) -> dict[str, Any]:
    return {
        "id": card.resident,
        "name": card.masked_name,
        "age": faces.age(card, here),
        "tail": card.record_number[-4:],
    }


def _whose(asked: Mapping[str, str]) -> str:
    """The masked name of the resident asked for."""
    if "resident" not in asked:
        return ""
    stands = placed(UUID(asked["resident"]))
    card = cards([stands.subject]).get(stands.subject)
    return card.masked_name if card else "（资料已删除）"


def _looked(here: Here, action: str, subjects: list[UUID], asked: str = "") -> None:
    access_log.deed(
        None, home=here.home(), actor=here.actor.staff_id, action=action, subjects=dict.fromkeys(subjects),
        purpose=asked, at=here.now,
    )  # fmt: skip


@signed_in
def sign_ins(request: HttpRequest, here: Here) -> HttpResponse:
    """What happened at the door: who came in, who was refused, which key was added or reset, which device ended."""
    asked = {key: request.GET[key].strip() for key in door_lines.KEYS if request.GET.get(key, "").strip()}
    found = door_lines.page(here.actor, asked, here.now, PAGE, request.GET.get("cursor"))
    _looked(here, "audit.sign_ins", [], urlencode(asked))
    told = {
        "place": "audit", "lines": found.items, "next": found.next, "asked": asked, "real": clock.real_now(),
        "staff": [Link(one.name, str(one.id)) for one in audit.staff(here.actor, here.now)],
        "kinds": [Link(sign_in_words.kind(one), one) for one in door_lines.KINDS],
    }  # fmt: skip
    return page.show(request, here, "audit_sign_ins.html", told)


@require_POST
@signed_in
def take_out(request: HttpRequest, here: Here) -> HttpResponse:
    """The lines as a workbook; why they are taken out is asked and kept."""
    limits.take("export", here.actor.staff_id, here.now)
    asked = chosen(request.POST) | {"purpose": request.POST.get("of_purpose", "")}
    content = audit.audit_xlsx(here.actor, asked, here.now, purpose=request.POST.get("purpose", ""))
    return page.attached(content, f"shenji-{spoken.local(here.now):%Y%m%d-%H%M}.xlsx")


@signed_in
def odd(request: HttpRequest, here: Here) -> HttpResponse:
    """What the rules found odd, and how far each is."""
    audit.reach(here.actor, here.now)
    found = anomalies.asked(here.actor, here.now, EXPORTS)
    _looked(here, "audit.odd", [one.finding.person for one in found])
    told = {"place": "audit", "found": [_odd(one, here) for one in found]}
    return page.show(request, here, "audit_odd.html", told)


def _odd(one: anomalies.Asked, here: Here) -> dict[str, Any]:
    reason = loop_rows.kind_of(one.state).reasons.get(one.state.reason)
    return {
        "href": f"/loops/{one.state.id}",
        "day": one.finding.day,
        "who": faces.name(here, one.finding.person),
        "what": str(reason.title) if reason else one.finding.rule,
        "count": one.finding.count,
        "state": loop_rows.state_words(one.state),
        "outcome": loop_rows.kind_of(one.state).outcomes.get(one.state.outcome, ""),
        "chip": loop_rows.chip(one.state, here, named=True),
    }


@signed_in
def taken(request: HttpRequest, here: Here) -> HttpResponse:
    """What left the system, by whom, why, how much."""
    found = audit.taken(here.actor, here.now, EXPORTS)
    _looked(here, "audit.exports", [])
    told = {"place": "audit", "exports": [_export(one, here) for one in found]}
    return page.show(request, here, "audit_exports.html", told)


def _export(one: Export, here: Here) -> dict[str, Any]:
    kind = packs.in_force().exports.exports.get(one.kind)
    return {
        "at": one.at,
        "who": faces.name(here, one.actor),
        "what": str(kind.title) if kind else one.kind,
        "purpose": one.purpose,
        "scope": one.scope,
        "rows": one.rows,
        "sha256": one.sha256,
        "number": one.id,
    }
