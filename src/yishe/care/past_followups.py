"""Past follow-ups: a contact of its own day with what was measured, counted in the year of the contract that held then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from yishe.care import (
    agreements,
    contacts,
    contracts,
    entries,
    lives,
    observations,
    past_contracts,
    past_entries,
    past_forms,
)
from yishe.care.contract_rows import UNKEPT
from yishe.care.contract_stream import advance
from yishe.care.models import Contract, Encounter, Observation, Owed, QuestionnaireResponse
from yishe.care.past_entries import Taken
from yishe.care.past_forms import Past
from yishe.care.past_rows import Row
from yishe.loops import fulfilling
from yishe.loops.models import Loop
from yishe.loops.recording import Said
from yishe.people.actors import Actor
from yishe.people.import_matching import CREATED, HELD, UNCHANGED
from yishe.people.particulars import Questioned
from yishe.people.placements import Placement
from yishe.policy.contract_state import KEPT, RELEASED
from yishe.policy.contract_year import fitting
from yishe.policy.refusals import Conflict, Invalid
from yishe.trust.commit import Bundle

QUANTITIES = ("glucose", "heart_rate", "weight", "waist")
FASTING = "fasting"
SEPARATORS = ("/", "／", "-", "—")


@dataclass(frozen=True)
class Claim:
    """What a row says. `measured` are values by kind of observation."""

    day: date
    service: str
    way: str
    measured: Mapping[str, Mapping[str, Decimal]]
    summary: str
    result: str = ""
    source: str = ""

    @property
    def past(self) -> Past:
        """The same as a form is filled from it."""
        return Past(self.day, self.way, self.service, self.measured, FASTING, self.result, self.source)

    @property
    def key(self) -> tuple[object, ...]:
        return (self.day, self.service)


def read(row: Row) -> Claim:
    """Questioned for a kind or way that is not known, a day that is not, a value that cannot be."""
    sheet = contracts.sheet_now()
    kinds = {
        code: agreements.title(code) for code in sheet.services if code in row.pack.imports.values["service"]
    }
    service = row.coded("service", "service", kinds)
    ways = {code: str(words) for code, words in row.pack.codes["encounter_kind"].items()}
    way, day = row.coded("way", "way", ways), row.past_day("day")
    measured = _measured(row, day)
    told = [f"{row.title(code)}：{row.text(code)}" for code in ("result", "by", "remark") if row.text(code)]
    summary = "；".join((f"由随访登记表补录（{kinds[service]}）", *told))
    said = entries.text(summary, "随访记录")
    return Claim(day, service, way, measured, said, row.text("result"), row.source)


def _measured(row: Row, day: date) -> dict[str, dict[str, Decimal]]:
    """The values by kind of observation, each within the bounds of its day."""
    given: dict[str, dict[str, str]] = {one: {one: row.text(one)} for one in QUANTITIES if row.text(one)}
    pressure = _pressure(row)
    if pressure:
        given[observations.BP] = pressure
    return {kind: _checked(kind, values, lives.moment(day, row.at)) for kind, values in given.items()}


def _pressure(row: Row) -> dict[str, str]:
    """136/82 in one cell, or in two; half of it is a question."""
    whole = row.text("bp")
    parts = next((whole.split(one) for one in SEPARATORS if one in whole), [whole] if whole else [])
    high, low = parts if len(parts) == 2 else (row.text("sbp"), row.text("dbp"))
    if bool(high) != bool(low) or (whole and len(parts) != 2):
        raise Questioned("bp", "half", f"血压“{whole or high or low}”只有一半或看不懂：请写成 136/82。")
    return {"sbp": high.strip(), "dbp": low.strip()} if high else {}


def _checked(kind: str, values: dict[str, str], at: datetime) -> dict[str, Decimal]:
    """As any measurement: in the pack's unit and within its bounds. What is only unusual cannot be measured again."""
    try:
        return observations.read(kind, values, at, repeated=True)
    except Invalid as refused:
        raise Questioned(kind, refused.code, refused.title) from None


def judge(claim: Claim, where: Placement, actor: Actor, at: datetime) -> tuple[str, str]:
    """Unchanged when it was taken in before; held when somebody recorded a contact of that kind on that day."""
    subjects = entries.keyed(where)
    if past_entries.there(Encounter, subjects, _name(claim, where)):
        return UNCHANGED, "这一次以前已经导入"
    same = entries.latest(Encounter, subjects).filter(kind=claim.way, **entries.on(claim.day))
    if past_forms.same_day(claim.past, where, at):
        return HELD, f"系统里 {claim.day} 已有一份同样的随访：请核对是不是同一次；是的话删去这一行。"
    if same.exclude(command_id__startswith=past_entries.NAMED).exists():
        return HELD, f"系统里 {claim.day} 已有一次同样方式的接诊：请核对是不是同一次；是的话删去这一行。"
    return CREATED, ""


