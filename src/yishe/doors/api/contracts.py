"""Contracts and the year they promise: apply, review, sign, end; one contact that ticks off what it keeps."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from yishe.care import batches, contracts, owing, signing, year
from yishe.care.agreements import Signature
from yishe.care.contract_stream import Once
from yishe.care.contracts import Team
from yishe.care.models import Owed
from yishe.care.owing import Line, Year
from yishe.care.signing import Sides
from yishe.doors.api import shapes
from yishe.doors.api.bodies import Body, Code, Moment, Text
from yishe.doors.api.residents import identified, readable
from yishe.doors.api.wire import Command, caller, command, known
from yishe.insight import fulfilment
from yishe.people import packs, placements
from yishe.people.particulars import ZONE
from yishe.trust import access_log

router = Router(tags=["contracts"])


class Application(Body):
    """`package` and `way` are codes of the pack's contracts."""

    package: Code
    way: Code


class Applications(Application):
    """For each of `residents` the same package."""

    residents: list[UUID] = Field(max_length=10_000)


class Review(Body):
    """What the team found; `package` changes what was asked for."""

    findings: Text
    package: Code | None = None


class Signed(Body):
    """A name, and what was drawn as SVG path data of moves and lines on 600 × 200; without it the name is typed."""

    name: str = Field(max_length=60)
    path: str = Field("", max_length=20_000)


class Signing(Body):
    """`signer`: resident, guardian or proxy. Without `team` the one that answers now signs; without `resident` the signature
    counts that she left online."""

    signer: Code = "resident"
    resident: Signed | None = None
    staff: Signed
    team: UUID | None = None
    doctor: UUID | None = None
    social_worker: UUID | None = None


class Ending(Body):
    """`reason` is a code of the pack's `ends`."""

    reason: Code
    words: Text | None = None


class Change(Body):
    """Who answers from now on; named people must hold their duty in the centre."""

    team: UUID
    doctor: UUID | None = None
    social_worker: UUID | None = None


class Contact(Body):
    """One contact: what was done (`services`), how (a code of `encounter_kind`), what is to be known of it."""

    services: list[Code] = Field(max_length=20)
    how: Code
    summary: Text
    occurred_at: Moment | None = None


class Wanted(Schema):
    """`set` asks for the lines behind a number; without it the numbers alone are answered. `duty` narrows to its share."""

    set: str | None = Field(None, max_length=20)
    duty: Code | None = None
    centre: UUID | None = None
    team: UUID | None = None


@router.get("/residents/{resident_id}/contracts")
def read(request: HttpRequest, resident_id: str) -> dict[str, Any]:
    """Every contract with its year: what is owed, done and still to do."""
    who, placement = readable(request, resident_id)
    return {"items": [_year(one) for one in owing.of_resident(who.actor, placement, who.at)], "next": None}


@router.post("/residents/{resident_id}/contracts", response={201: dict[str, Any]})
def apply(request: HttpRequest, resident_id: str, payload: Application) -> Any:
    """Ask for a contract; the review is promised as a loop."""
    who, said = caller(request), command(request)
    made = contracts.apply(
        who.actor, identified(resident_id), package=payload.package, way=payload.way, at=who.at, once=_once(said)
    )  # fmt: skip
    return Status(201, _contract(made, request))


@router.post("/contracts/batch")
def apply_all(request: HttpRequest, payload: Applications) -> dict[str, Any]:
    """Ask for a contract for each of several: what is refused for one hinders no other, and each has a review, a signature and a
    year of her own."""
    who, said = caller(request), command(request)
    done = batches.apply_all(
        who.actor, payload.residents, package=payload.package, way=payload.way, at=who.at, command_id=said.id
    )
    items = [
        {"resident": one.resident, "contract": one.contract, "refusal": one.refusal or None} for one in done
    ]
    return {"items": items, "next": None}


@router.post("/contracts/{contract_id}/review")
def review(request: HttpRequest, contract_id: str, payload: Review) -> dict[str, Any]:
    """The team's review of the resident's health."""
    who, contract = caller(request), _known(contract_id)
    contracts.review(
        who.actor, contract, findings=payload.findings, package=payload.package or "", at=who.at,
        once=_once(command(request)),
    )  # fmt: skip
    return _contract(contract, request)


@router.post("/contracts/{contract_id}/sign")
def sign(request: HttpRequest, contract_id: str, payload: Signing) -> dict[str, Any]:
    """Both sides sign: the year is written, the agreement kept, the team answers from now on."""
    who, contract = caller(request), _known(contract_id)
    sides = Sides(
        payload.signer,
        Signature(payload.resident.name, payload.resident.path) if payload.resident else None,
        Signature(payload.staff.name, payload.staff.path),
    )
    team = Team(payload.team, payload.doctor, payload.social_worker)
    signing.sign(who.actor, contract, sides, who.at, team=team, once=_once(command(request)))
    return _contract(contract, request)


