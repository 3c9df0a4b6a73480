"""What a follow-up leaves beside the form: the meeting, the measurements, the year's promises, the promises it answers.

Several follow-ups of one person on one day, by the same member of staff in the same way, are one meeting: the second adds its
conclusion and what it keeps, not another contact.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from yishe.care import contacts, encounters, entries, forms, lives, notes, observations, schedules, year
from yishe.care.contacts import Contact
from yishe.care.forms import Told
from yishe.care.models import Encounter, Observation, QuestionnaireResponse, ServiceNote
from yishe.loops import fulfilling
from yishe.loops.models import Loop
from yishe.loops.recording import Said
from yishe.policy.followup_rules import HOW, MINUTES, STAGE, Followup
from yishe.policy.schedules import Line, doable
from yishe.trust.commit import Bundle

Draft = entries.Draft[QuestionnaireResponse]
LEFT: dict[str, Any] = {"contact": "", "entry": "", "measured": {}}
"""What is kept with the form: the meeting, its entry where the form wrote it itself, the measurement of each measure."""


def left(draft: Draft, form: Followup, told: Told, words: str, bundle: Bundle) -> dict[str, Any]:
    """Everything of one follow-up that is no form, in the caller's bundle; what was written, to be kept with the form."""
    others = _of_that_day(draft)
    same = _shared(draft, form, told, others)
    contact = same or _recorded(draft, form, told, words, bundle)
    measured = _measured(draft, form, told, others, bundle)
    command, how = draft.command, str(told.answers[HOW])
    year.keep_by(bundle, command.actor, draft.placement, contact, how, form.services, command.at)
    _answer_for(draft, form, contact, bundle)
    return {"contact": str(contact.id), "entry": "" if same else str(contact.id), "measured": measured}


def corrected(
    draft: Draft, form: Followup, was: Told, told: Told, words: str, bundle: Bundle
) -> dict[str, Any]:
    """The same after a correction: measurements that changed and the words of its own entry are corrected with it."""
    kept = {name: (was.result or {}).get(name) or default for name, default in LEFT.items()}
    kept["measured"] = {
        **kept["measured"],
        **_measured_anew(draft, form, was, told, kept["measured"], bundle),
    }
    if kept["entry"]:
        kept["entry"] = _reworded(draft, told, UUID(kept["entry"]), words, bundle)
    return kept


def _measured_anew(
    draft: Draft, form: Followup, was: Told, told: Told, known: dict[str, str], bundle: Bundle
) -> dict[str, str]:
    found = dict[str, str]()
    for code, measure in form.measures.items():
        before, now = (
            {name: one.answers.get(item) for name, item in measure.values.items()} for one in (was, told)
        )
        context = [one.answers.get(measure.context_of) for one in (was, told)]
        if None in now.values() or (before == now and context[0] == context[1]):
            continue
        rows = entries.standing(Observation, draft.subjects).filter(id=known[code]) if code in known else ()
        old = next(iter(rows), None)
        if old is not None or code not in known:  # corrected elsewhere: that stands
            found[code] = str(_observed(draft, form, told, code, bundle, old).id)
    return found


def _reworded(draft: Draft, told: Told, entry: UUID, words: str, bundle: Bundle) -> str:
    """The entry of the meeting in its new words, a note also with stage and minutes; as it was where somebody corrected it meanwhile
    or nothing changes."""
    command, resident = draft.command, draft.placement.resident
    said: dict[str, Any] = {
        "at": command.at, "command_id": named(command.command_id, "entry"), "occurred_at": command.occurred_at,
        "supersedes": entry, "bundle": bundle,
    }  # fmt: skip
    note = entries.standing(ServiceNote, draft.subjects).filter(id=entry).first()
    if note is not None:
        stage, minutes = _course(told)
        as_told: dict[str, Any] = {
            "stage": stage or note.stage,
            "minutes": minutes or note.minutes,
            "text": words,
        }
        if as_told == {"stage": note.stage, "minutes": note.minutes, "text": _content(draft, note)["text"]}:
            return str(entry)
        return str(notes.record(command.actor, resident, method=note.method, **as_told, **said).id)
    met = entries.standing(Encounter, draft.subjects).filter(id=entry).first()
    if met is not None and (content := _content(draft, met))["summary"] != words:
        said |= {"kind": met.kind, "visit": content.get("visit", "")}
        return str(encounters.record(command.actor, resident, summary=words, **said).id)
    return str(entry)


def _course(told: Told) -> tuple[str, int | None]:
    """The stage of the case and the minutes, as far as the form asks for them."""
    minutes = told.answers.get(MINUTES)
    return str(told.answers.get(STAGE, "")), int(minutes) if minutes else None


def _content(draft: Draft, row: Contact) -> dict[str, Any]:
    return entries.unsealed(row, "sealed", draft.key_of(row.subject))


