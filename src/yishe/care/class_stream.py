"""The stream of a resident's class, its row in the same bundle, and the replay that must equal the rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from yishe.care.class_models import ClassOf
from yishe.care.contract_stream import UNNAMED, Once
from yishe.people import packs, placements
from yishe.people.actors import Actor
from yishe.people.facts import Known
from yishe.people.placements import Placement
from yishe.policy import class_state
from yishe.policy.class_rules import CLASS, MEDICAL, SOCIAL
from yishe.policy.class_state import ASSIGNED, ClassState, Said
from yishe.trust import ids, keys, ledger, quick, replay
from yishe.trust.commit import Bundle
from yishe.trust.ledger import Head
from yishe.trust.models import Entry

AS_FACTS = {"resident_class": CLASS, "medical": MEDICAL, "social": SOCIAL}
RULED = {CLASS: "to_class", MEDICAL: MEDICAL, SOCIAL: SOCIAL}
_STATE = tuple(field.name for field in fields(ClassState))


def state_of(row: ClassOf) -> ClassState:
    """The state as the row shows it."""
    return ClassState(**{name: getattr(row, name) for name in _STATE})


def say(
    bundle: Bundle, row: ClassOf | None, where: Placement | Known, kind: str, actor: Actor, at: datetime, data: Mapping[str, Any],
    words: dict[str, str] | None = None, next_on: date | None = None, once: Once = UNNAMED,
) -> ClassState:  # fmt: skip
    """One more entry, the row following where it still stands as it was read; without a row a new stream."""
    stream, before = (row.id, state_of(row)) if row else (ids.new(), None)
    home, subject = (row.home, row.subject) if row else (where.home, where.subject)
    state = class_state.after(before, Said(kind, actor.staff_id, at, data))
    if state is None:
        raise AssertionError("a class begins with what the rules say")
    head = ledger.append(
        bundle, Head(row.seq, bytes(row.head)) if row else Head(), home=home, stream=stream, kind=kind,
        actor=actor.staff_id, at=at, pack=packs.in_force().sha256, data=dict(data), subject=subject, words=words,
        subject_key=keys.wrapped_key(subject) if words else None, command_id=once.command_id,
        command_digest=once.digest,
    )  # fmt: skip
    values = {**_columns(state, home, subject, head), "looked_at": at, "next_on": next_on}
    if row:
        bundle.update(ClassOf, where={"id": row.id, "seq": row.seq}, values=values)
    else:
        bundle.insert(ClassOf, id=stream, **values)
    return state


def _columns(state: ClassState, home: UUID, subject: UUID, head: Head) -> dict[str, Any]:
    values = {name: getattr(state, name) for name in _STATE}
    return values | {"home": home, "subject": subject, "seq": head.seq, "head": head.hash}


def standing(residents: Iterable[UUID], on: date) -> dict[UUID, dict[str, str]]:
    """resident → class and tiers that count on that day, as rules of the year read them; nothing of whom nobody looked at."""
    return standing_of(placements.subjects_of_all(residents), on)


def standing_of(whose: Mapping[UUID, UUID], on: date) -> dict[UUID, dict[str, str]]:
    """The same of residents by subject."""
    rows = quick.where_in(ClassOf, "subject", list(whose))
    return {whose[row.subject]: _steps(row, on) for row in sorted(rows, key=_order)}


def standing_within(subjects: Any, on: date) -> dict[UUID, dict[str, str]]:
    """subject → the same, of a query of subjects. One statement."""
    return {
        row.subject: _steps(row, on)
        for row in sorted(ClassOf.objects.filter(subject__in=subjects), key=_order)
    }


def _order(row: ClassOf) -> tuple[datetime, UUID]:
    return row.looked_at, row.id


def _steps(row: ClassOf, on: date) -> dict[str, str]:
    state = state_of(row)
    return {name: state.step(track, on) for name, track in AS_FACTS.items()}


def at_step(track: str, step: str, on: date) -> QuerySet[ClassOf]:
    """Those of whom this class, or this step of a tier, counts on that day."""
    ruled, said = RULED[track], f"corrected_{track}"
    corrects = Q(until__gt=on) & ~Q(**{said: ""})
    return ClassOf.objects.filter((corrects & Q(**{said: step})) | (~corrects & Q(**{ruled: step})))


def _streams() -> Iterator[tuple[UUID, Iterable[Entry]]]:
    begun = Entry.objects.filter(kind=ASSIGNED, seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=begun).order_by("stream", "seq").iterator(chunk_size=2000)
    yield from groupby(entries, key=lambda one: one.stream)


def refolded(streams: replay.Streams | None = None) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """(stream, columns as its entries leave it) for these classes, or every one of the ledger."""
    for stream, group in _streams() if streams is None else streams.items():
        rows = list(group)
        state = class_state.fold(
            Said(one.kind, one.actor, one.recorded_at, ledger.facts_of(one)) for one in rows
        )
        last = rows[-1]
        if state is not None and last.subject is not None:
            yield stream, _columns(state, last.home, last.subject, Head(last.seq, bytes(last.hash)))


def compared(streams: replay.Streams) -> list[replay.Difference]:
    """Where the rows of these classes say something else."""
    return replay.beside(refolded(streams), ClassOf.objects.filter(id__in=list(streams)).values())


def differences() -> list[replay.Difference]:
    """Everywhere the rows say something else than their ledger; empty when all is well."""
    rows = ClassOf.objects.values()
    return replay.differences(
        refolded(), lambda stream: rows.filter(id=stream).first(), rows.values_list("id", flat=True)
    )
