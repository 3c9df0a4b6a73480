"""A copy of everything held about a resident that she may see (PIPL 45): the same content for a machine and for paper.

Asked for once, it may be fetched once in each form until it expires. Nothing of it is stored: it is put together when
it is fetched, and every fetching leaves an access line. The format is described in docs/copy-format.md.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import attempts, case_events, contracts, entries, items, owing, timeline
from yishe.care.items import Reader
from yishe.care.models import Contract
from yishe.care.owing import Year
from yishe.insight import copied_plans, exports
from yishe.insight.exports import Wanted
from yishe.loops import kinds, reading
from yishe.people import access, consents, directory, looks, packs, protections, sight
from yishe.people.actors import SYSTEM, Actor
from yishe.people.cards import Card, cards
from yishe.people.consents import Given
from yishe.people.own_models import CopyTicket
from yishe.people.particulars import ZONE
from yishe.people.placements import Placement
from yishe.policy.loop_state import LoopState
from yishe.policy.refusals import Conflict, NotFound
from yishe.trust import access_log, commit, ids
from yishe.trust.commit import Bundle

FORMAT = "yishe.copy/1"
RIGHTS = "resident.rights"
FORMS = ("json", "pdf")
MOST = 100_000
"""More events than anybody's loops have."""


def ask(actor: Actor, resident: UUID, at: datetime) -> UUID:
    """Take down that a copy is wanted; returns the ticket it is fetched with."""
    stands = entries.whose(resident)
    permission = access.require(actor, RIGHTS, stands, at)
    bundle, ticket = Bundle(), ids.random()
    until = at + packs.in_force().rights.copies.valid.exact()
    bundle.insert(CopyTicket, id=ticket, home=stands.home, subject=stands.subject, asked_by=actor.staff_id, asked_at=at,
                  until=until)  # fmt: skip
    access_log.line(bundle, home=stands.home, actor=actor.staff_id, action="rights.copy_asked",
                    subjects=[stands.subject], **permission.line, at=at)  # fmt: skip
    bundle.commit()
    return ticket


def waiting(resident: UUID, at: datetime) -> list[CopyTicket]:
    """Tickets with a form still to be fetched."""
    stands = entries.whose(resident)
    found = CopyTicket.objects.filter(subject=stands.subject, until__gt=at).order_by("-asked_at")
    return [one for one in found if not (one.json_taken_at and one.pdf_taken_at)]


def take(
    actor: Actor,
    resident: UUID,
    ticket: UUID,
    form: str,
    at: datetime,
    make: Callable[[dict[str, Any]], bytes],
) -> bytes:
    """The copy as `make` writes it in that form: given out once, before it expires. Conflict afterwards."""
    stands = entries.whose(resident)
    permission = access.require(actor, RIGHTS, stands, at)
    row = CopyTicket.objects.filter(id=ticket, subject=stands.subject).first()
    if row is None or form not in FORMS:
        raise NotFound("no_copy", "没有这份复印件：请在“同意与权利”里重新申请。")
    column = f"{form}_taken_at"
    if row.until <= at or getattr(row, column):
        why = "已经过期" if row.until <= at else "已经取走过一次"
        raise Conflict("copy_gone", f"这份复印件{why}：需要时请重新申请一份。")
    found = whole(stands, at, protections.showing(actor, cards([stands.subject])[stands.subject], at))
    wanted = Wanted(
        "rights_copy", form, 1, subjects=(stands.subject,), relation=permission.relation, home=stands.home
    )  # fmt: skip
    with commit.atomically():
        if not CopyTicket.objects.filter(id=ticket, **{column: None}).update(**{column: at}):
            raise Conflict("copy_gone", "这份复印件刚刚被取走：需要时请重新申请一份。")
        return exports.take_out(actor, wanted, at, lambda mark: make(found))


def whole(stands: Placement, at: datetime, card: Card | None = None) -> dict[str, Any]:
    """Everything, as plain JSON. The caller has asked access; `card` is what whoever hands it over may see of her."""
    subjects = entries.keyed(stands)
    card = card or cards([stands.subject])[stands.subject]
    reader = replace(items.reader(SYSTEM, stands, subjects, at), sight=sight.Own())
    seen, _ = looks.at_resident(stands.resident, limit=MOST)
    return {
        "format": FORMAT, "made_at": _at(at), "particulars": _particulars(card),
        "record": told(subjects, reader),
        "promises": [_promise(one) for one in reading.for_subjects([one.subject for one in subjects])],
        "contracts": [contract(one) for one in owing.of_resident(SYSTEM, stands, at)],
        "plans": copied_plans.of_resident(stands),
        "consents": [_consent(one, at) for one in consents.given(stands.resident)],
        "looks": [_look(one) for one in seen],
        "held_back": _held_back(card),
    }  # fmt: skip


def _held_back(card: Card) -> list[str]:
    kept = [str(words) for words in packs.in_force().rights.copies.withheld.values()]
    hidden = card.protected and not card.address and not card.phone
    return [*kept, f"电话与住址{protections.instead()}：请由他们代取"] if hidden else kept


