"""闭环: the story on the left; on the right how far it is, whose turn, by when, and what this person may do now."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_http_methods

from yishe.care import notes
from yishe.doors.web import (
    about,
    attaching,
    breaking,
    consenting,
    erasing,
    faces,
    loop_rows,
    loop_story,
    page,
    pressing,
    resident,
    spoken,
    wording,
)
from yishe.doors.web.loop_forms import Setting, VerbForm
from yishe.doors.web.page import Here, signed_in
from yishe.doors.web.shapes import Act, Chip
from yishe.loops import acts, reading
from yishe.loops.company import leaders
from yishe.loops.reading import Detail
from yishe.people import access
from yishe.people.cards import Card, cards
from yishe.people.placements import placement_of_subject
from yishe.policy.loop_state import LoopState
from yishe.policy.loop_words import refuse_edge
from yishe.policy.refusals import Conflict, Invalid, NotFound
from yishe.talk import notices

GRAVE = ("cancel", "void", "fail")
SIDE = (
    "note",
    "heard",
    "hand_over",
    "hold",
    "ask_more",
    "decline",
    "fail",
    "cancel",
    "void",
    "reopen",
    "refer_on",
    "receive",
)
NEAR = (
    "decline",
    "ask_more",
    "supply",
    "note",
    "confirm",
    "refer_on",
    "accept",
    "complete",
    "start",
    "resume",
    "receive",
)
STAGE = "intervention"


@signed_in
def loop(request: HttpRequest, here: Here, loop_id: UUID) -> HttpResponse:
    found = reading.detail(here.actor, loop_id, here.now)
    card = _card(found.state)
    why, broken = _why(here, found)
    page.seen(here, "loop.read", [found.state.subject, *about.subjects(found)], **why)
    notices.mark_loop_read(here.actor.staff_id, loop_id, here.now)
    return page.show(request, here, "loop.html", {**shown(here, found, card), "glass": broken})


def _why(here: Here, found: Detail) -> tuple[dict[str, str], dict[str, Any]]:
    """By which relation this is read; of a broken glass also what for, and its banner."""
    stands = placement_of_subject(found.state.subject) if found.relation == access.BREAK_GLASS else None
    if stands is None:
        return {"relation": found.relation}, {}
    permission = access.require(here.actor, "loop.read", stands, here.now)
    return permission.line, breaking.banner(here, stands, permission)


def shown(here: Here, found: Detail, card: Card | None) -> dict[str, Any]:
    state, kind = found.state, found.kind
    reason = kind.reasons.get(state.reason)
    first, others = pressable(found, card, here)
    return {
        "place": "ledger",
        "loop": state,
        "kind_title": str(kind.title),
        "reason_title": str(reason.title) if reason else found.covered,
        "person": faces.person(here, card) if card else None,
        "urgency": wording.URGENCIES[state.urgency],
        "story": loop_story.story(here, found),
        "steps": loop_story.steps(here, found),
        "turn": loop_story.turn(here, found),
        "first": first,
        "near": [one for one in others if near(one.verb, found)],
        "more": [one for one in others if not near(one.verb, found)],
        "ring": ring(here, found) if not first else [],
        **loop_story.asked(here, found),
        "tracking": found.tracking,
        "erase": erasing.offered(here, found),
        "steps_now": reason.steps if reason and state.urgency == "red" and state.is_open else "",
        **consenting.asked(here, found),
        "matter": about.facts(here, found),
        "matter_acts": about.acts(here, found),
        "emergency": emergency(here, found),
        "children": children(here, found),
        "related": loop_story.related(found),
        "accept_words": accept_words(found),
    }


def pressable(found: Detail, card: Card | None, here: Here) -> tuple[list[Act], list[Act]]:
    """The one primary action, and the rest of what this person may do."""
    state, kind, name = found.state, found.kind, card.name if card else ""
    choices = [loop_rows.forward(state, kind), *wording.FORWARD.get(state.state, ())] if state.is_open else []
    first = next((verb for verb in choices if verb in found.allowed), "")
    primary = [loop_rows.act(state, kind, first, "", "go")] if first else []
    rest = [verb for verb in (*wording.FIRST_CHOICE, *SIDE) if verb in found.allowed and verb != first]
    if _ours(found):
        primary, rest = (
            [one for one in primary if one.verb != "complete"],
            [v for v in rest if v != "complete"],
        )
    looks = {verb: "quiet" if verb in GRAVE else "" for verb in rest}
    return primary, [
        loop_rows.act(state, kind, verb, "", looks[verb]) for verb in dict.fromkeys(rest) if name or verb
    ]


def _ours(found: Detail) -> bool:
    """Whether only the system brings what proves the result: then completing is no form."""
    wanted = found.kind.evidence_required
    return bool(wanted.complete) and set(wanted.complete) <= set(wanted.ours)


def near(verb: str, found: Detail) -> bool:
    """What stands open beside the primary action; the rest is one press away under 更多."""
    return verb in NEAR or (verb in ("heard", "reopen") and found.state.state == "completed")


def ring(here: Here, found: Detail) -> list[dict[str, str]]:
    """Whom to ring when it is not my move: the owner, whoever stands in, those above."""
    state = found.state
    if not state.is_open or state.owner is None or state.owner == here.actor.staff_id:
        return []
    people = [(state.owner, "现在轮到")]
    stand_in = here.staff.stand_in(state.owner, here.now)
    if stand_in:
        people.append((stand_in.id, "代班"))
    people += [(one, "负责人") for one in leaders(here.staff, state, here.now)]
    named = {one: words for one, words in reversed(people) if one != here.actor.staff_id}
    return [
        {"name": faces.name(here, one), "why": words, "phone": faces.phone(here, one)}
        for one, words in reversed(named.items())
    ]


def emergency(here: Here, found: Detail) -> list[dict[str, str]]:
    """For red ones the centre's emergency numbers stand on the screen."""
    if found.state.urgency != "red" or not found.state.is_open:
        return []
    units = here.staff.above(found.state.centre)
    return [dict(one) for unit in units for one in unit.emergency][:4]


