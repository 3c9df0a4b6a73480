"""What law obliges to keep of a resident after an erasure: found, and sealed under keys of their own until their date."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from yishe.care import entries, lives
from yishe.care.models import (
    Condition,
    Contract,
    Encounter,
    Held,
    Immunization,
    MedicationChange,
    Observation,
    QuestionnaireResponse,
    Recorded,
    ServiceNote,
)
from yishe.loops.models import Loop
from yishe.people import consents, erasing, packs
from yishe.people.models import Empanelment, Subject
from yishe.people.particulars import ZONE
from yishe.policy.rights_rules import Kept
from yishe.trust import ids, keys, ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import SubjectKey

PLACE = "care.held.sealed"
RECORDED: dict[str, type[Recorded]] = {
    "encounter": Encounter, "condition": Condition, "medication": MedicationChange, "observation": Observation,
    "note": ServiceNote, "assessment": QuestionnaireResponse, "immunization": Immunization,
}  # fmt: skip


@dataclass(frozen=True)
class Holding:
    """A category that must be kept, until when, and how many entries it is made of."""

    code: str
    rule: Kept
    until: date
    entries: Sequence[dict[str, Any]]


def holdings(resident: UUID, at: datetime) -> list[Holding]:
    """What would have to be kept if the resident were erased now, the longest last."""
    found, today = dict[str, list[dict[str, Any]]](), at.astimezone(ZONE).date()
    rules = packs.in_force().rights.obliging()
    for kind in {kind for rule in rules.values() for kind in (*rule.holds, *rule.counted_from)}:
        found[kind] = list(_entries(kind, resident, at))
    kept = []
    for code, rule in rules.items():
        moments = [one["at"] for kind in rule.counted_from for one in found[kind]]
        until = rule.until(max(moments).astimezone(ZONE).date()) if moments else today
        if until is not None and until > today:
            held = [{"kind": kind, **one} for kind in rule.holds for one in found[kind]]
            kept.append(Holding(code, rule, until, held))
    return sorted(kept, key=lambda one: one.until)


def seal(bundle: Bundle, mapped: Sequence[Subject], kept: Sequence[Holding], number: UUID) -> None:
    """Put each category away under a key of its own, with who it was about; nothing else leads there."""
    whose = erasing.identity(list(mapped))
    for one in kept:
        held, home = ids.random(), mapped[0].home
        wrapped = keys.new_subject(bundle, home, held)
        text = json.dumps({"whose": whose, "entries": one.entries}, ensure_ascii=False, default=_plain)
        bundle.insert(
            Held, id=held, home=home, number=number, category=one.code, until=one.until,
            sealed=keys.seal(home, held, wrapped, text, PLACE),
        )  # fmt: skip


def opened(held: Held) -> dict[str, Any]:
    """What is kept, in the clear. The caller has a lawful demand and leaves an access line."""
    wrapped = keys.wrapped_key(held.id)
    found: dict[str, Any] = json.loads(keys.unseal(held.home, held.id, wrapped, bytes(held.sealed), PLACE))
    return found


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def _entries(kind: str, resident: UUID, at: datetime) -> Iterator[dict[str, Any]]:
    """Entries of one kind with the moment they count from; corrected ones too, they are part of the record."""
    mapped = list(Subject.objects.filter(resident=resident))
    subjects = [row.subject for row in mapped]
    wrapped = {row.subject: bytes(row.wrapped) for row in SubjectKey.objects.filter(subject__in=subjects)}
    if kind in RECORDED:
        yield from (_recorded(row, wrapped) for row in RECORDED[kind].objects.filter(subject__in=subjects))
    elif kind == "loop":
        yield from (_loop(row, wrapped) for row in Loop.objects.filter(subject__in=subjects))
    elif kind == "contract":
        origins = [row.origin_id for row in mapped]
        for contract in Empanelment.objects.filter(resident__in=origins).select_related("team"):
            yield {"at": contract.until or at, "team": contract.team.name, "since": contract.since}
        yield from _contracts(subjects, at)
    elif kind == "consent":
        for one in consents.given(resident):
            ended = one.state.withdrawn_at or one.state.replaced_at or at
            yield {"at": ended, **one.state.codes, **one.words, "given_at": one.state.given_at}


def _contracts(subjects: Sequence[UUID], at: datetime) -> Iterator[dict[str, Any]]:
    for row in Contract.objects.filter(subject__in=subjects).exclude(signed_at=None):
        over = row.ended_at or lives.begins(row.until or at.date())
        yield {"at": min(over, at), "package": row.package, "since": row.since, "until": row.until,
               "agreement_sha256": row.agreement_sha256}  # fmt: skip


def _recorded(row: Recorded, wrapped: dict[UUID, bytes]) -> dict[str, Any]:
    """One entry: what stands in columns, and what is sealed, opened."""
    plain = {
        f.attname: getattr(row, f.attname)
        for f in row._meta.concrete_fields
        if f.attname not in ("sealed", "restricted", "subject", "command_id", "command_digest")
    }
    for column in ("sealed", "restricted"):
        if getattr(row, column, None) is not None:
            plain |= {column: entries.unsealed(row, column, wrapped[row.subject])}
    return {"at": row.occurred_at, **plain}


def _loop(row: Loop, wrapped: dict[UUID, bytes]) -> dict[str, Any]:
    said = [
        {"kind": one.kind, "at": one.recorded_at, **ledger.words(one, wrapped[row.subject])}
        for one in ledger.entries(row.id)
    ]
    return {"at": row.closed_at or row.last_at or row.promised_at, "loop": row.id, "title": row.kind,
            "reason": row.reason, "outcome": row.outcome, "said": said}  # fmt: skip
