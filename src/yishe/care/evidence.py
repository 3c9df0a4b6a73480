"""Records as evidence: what of a resident's record stands beside a promise or a result, as type, id and hash.

Loops keep only these three and never read medicine. The hash is of the row as it is stored, ciphertext and all: it tells
nothing, needs no key, and shows later whether what is read is what was brought. Nothing here leaves an access line of
its own: the page or answer that shows it does.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

import orjson

from yishe.care import entries, items, timeline
from yishe.care.items import Item, Reader
from yishe.care.models import (
    Condition,
    Encounter,
    Immunization,
    MedicationChange,
    Observation,
    QuestionnaireResponse,
    Recorded,
    ServiceNote,
)
from yishe.people import access
from yishe.people.actors import Actor
from yishe.people.placements import Placement
from yishe.policy.refusals import Invalid

Reference = tuple[str, UUID]
TYPES: dict[str, tuple[type[Recorded], Callable[[Any, Reader], Item | None]]] = {
    "encounter": (Encounter, items.encounter),
    "medication_change": (MedicationChange, items.medication),
    "service_note": (ServiceNote, items.note),
    "observation": (Observation, items.observation),
    "condition": (Condition, items.condition),
    "assessment": (QuestionnaireResponse, items.assessment),
    "immunization": (Immunization, items.immunization),
}
PROOFS = {"medication_plan": "medication_change"}
"""Words of a kind for what is a record under another name."""


@dataclass(frozen=True)
class Piece:
    """A record one may bring or was brought: its type as evidence, and the item as this reader may see it."""

    type: str
    item: Item

    @property
    def reference(self) -> Reference:
        return self.type, self.item.id


@dataclass(frozen=True)
class Shown:
    """What was brought, as it is now. `item` is None when this reader may not see it or it is gone; `changed` says that
    the row is not the one that was brought; `corrected` that a later one stands in its place."""

    item: Item | None = None
    changed: bool = False
    corrected: bool = False


def recent(actor: Actor, placement: Placement, at: datetime, limit: int = 12) -> list[Piece]:
    """The newest records of this resident that the actor may see, newest first; none without the right to the record.
    One statement a type."""
    if not access.may(actor, timeline.ACTION, placement, at).allowed:
        return []
    subjects = entries.keyed(placement)
    reader = items.reader(actor, placement, subjects, at)
    streams = [_newest(name, subjects, limit, reader) for name in TYPES]
    found = merge(*streams, key=lambda piece: (piece.item.occurred_at, piece.item.id.int), reverse=True)
    return list(islice(found, limit))


def _newest(name: str, subjects: Sequence[entries.Keyed], limit: int, reader: Reader) -> list[Piece]:
    model, show = TYPES[name]
    rows = entries.latest(model, subjects).order_by("-occurred_at", "-id")[:limit]
    return [Piece(name, item) for row in rows if (item := show(row, reader)) is not None]


def references(
    actor: Actor, placement: Placement, chosen: Iterable[Reference], at: datetime
) -> list[dict[str, str]]:
    """The evidence a loop keeps for these records: each once, with its hash.

    Forbidden without the right to the record; Invalid for one that is not this resident's or was corrected."""
    wanted = list(dict.fromkeys(chosen))
    if not wanted:
        return []
    access.require(actor, timeline.ACTION, placement, at)
    rows = _rows(entries.keyed(placement), wanted, standing=True)
    if any(reference not in rows for reference in wanted):
        raise Invalid(
            "evidence_unknown",
            "要附的记录不在这位居民的档案里，或已被更正：请从列出的记录里重新选。",
            field="evidence",
        )
    return [{"type": name, "id": str(id_), "hash": digest(rows[name, id_])} for name, id_ in wanted]


def opened(
    actor: Actor, placement: Placement | None, brought: Sequence[Mapping[str, Any]], at: datetime
) -> dict[Reference, Shown]:
    """What these references point to, for this reader, by type and id; those without an id are not in it."""
    wanted = [one for one in map(referring, brought) if one is not None]
    if not wanted or placement is None:
        return {}
    if not access.may(actor, timeline.ACTION, placement, at).allowed:
        return dict.fromkeys(wanted, Shown())
    subjects = entries.keyed(placement)
    rows = _rows(subjects, wanted)
    standing = set(_rows(subjects, wanted, standing=True))
    reader = items.reader(actor, placement, subjects, at)
    hashes = {referring(one): str(one.get("hash") or "") for one in brought}
    return {
        one: Shown(
            TYPES[one[0]][1](rows[one], reader),
            changed=hashes[one] not in ("", digest(rows[one])),
            corrected=one not in standing,
        )
        if one in rows
        else Shown()
        for one in wanted
    }


def referring(brought: Mapping[str, Any]) -> Reference | None:
    """The record a piece of evidence points to; None for words, and for proofs kept elsewhere."""
    name = PROOFS.get(str(brought.get("type")), str(brought.get("type")))
    try:
        return (name, UUID(str(brought["id"]))) if name in TYPES and brought.get("id") else None
    except ValueError:
        return None


def _rows(
    subjects: Sequence[entries.Keyed], wanted: Sequence[Reference], *, standing: bool = False
) -> dict[Reference, Recorded]:
    """The rows behind these references that belong to these subjects; one statement a type."""
    found: dict[Reference, Recorded] = {}
    for name in dict.fromkeys(name for name, _ in wanted):
        model = TYPES[name][0]
        rows = entries.latest(model, subjects) if standing else model.objects.filter(**entries.of(subjects))
        asked = [id_ for kind, id_ in wanted if kind == name]
        found |= {(name, row.id): row for row in rows.filter(id__in=asked)}
    return found


def digest(row: Recorded) -> str:
    """SHA-256 in hex over every column of the row as it is stored."""
    values = {field.attname: _plain(getattr(row, field.attname)) for field in row._meta.concrete_fields}
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