def children(here: Here, found: Detail) -> list[dict[str, Any]]:
    """The tracks of a dual track, each with its owner and clock."""
    rows = []
    for child in found.children:
        kind = loop_rows.kind_of(child)
        chip: Chip = loop_rows.chip(child, here, named=True)
        rows.append(
            {
                "href": f"/loops/{child.id}",
                "title": str(kind.title),
                "chip": chip,
                "state": loop_rows.state_words(child),
            }
        )
    return rows


def accept_words(found: Detail) -> str:
    clock = found.kind.clock("accept", found.state.reason or None)
    return f"{clock.zh}接单" if clock else ""


def _card(state: LoopState) -> Card | None:
    return cards([state.subject]).get(state.subject)


@require_http_methods(["GET", "POST"])
@signed_in
def act(request: HttpRequest, here: Here, loop_id: UUID, verb: str) -> HttpResponse:
    """The form of a verb, and its carrying out. Stale forms show what happened meanwhile."""
    if verb not in wording.VERBS:
        raise NotFound("unknown_verb", f"没有“{verb}”这个操作。")
    found = reading.detail(here.actor, loop_id, here.now)
    if request.method == "GET" and verb not in found.allowed:
        raise refuse_edge(found.situation, verb)
    setting = _setting(here, found, verb)
    form = VerbForm(setting, request.POST if request.method == "POST" else None)
    command = pressing.command(request)
    seq = pressing.seq(request, found.state.seq)
    if request.method == "POST" and (_direct(found.state, verb) or form.is_valid()):
        try:
            return _done(request, here, found, form, verb, seq=seq, command=command)
        except Invalid as refused:
            page.refused_in(form, refused)
        except Conflict as refused:
            raise Conflict(
                refused.code, refused.title, **refused.extra, happened=_since(here, found, seq)
            ) from None
    page.seen(here, "read.form", [found.state.subject], relation=found.relation)
    return _form(request, here, found, form, verb, seq=seq, command=command)


def _direct(state: LoopState, verb: str) -> bool:
    return verb in loop_rows.DIRECT and not (verb == "confirm" and state.state != "completed")