def _shared(draft: Draft, form: Followup, told: Told, others: Sequence[Told]) -> Encounter | None:
    """The meeting of another follow-up that this one belongs to."""
    if form.entry != "encounter":
        return None
    found = [one for said in others if (one := (said.result or {}).get("contact"))]
    same = Encounter.objects.filter(**entries.of(draft.subjects), id__in=found, kind=str(told.answers[HOW]))
    return same.filter(author=draft.command.actor.staff_id).order_by("id").first()


def _of_that_day(draft: Draft) -> list[Told]:
    """Her other finished forms that tell of the same day."""
    rows = entries.latest(QuestionnaireResponse, draft.subjects)
    same = rows.filter(**entries.on(lives.day(draft.command.happened)))
    return [forms.filled(draft, row) for row in same.order_by("id")]


def visit(form: Followup, lines: list[Line], day: date, how: str) -> str:
    """The visit of the form's schedules that a contact of that day and way makes: the one that is in time, else the longest late; of
    several the one whose schedule the form names first."""
    names = form.visits
    mine = [one for one in lines if one.code.partition(".")[0] in names and one.counts(how)]
    known = sorted(
        doable(mine),
        key=lambda one: (not one.starts <= day <= one.due, names.index(one.code.partition(".")[0])),
    )
    return next((one.code for one in known), "")


def _recorded(draft: Draft, form: Followup, told: Told, words: str, bundle: Bundle) -> Contact:
    """The meeting itself, as the profession that met her writes it down."""
    command = draft.command
    said: dict[str, Any] = {
        "at": command.at, "command_id": command.command_id, "occurred_at": command.occurred_at,
        "digest": draft.digest, "bundle": bundle,
    }  # fmt: skip
    resident, how = draft.placement.resident, str(told.answers[HOW])
    if form.visits:
        day = lives.day(command.happened)
        said["visit"] = visit(form, schedules.of(draft.placement, day), day, how)
    note = form.entry == "service_note"
    if note:
        said[STAGE], said[MINUTES] = _course(told)
    return contacts.record(command.actor, resident, note=note, how=how, summary=words, **said)


def _measured(
    draft: Draft, form: Followup, told: Told, others: Sequence[Told], bundle: Bundle
) -> dict[str, str]:
    """The answers that are measurements, each once: what another follow-up of the same meeting wrote down is taken from there."""
    kept = dict[str, str]()
    for code, measure in form.measures.items():
        values = {name: told.answers[item] for name, item in measure.values.items() if item in told.answers}
        if len(values) == len(measure.values):
            same = _same(draft, code, values, _context(form, told, code), others)
            row = same or _observed(draft, form, told, code, bundle)
            kept[code] = str(row.id)
    return kept


def _observed(
    draft: Draft, form: Followup, told: Told, code: str, bundle: Bundle, old: Observation | None = None
) -> Observation:
    """One measurement of the form, in place of an `old` one."""
    command, measure = draft.command, form.measures[code]
    return observations.record(
        command.actor, draft.placement.resident, kind=measure.kind or code,
        values={name: told.answers[item] for name, item in measure.values.items()}, at=command.at,
        context=_context(form, told, code), command_id=named(command.command_id, code), occurred_at=command.occurred_at,
        supersedes=old.id if old else None, repeated=bool(set(told.confirmed) & set(measure.values.values())), bundle=bundle,
    )  # fmt: skip


def _context(form: Followup, told: Told, code: str) -> str:
    measure = form.measures[code]
    return measure.context or str(told.answers.get(measure.context_of, ""))


def named(command_id: str, part: str) -> str:
    """The name of one part of a command."""
    return f"{command_id}:{part}"[-entries.LONGEST_COMMAND :]


def _same(
    draft: Draft, code: str, values: dict[str, str], context: str, others: Sequence[Told]
) -> Observation | None:
    ids = [UUID(one) for said in others if (one := (said.result or {}).get("measured", {}).get(code))]
    rows = entries.latest(Observation, draft.subjects).filter(id__in=ids, context=context)
    wanted = {name: Decimal(value) for name, value in values.items()}
    return next(
        (one for one in rows if {name: Decimal(value) for name, value in one.values.items()} == wanted), None
    )


def _answer_for(draft: Draft, form: Followup, contact: Contact, bundle: Bundle) -> None:
    """The promises of an earlier follow-up that this one keeps."""
    command = draft.command
    subjects = [one.subject for one in draft.subjects]
    proof = contacts.proof(contact)
    for promise in form.keeps:
        open_ = Loop.objects.filter(
            subject__in=subjects,
            kind=promise.kind,
            reason=promise.reason or "",
            closed_at=None,
            turn="performer",
        )
        for loop in open_.order_by("promised_at", "id").values_list("id", flat=True):
            said = Said(command.actor.staff_id, command.at)
            fulfilling.fulfil(bundle, command.actor, loop, outcome="kept", proof=proof, said=said)