@router.post("/contracts/{contract_id}/team")
def change_team(request: HttpRequest, contract_id: str, payload: Change) -> dict[str, Any]:
    """Another team answers; what is open is handed over."""
    who, contract = caller(request), _known(contract_id)
    wanted = Team(payload.team, payload.doctor, payload.social_worker)
    contracts.change_team(who.actor, contract, wanted, who.at, _once(command(request)))
    return _contract(contract, request)


@router.post("/contracts/{contract_id}/end")
def end(request: HttpRequest, contract_id: str, payload: Ending) -> dict[str, Any]:
    """End the contract; what it promised and is still open falls with it."""
    who, contract = caller(request), _known(contract_id)
    contracts.end(
        who.actor, contract, reason=payload.reason, words=payload.words or "", at=who.at, once=_once(command(request))
    )  # fmt: skip
    return _contract(contract, request)


@router.post("/residents/{resident_id}/contacts", response={201: dict[str, Any]})
def keep(request: HttpRequest, resident_id: str, payload: Contact) -> Any:
    """Record one contact and tick off every promise of the year that it keeps."""
    who, said = caller(request), command(request)
    kept = year.keep(
        who.actor, identified(resident_id), services=payload.services, how=payload.how, summary=payload.summary,
        occurred_at=payload.occurred_at, at=who.at, command_id=said.id, digest=said.digest,
    )  # fmt: skip
    return Status(201, {"kept": [_kept(one) for one in kept]})


@router.get("/reports/fulfilment")
def report(request: HttpRequest, wanted: Query[Wanted]) -> dict[str, Any]:
    """履约率: promises kept by their day, of those whose day has come; and the lines behind one of the numbers."""
    who = caller(request)
    small = packs.in_force().settings(who.at.astimezone(ZONE).date()).small_number
    asked: dict[str, Any] = {
        "small": small,
        "team": wanted.team,
        "centre": wanted.centre,
        "duty": wanted.duty or "",
    }
    found = fulfilment.rate(who.actor, who.at, **asked)
    lines = fulfilment.lines(who.actor, wanted.set, who.at, **asked) if wanted.set else []
    whose = placements.residents_of([one.subject for one in lines])
    access_log.line(
        None, home=who.actor.member.home(who.at), actor=who.actor.staff_id, action="read.fulfilment", at=who.at,
        subjects=dict.fromkeys(one.subject for one in lines), source="api",
    )  # fmt: skip
    return {
        "title": found.title, "numerator": found.counts["in_time"], "denominator": found.counts["due"],
        "small": found.small, "counts": found.counts, "next": None,
        "items": [{**_line(one), "resident": whose.get(one.subject)} for one in lines],
    }  # fmt: skip


def _once(said: Command) -> Once:
    return Once(said.key, said.digest)


def _known(text: str) -> UUID:
    return known(text, "no_contract", "没有这份签约：请从居民的签约列表里取编号。")


def _contract(contract: UUID, request: HttpRequest) -> dict[str, Any]:
    who = caller(request)
    row, _, _ = contracts.found(who.actor, contract, who.at)
    return _year(owing.of_contract(row, who.at.astimezone(ZONE).date()))


def _year(one: Year) -> dict[str, Any]:
    row = one.contract
    return {
        "id": row.id, "stage": one.stage, "package": row.package, "fee": row.fee, "way": row.way,
        "applied_at": shapes.moment(row.applied_at), "agreed_at": shapes.moment(row.agreed_at),
        "signed_at": shapes.moment(row.signed_at), "since": row.since,
        "until": row.until, "renews": row.renews, "team": row.team, "agreement_sha256": row.agreement_sha256 or None,
        "ended_at": shapes.moment(row.ended_at), "end_reason": row.end_reason or None,
        "due": one.due, "in_time": one.in_time, "year": [_line(line) for line in one.lines],
    }  # fmt: skip


def _line(one: Line) -> dict[str, Any]:
    return {
        "id": one.id, "service": one.service, "title": one.title, "nth": one.nth, "times": one.times, "starts": one.starts,
        "due": one.due, "ends": one.ends, "duty": one.duty, "covers": list(one.covers), "loop": one.loop,
        "state": one.state, "kept_on": one.kept_on, "kept_by": one.kept_by,
    }  # fmt: skip


def _kept(one: Owed) -> dict[str, Any]:
    late = one.kept_on is not None and one.kept_on > one.due
    return {
        "id": one.id,
        "service": one.service,
        "nth": one.nth,
        "kept_on": one.kept_on,
        "late": late,
        "loop": one.loop,
    }