def told(subjects: Sequence[entries.Keyed], reader: Reader) -> list[dict[str, Any]]:
    """Everything recorded of these subjects as `reader` sees it, oldest first."""
    return [_item(one) for one in _record(subjects, reader)]


def _record(subjects: Sequence[entries.Keyed], reader: Reader) -> list[items.Item]:
    found = [
        item
        for model, show in timeline.SOURCES.values()
        for row in entries.latest(model, subjects)
        if (item := show(row, reader)) is not None
    ]
    found += case_events.before(subjects, None, MOST, reader)
    return sorted(found, key=lambda one: (one.occurred_at, one.id.int))


def _particulars(card: Card) -> dict[str, Any]:
    book, pack = directory.current(), packs.in_force()
    team = book.organisations.get(card.team) if card.team else None
    named = [book.people.get(one) for one in (card.doctor, card.social_worker) if one]
    return {
        "name": card.name, "sex": str(pack.codes["sex"].get(card.sex, card.sex)), "birth_date": _day(card.birth_date),
        "id_number": card.id_number, "phone": card.phone, "address": card.address, "record_number": card.record_number,
        "household": card.household, "traits": [str(pack.traits[one].title) for one in card.traits if one in pack.traits],
        "allergies": list(card.allergies), "team": team.name if team else "", "people": [one.name for one in named if one],
    }  # fmt: skip


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _at(moment: datetime | None) -> str:
    """As the resident's clock says it."""
    return moment.astimezone(ZONE).isoformat() if moment else ""


def _item(one: items.Item) -> dict[str, Any]:
    return {
        "kind": one.kind, "occurred_at": _at(one.occurred_at), "recorded_at": _at(one.recorded_at),
        "author": one.author_name, "title": one.title, "text": one.text, "detail": _plain(one.detail),
        "held_back": list(one.hidden),
    }  # fmt: skip


def _plain(detail: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(dict(detail), default=str))
    return {name: value for name, value in plain.items() if value not in (None, "", [], {})}


def _promise(state: LoopState) -> dict[str, Any]:
    kind = kinds.opened_under(state.kind, state.pack)
    reason = kind.reasons.get(state.reason)
    return {
        "kind": str(kind.title), "reason": str(reason.title) if reason else "", "promised_at": _at(state.promised_at),
        "promised_by": _at(state.promised_by), "status": state.status,
        "closed_at": _at(state.closed_at),
        "outcome": str(kind.outcomes.get(state.outcome, state.outcome)),
    }  # fmt: skip


def contract(one: Year) -> dict[str, Any]:
    """A contract with its year, in words."""
    row, sheet = one.contract, packs.in_force().contracts
    package = sheet.packages.get(row.package) if sheet else None
    team = directory.current().organisations.get(row.team) if row.team else None
    return {
        "package": str(package.title) if package else row.package, "stage": one.stage, "applied_at": _at(row.applied_at),
        "signed_at": _at(row.signed_at), "since": _day(row.since), "until": _day(row.until), "ended_at": _at(row.ended_at),
        "end_reason": row.end_reason, "team": team.name if team else "", "agreement_sha256": row.agreement_sha256,
        "words": contracts.words_of(row),
        "year": [{"title": each.title, "nth": each.nth, "times": each.times, "starts": _day(each.starts),
                  "due": _day(each.due), "state": each.state, "kept_on": _day(each.kept_on)} for each in one.lines],
        "attempts": _attempts(row),
    }  # fmt: skip


def _attempts(row: Contract) -> list[dict[str, Any]]:
    """How she was tried to be reached, in words."""
    rows = list(row.attempts.order_by("tried_at", "id"))
    notes, ways, rule = (
        attempts.notes(rows) if rows else {},
        packs.in_force().codes["encounter_kind"],
        attempts.required(),
    )
    return [
        {"at": _at(one.tried_at), "way": str(ways.get(one.way, one.way)), "note": notes.get(one.id, ""),
         "outcome": str(rule.outcomes[one.outcome].title) if one.outcome in rule.outcomes else one.outcome}
        for one in rows
    ]  # fmt: skip


def _consent(one: Given, at: datetime) -> dict[str, Any]:
    state, sheet = one.state, packs.in_force().consents
    kind = sheet.consents.get(state.basis)
    return {
        "matter": str(kind.title) if kind else state.basis, "text_version": state.text_version,
        "text_sha256": state.text_sha256, "scope": list(state.scope), "purpose": state.purpose,
        "names": dict(one.words), "given_at": _at(state.given_at), "given_by": state.given_by, "how": state.how,
        "until": _at(state.until), "in_force": state.holds(at),
        "withdrawn_at": _at(state.withdrawn_at),
    }  # fmt: skip


def _look(one: looks.Look) -> dict[str, Any]:
    return {"at": _at(one.at), "who": one.who, "duty": one.duty, "what": one.what,
            "why": one.why, "times": one.times, "refused": one.refused}  # fmt: skip
