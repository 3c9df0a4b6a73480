"""The timeline: everything recorded about a resident in one stream, newest first, cut to what the reader may see.

At most one statement per source and page; pages follow each other by a signed cursor that fits this resident only.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer

from yishe.care import case_events, class_events, items
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
from yishe.care.record import Record
from yishe.people import access
from yishe.people.actors import Actor
from yishe.policy import cursors
from yishe.policy.refusals import Invalid
from yishe.trust import access_log

ACTION = "read.timeline"
MOST = 100

SOURCES: dict[str, tuple[type[Recorded], Callable[..., Item | None]]] = {
    "encounter": (Encounter, items.encounter),
    "medication": (MedicationChange, items.medication),
    "note": (ServiceNote, items.note),
    "observation": (Observation, items.observation),
    "condition": (Condition, items.condition),
    "assessment": (QuestionnaireResponse, items.assessment),
    "immunization": (Immunization, items.immunization),
}
LOOP, CLASS = "loop", class_events.KIND
KINDS = (*SOURCES, LOOP, CLASS)


@dataclass(frozen=True)
class Page:
    """``items`` newest first; ``next`` continues after the last one, None at the end. ``relation`` is why the reader
    may look."""

    items: tuple[Item, ...]
    next: str | None
    relation: str
    kinds: tuple[str, ...] = field(default=KINDS)


def page(
    actor: Actor,
    resident: UUID,
    *,
    at: datetime,
    cursor: str | None = None,
    limit: int = 30,
    kinds: Sequence[str] = KINDS,
    source: str = "",
    record: Record | None = None,
) -> Page:
    """One page of the record, leaving one access line. A merged resident's page is the survivor's.

    ``source`` says which door asks, ``record`` what it has read of this resident already. Raises NotFound, Forbidden,
    Invalid (forged cursor, unknown kind)."""
    record = record or Record(resident)
    placement = record.placement
    permission = access.require(actor, ACTION, placement, at)
    if unknown := set(kinds) - set(KINDS):
        raise Invalid(
            "kind_unknown", f"时间轴没有“{'、'.join(sorted(unknown))}”这一类；可选：{'、'.join(KINDS)}。"
        )
    before = _read(cursor, placement.resident)
    size = max(1, min(limit, MOST))
    reader = items.reader(actor, placement, record.subjects, at)
    streams = [_recorded(kind, record, before, size + 1, reader) for kind in kinds if kind in SOURCES]
    if {LOOP, CLASS} & set(kinds):
        streams += _told(kinds, record, before, size + 1, reader)
    found = list(islice(merge(*streams, key=_order, reverse=True), size + 1))
    shown = tuple(found[:size])
    access_log.line(
        None, home=placement.home, actor=actor.staff_id, action=ACTION, subjects=[placement.subject],
        **permission.line, source=source, at=at,
    )  # fmt: skip
    following = _write(shown[-1], placement.resident) if len(found) > size else None
    return Page(shown, following, permission.relation, tuple(kinds))


def _recorded(
    kind: str, record: Record, before: tuple[datetime, UUID] | None, size: int, reader: Reader
) -> Iterable[Item]:
    """The newest `size` that this reader sees at all. What is left out whole leaves no gap: reading goes on behind it."""
    model, show = SOURCES[kind]
    found: list[Item] = []
    while len(found) < size:
        batch = record.newest(model, before, size)
        found += [item for row in batch if (item := show(row, reader)) is not None]
        if len(batch) < size:
            break
        before = batch[-1].occurred_at, batch[-1].id
    return found[:size]


def _told(
    kinds: Sequence[str], record: Record, before: tuple[datetime, UUID] | None, size: int, reader: Reader
) -> list[list[Item]]:
    """What the ledger tells of loops and classes."""
    loops = record.loops if LOOP in kinds else []
    of_loops, record.class_entries = case_events.read(loops, record.subjects, before, size)
    classes = record.class_entries if CLASS in kinds else []
    return [
        case_events.of(loops, of_loops, before, size, reader),
        class_events.of(classes, before, size, reader),
    ]


def _order(item: Item) -> tuple[datetime, Any]:
    return item.occurred_at, item.id.int


def _signer(resident: UUID) -> Signer:
    return Signer(salt=f"care.timeline:{resident}", sep=".")


def _write(last: Item, resident: UUID) -> str:
    return _signer(resident).sign(cursors.write(last.occurred_at, last.id))


def _read(cursor: str | None, resident: UUID) -> tuple[datetime, UUID] | None:
    if not cursor:
        return None
    try:
        return cursors.read(_signer(resident).unsign(cursor))
    except BadSignature:
        raise Invalid("bad_cursor", "翻页标记无效：请从第一页重新开始。") from None
