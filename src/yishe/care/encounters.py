"""Encounters: a clinician met the resident, found something, decided something."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.care import entries
from yishe.care.models import Encounter
from yishe.people.actors import Actor
from yishe.policy.refusals import Invalid
from yishe.trust.commit import Bundle

ACTION = "record.encounter"


def record(
    actor: Actor,
    resident: UUID,
    *,
    kind: str,
    summary: str,
    at: datetime,
    command_id: str,
    diagnoses: Sequence[tuple[str, str]] = (),
    visit: str = "",
    occurred_at: datetime | None = None,
    supersedes: UUID | None = None,
    digest: bytes | None = None,
    bundle: Bundle | None = None,
) -> Encounter:
    """Record a meeting. ``kind`` is a code of the pack's list ``encounter_kind``; ``diagnoses`` are (code, title); ``visit`` is the
    visit of a schedule that it was (``care.schedules``), kept with what was written.

    Raises Forbidden, Invalid, NotFound, Conflict as ``entries.begin``; Invalid for an unknown kind or empty summary."""
    content: dict[str, Any] = {
        "summary": entries.text(summary, "接诊记录"),
        "diagnoses": [
            {"code": entries.text(code, "诊断编码", 40), "title": entries.text(title, "诊断", 200)}
            for code, title in diagnoses
        ],
    }
    content |= {"visit": visit} if visit else {}
    command = entries.Command(actor, resident, ACTION, at, command_id, occurred_at, supersedes, digest)
    draft = entries.begin(Encounter, command, {"kind": kind, **content})
    if draft.earlier is not None:
        return draft.earlier
    entries.known("encounter_kind", kind, "接诊方式")
    if not content["summary"]:
        raise Invalid("summary_needed", "接诊记录是空的：请写下主诉、发现或处理。")
    own = bundle if bundle is not None else Bundle()
    row = entries.append(
        draft, own, kind=kind, diagnoses=len(content["diagnoses"]), sealed=draft.seal("sealed", content)
    )
    return entries.settle(draft, own, row, own=bundle is None)