def write(claim: Claim, where: Placement, actor: Actor, at: datetime) -> Taken:
    """The contact, its values, the form, and what it keeps; says when it keeps nothing."""
    name = past_entries.fresh(Encounter, entries.keyed(where), _name(claim, where))
    bundle, day = Bundle(), lives.moment(claim.day, at)
    draft = past_entries.draft(Encounter, actor, where, day, at, name)
    content = {"summary": claim.summary, "diagnoses": []}
    contact = past_entries.append(
        draft, bundle, kind=claim.way, diagnoses=0, sealed=draft.seal("sealed", content)
    )
    rows: dict[str, Observation] = {}
    for kind, values in claim.measured.items():
        own = past_entries.draft(Observation, actor, where, day, at, f"{name}:{kind}")
        context = FASTING if kind == "glucose" else ""
        rows[kind] = past_entries.append(
            own, bundle, kind=kind, values={one: str(value) for one, value in values.items()},
            method=observations.MANUAL, context=context, repeated=False,
        )  # fmt: skip
    form, why = past_forms.into(bundle, actor, where, claim.past, (contact, rows), at, name, day)
    row = past_contracts.covering(where, claim.day)
    kept = _targets(row, claim) if row else []
    closed = _tick(bundle, actor, row, kept, contact, claim.day, at) if row and kept else []
    bundle.commit()
    idle = "" if kept else "这一天没有签约，或这一项那时不欠：只记入病历，不计履约"
    made = {
        "encounter": str(contact.id), "observations": [str(one.id) for one in rows.values()],
        "form": str(form.id) if form else "", "kept": [str(one.id) for one in kept], "closed": closed,
    }  # fmt: skip
    return Taken(made, tuple(filter(None, (why, idle))))


def undo(made: Mapping[str, Any], where: Placement, actor: Actor, at: datetime) -> str:
    """Take back the contact, its values and its form; the promises it kept are owed again. Conflict when something was built upon
    it since: a correction, a loop it closed, a later follow-up classed by it."""
    if made["closed"]:
        raise Conflict(
            "built_upon", "这一次已作为凭据结了一件履约闭环：请在那件闭环里重开，再更正这次记录。", loops=made["closed"]
        )  # fmt: skip
    found, bundle = entries.of(entries.keyed(where)), Bundle()
    form = (
        QuestionnaireResponse.objects.filter(id=UUID(made["form"]), **found).first() if made["form"] else None
    )
    if form is not None:
        _last_of_its_kind(form, where)
        past_entries.take_back(bundle, actor, where, form, at)
    contact = Encounter.objects.get(id=UUID(made["encounter"]), **found)
    past_entries.take_back(bundle, actor, where, contact, at)
    for one in Observation.objects.filter(id__in=made["observations"], **found).order_by("id"):
        past_entries.take_back(bundle, actor, where, one, at)
    _release(bundle, actor, contact, made["kept"], at)
    bundle.commit()
    return ""


def _last_of_its_kind(form: QuestionnaireResponse, where: Placement) -> None:
    later = entries.latest(QuestionnaireResponse, entries.keyed(where)).filter(
        scale=form.scale, occurred_at__gt=form.occurred_at
    )
    here = later.exclude(command_id__startswith=past_entries.NAMED).order_by("occurred_at").first()
    if here is not None:
        raise Conflict(
            "built_upon", f"{lives.day(here.occurred_at)} 的随访按它判断了是不是连续两次：请先更正那一次。"
        )


def _release(bundle: Bundle, actor: Actor, contact: Encounter, kept: Sequence[str], at: datetime) -> None:
    """What it had kept is owed again, in the contract that owed it."""
    if not kept:
        return
    owed = list(Owed.objects.filter(id__in=kept).select_related("contract"))
    if any(one.evidence != contact.id or one.contract.ended_at for one in owed):
        raise Conflict("built_upon", "它算作履约的那份签约后来变了：请在居民页面更正这次记录。")
    row = owed[0].contract
    advance(bundle, row, RELEASED, actor, at, {"items": [{"id": str(one.id)} for one in owed]})
    for one in owed:
        bundle.update(Owed, where={"id": one.id}, values=UNKEPT)


def _targets(row: Contract, claim: Claim) -> list[Owed]:
    """What it keeps: of each service it fits, the window its day lies in."""
    unkept = list(
        row.owed.filter(kept_on=None, withdrawn_on=None, starts__lte=claim.day, due__gte=claim.day).order_by(
            "due", "nth"
        )
    )
    fits = fitting(contracts.sheet_now(), (claim.service,), claim.way)
    found = (next((one for one in unkept if one.service == service), None) for service in fits)
    return [one for one in found if one is not None]


def _tick(
    bundle: Bundle,
    actor: Actor,
    row: Contract,
    kept: Sequence[Owed],
    contact: Encounter,
    day: date,
    at: datetime,
) -> list[str]:
    """A promise of a window that has passed has no loop and gets none; one that is open closes with this as its evidence.
    Returns the loops that closed."""
    proof, items, closed = contacts.proof(contact), list[dict[str, Any]](), list[str]()
    for one in kept:
        if one.loop and Loop.objects.filter(id=one.loop, closed_at=None, turn="performer").exists():
            fulfilling.fulfil(
                bundle, actor, one.loop, outcome="kept", proof=proof, said=Said(actor.staff_id, at)
            )
            closed.append(str(one.loop))
        items.append({"id": str(one.id), "on": day.isoformat(), "evidence": str(contact.id)})
        values = {"kept_on": day, "kept_by": actor.staff_id, "evidence": contact.id}
        bundle.update(Owed, where={"id": one.id}, values=values)
    advance(bundle, row, KEPT, actor, at, {"items": items})
    return closed


def _name(claim: Claim, where: Placement) -> str:
    said = {"day": past_entries.said_day(claim.day), "service": claim.service, "way": claim.way}
    return past_entries.name("followup", where.subject, said)
