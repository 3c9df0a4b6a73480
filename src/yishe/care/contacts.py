"""A contact as the profession that had it writes it down, and whose share of a year a promise is.

What is kept by a note in a service record is kept by the duty it was promised to and by nobody else; what is kept by an
encounter, by whoever may write one.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import agreements, encounters, evidence, notes
from yishe.care.models import Encounter, ServiceNote
from yishe.people import access, directory, packs
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.contract_rules import NOTE, ContractSheet
from yishe.policy.refusals import Forbidden, Invalid

Contact = Encounter | ServiceNote
SEE = "resident.read"


def record(
    actor: Actor, resident: UUID, *, note: bool, how: str, summary: str, stage: str = "", minutes: int | None = None, **said: Any
) -> Contact:  # fmt: skip
    """Write a contact down: as a note, of the stage the case stands in unless one is named, or as an encounter. `how` is a code of
    `encounter_kind` for both; the rest is said to `notes.record` or `encounters.record`, which refuse."""
    if not note:
        return encounters.record(actor, resident, kind=how, summary=summary, **said)
    return notes.record(
        actor, resident, stage=stage, minutes=minutes, method=method(how), text=summary, after_death=False, **said
    )  # fmt: skip


# Readers


def proof(contact: Contact) -> dict[str, str]:
    """The contact as evidence of what it keeps."""
    return {"type": "contact", "id": str(contact.id), "hash": evidence.digest(contact)}


def method(how: str) -> str:
    """What a way of `encounter_kind` is called in a service record; empty where the pack does not say."""
    sheet = packs.in_force().contracts
    return sheet.methods.get(how, "") if sheet else ""


def written_as_note(services: Iterable[str]) -> bool:
    """Whether one of these is kept by a note. Unknown ones are none."""
    known = _services()
    return any(one in known and known[one].record == NOTE for one in services)


def share(actor: Actor, stands: Placement, at: datetime) -> frozenset[str]:
    """The services that this person may keep for this resident now."""
    may = {
        record: access.may(actor, action, stands, at).allowed
        for record, action in (("encounter", encounters.ACTION), (NOTE, notes.ACTION))
    }
    return frozenset(
        code
        for code, one in _services().items()
        if may[one.record] and (one.record != NOTE or _holds(actor, one.duty, at))
    )


def require_share(actor: Actor, stands: Placement, services: Iterable[str], at: datetime) -> None:
    """Forbidden, naming who can, for a service that only another duty keeps. Who may not read the resident is told by the
    record's own refusal instead."""
    known = _services()
    for code in services:
        service = known.get(code)
        if service is None or service.record != NOTE or _holds(actor, service.duty, at):
            continue
        if access.may(actor, SEE, stands, at).allowed:
            raise Forbidden("wrong_duty", whose(code, stands, at), service=code).concerning(stands.subject)


def whose(service: str, stands: Placement, at: datetime) -> str:
    """Who keeps this service for this resident, as a sentence."""
    one = _services()[service]
    who = directory.current().performer(one.duty, stands, at).member.name
    title = packs.in_force().duties[one.duty].title
    where = "记在自己的服务记录里" if one.record == NOTE else "记为诊疗"
    return f"“{agreements.title(service)}”由{title}做，{where}：请告诉{who}。"


def unmixed(services: Iterable[str]) -> None:
    """Invalid when some of these are written into a service record and some are not: those are two contacts."""
    known = _services()
    records = {known[one].record for one in services if one in known}
    if len(records) > 1:
        notes_ = "、".join(
            agreements.title(one) for one in services if one in known and known[one].record == NOTE
        )
        raise Invalid(
            "services", f"“{notes_}”要单独记一次：它写进服务记录，别的项目写进诊疗记录。", field="services"
        )


def _holds(actor: Actor, duty: str, at: datetime) -> bool:
    return actor.is_system or duty in actor.member.duties(at)


def _services() -> dict[str, Any]:
    sheet: ContractSheet | None = packs.in_force().contracts
    return dict(sheet.services) if sheet else {}
