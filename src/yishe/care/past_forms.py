"""A past follow-up as a filled form of the pack: it stands with those filled here and is drawn with them, and it acts on nothing.

The class is the one the list tells, else what follows from what it tells; what it does not tell is not guessed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from yishe.care import entries, forms, past_entries, scales
from yishe.care.forms import COMPLETED, STAFF, Told
from yishe.care.models import Encounter, Observation, QuestionnaireResponse
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy import followup_classes, scale_scoring
from yishe.policy.followup_rules import HOW, NONE, ON, Followup
from yishe.trust import ids
from yishe.trust.commit import Bundle

Measured = Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True)
class Past:
    """One follow-up as a list tells it: `measured` by kind of observation, all in `context`; `result` as it was written down,
    `source` the file with the line."""

    day: date
    way: str
    service: str
    measured: Measured
    context: str
    result: str
    source: str


def form_for(service: str, at: datetime) -> Followup | None:
    """The form in force that a follow-up of this service is filled on."""
    return next((one for one in scales.all_followups(at) if service in one.services), None)


def why_not(past: Past, where: Placement, form: Followup, happened: datetime) -> str:
    """Why it can stand in words only; empty when it can stand as a form."""
    if past.way not in form.options(HOW):
        return f"《{form.title}》没有这种随访方式：只记入病历，不列入随访"
    if form.fits and scale_scoring.fits(form, forms.about(where, happened)) is False:
        return f"{form.fits.says}只记入病历，不列入随访"
    return ""


def same_day(past: Past, where: Placement, at: datetime) -> bool:
    """Whether somebody filled the form here for that day."""
    form = form_for(past.service, at)
    if form is None:
        return False
    rows = entries.latest(QuestionnaireResponse, entries.keyed(where)).filter(scale=form.code)
    return rows.filter(**entries.on(past.day)).exclude(command_id__startswith=past_entries.NAMED).exists()


def into(
    bundle: Bundle, actor: Actor, where: Placement, past: Past, beside: tuple[Encounter, Mapping[str, Observation]],
    at: datetime, name: str, happened: datetime,
) -> tuple[QuestionnaireResponse | None, str]:  # fmt: skip
    """The form of a past follow-up in the caller's bundle, with the contact and the measurements `beside` it; or why there is
    none. No flag acts, nothing is promised."""
    form = form_for(past.service, at)
    if form is None:
        return None, ""
    why = why_not(past, where, form, happened)
    if why:
        return None, why
    told = _told(form, past, where, happened, beside)
    scales.keep(bundle, form, at)
    draft = past_entries.draft(QuestionnaireResponse, actor, where, happened, at, f"{name}:form")
    row = past_entries.append(
        draft, bundle, response=ids.new(), status=COMPLETED, scale=form.code, version=form.version,
        definition=form.sha256, groups=list(form.fields), informant=STAFF, sealed=draft.seal("sealed", asdict(told)),
    )  # fmt: skip
    return row, ""


def _told(
    form: Followup, past: Past, where: Placement, happened: datetime,
    beside: tuple[Encounter, Mapping[str, Observation]],
) -> Told:  # fmt: skip
    whose = forms.about(where, happened)
    answers, measured = _answers(form, past, beside[1])
    code = (
        _recorded(form, past.result) or followup_classes.conclude(form, answers, whose, NONE, past.day).code
    )
    result = {
        **forms.plain(scale_scoring.result(form, answers, whose), whose), "flags": (),
        "concluded": {"code": code, "next": None, "targets": None},
        "contact": str(beside[0].id), "measured": measured,
    }  # fmt: skip
    return Told(answers, tuple(answers), (), result, source=past.source)


def _answers(
    form: Followup, past: Past, rows: Mapping[str, Observation]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the form asks and the list tells; and which measurement each part was kept as."""
    answers: dict[str, Any] = {HOW: past.way, ON: past.day.isoformat()}
    kept: dict[str, str] = {}
    for code, measure in form.measures.items():
        values = past.measured.get(measure.kind or code, {})
        if measure.context_of or set(measure.values) != set(values):
            continue
        for quantity, item in measure.values.items():
            answers[item] = scale_scoring.read(form, item, str(values[quantity]), confirmed=True)
        if (measure.kind or code) in rows:
            kept[code] = str(rows[measure.kind or code].id)
    asked = {one.context_of for one in form.measures.values() if one.context_of}
    if any(
        one.context == past.context and code in kept for code, one in form.measures.items() if one.context
    ):
        answers |= {item: past.context for item in asked if past.context in form.options(item)}
    return answers, kept


def _recorded(form: Followup, said: str) -> str:
    """The class that the list names, by its words or its national number; empty for none."""
    named = [
        code
        for code, one in form.classes.items()
        if said and (one.code == said or str(one.title).startswith(said))
    ]
    return named[-1] if named else ""