def _done(
    request: HttpRequest, here: Here, found: Detail, form: VerbForm, verb: str, *, seq: int, command: str
) -> HttpResponse:
    direct = _direct(found.state, verb)
    said = {} if direct else form.said()
    if verb == "complete":
        said["evidence"] = _brought(here, found, form, command)
    answer = acts.act(here.actor, verb, found.state.id, seq=seq, at=here.now, command_id=command, **said)
    if getattr(request, "htmx", False) and answer != found.state.id:
        return HttpResponse(status=204, headers={"HX-Redirect": f"/loops/{answer}"})
    back = request.POST.get("next") if request.POST.get("next") == "/" else f"/loops/{answer}"
    return page.done(request, wording.DONE[verb], back or "/")


def _brought(here: Here, found: Detail, form: VerbForm, command: str) -> list[dict[str, str]]:
    """What proves the result; records with their hash."""
    brought = form.evidence() + _kept_note(here, found, form, command)
    if not any("id" in one for one in brought):
        return brought
    stands, _ = resident.allowed(here, _resident_of(found))
    return attaching.hashed(here, stands, brought)


def _kept_note(here: Here, found: Detail, form: VerbForm, command: str) -> list[dict[str, str]]:
    """What was written is also the service note that proves it, kept once under the same command."""
    if not form.keeps_note:
        return []
    stands, _ = resident.allowed(here, _resident_of(found), "record.note")
    row = notes.record(
        here.actor,
        stands.resident,
        stage=STAGE,
        text=form.cleaned_data["note"],
        at=here.now,
        command_id=f"{command}:note",
    )
    return [{"type": "service_note", "id": str(row.id)}]


def _resident_of(found: Detail) -> UUID:
    card = _card(found.state)
    if card is None:
        raise NotFound("resident_unknown", "找不到这位居民：可能已按其要求删除。")
    return card.resident


def _since(here: Here, found: Detail, seq: int) -> list[str]:
    """What happened after the form was opened, in words."""
    later = loop_story.lines(here, reading.detail(here.actor, found.state.id, here.now))[seq:]
    return [f"{spoken.stamp(one.at, here.now)} {one.who} {one.words}" for one in later]


def _setting(here: Here, found: Detail, verb: str) -> Setting:
    colleagues: list[tuple[str, str]] = []
    records: list[tuple[str, str]] = []
    if verb in ("hand_over", "refer_on"):
        colleagues = _colleagues(here, found)
    if verb == "complete":
        records = _records(here, found)
    until = found.situation.calendar.add(here.now, found.kind.hold_max, "wall") if verb == "hold" else None
    return Setting(
        found.state, found.kind, verb, colleagues, records, spoken.local(until).date() if until else None
    )


def _colleagues(here: Here, found: Detail) -> list[tuple[str, str]]:
    """Those of the centre whose duty it is and who are here, the loop's team first."""
    state = found.state
    people = [
        one
        for one in here.staff.people.values()
        if state.centre in one.centres(here.now)
        and one.id != state.owner
        and here.staff.present(one, here.now)
        and (
            state.duty in one.duties(here.now)
            or state.turn == "sender"
            or one.id in leaders(here.staff, state, here.now)
        )
    ]
    people.sort(key=lambda one: (state.team not in one.teams(here.now), one.name))
    return [
        (str(one.id), f"{one.name}（{'、'.join(wording.duty(d) for d in sorted(one.duties(here.now)))}）")
        for one in people
    ]


def _records(here: Here, found: Detail) -> list[tuple[str, str]]:
    """Records made about the resident since the promise that may prove the result."""
    if not found.kind.evidence or found.kind.about == "matter":
        return []
    stands, _ = resident.allowed(here, _resident_of(found))
    return attaching.proving(here, stands, found.kind.evidence, found.state.promised_at)


def _form(
    request: HttpRequest, here: Here, found: Detail, form: VerbForm, verb: str, *, seq: int, command: str
) -> HttpResponse:
    card, kind = _card(found.state), found.kind
    words = loop_rows.verb_words(found.state, kind, verb)
    told = {
        "form": form, "title": words, "press": words, "sub": f"{card.name if card else ''} · {kind.title}",
        "action": f"/loops/{found.state.id}/{verb}", "hidden": {"seq": seq, "command_id": command}, "place": "ledger",
        "back": f"/loops/{found.state.id}",
    }  # fmt: skip
    return page.ask(request, here, told)


def back(request: HttpRequest, loop_id: UUID) -> HttpResponse:
    return HttpResponseRedirect(f"/loops/{loop_id}")
