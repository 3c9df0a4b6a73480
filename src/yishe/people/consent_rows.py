"""Between the consent's row and the state it projects, and the replay that must equal it."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import groupby
from typing import Any
from uuid import UUID

from yishe.people.models import Consent
from yishe.policy import consent_state
from yishe.policy.consent_state import ConsentState, Said
from yishe.trust import ledger, replay
from yishe.trust.ledger import Head
from yishe.trust.models import Entry

_STATE = tuple(field.name for field in fields(ConsentState))


def columns(state: ConsentState, home: UUID, subject: UUID, head: Head) -> dict[str, Any]:
    """Every column of the row for this state but its id."""
    values = {name: getattr(state, name) for name in _STATE}
    return values | {
        "scope": list(state.scope), "home": home, "subject": subject, "seq": head.seq, "head": head.hash,
    }  # fmt: skip


def state_of(row: Consent) -> ConsentState:
    """The state as the row shows it."""
    values = {name: getattr(row, name) for name in _STATE}
    return ConsentState(**values | {"scope": tuple(row.scope)})


def folded(entries: Iterable[Entry]) -> ConsentState | None:
    """The state that the stream's entries leave."""
    return consent_state.fold(
        Said(one.kind, one.actor, one.recorded_at, ledger.facts_of(one)) for one in entries
    )


def _streams() -> Iterator[tuple[UUID, Iterable[Entry]]]:
    given = Entry.objects.filter(kind=consent_state.GIVEN, seq=1).values("stream")
    entries = Entry.objects.filter(stream__in=given).order_by("stream", "seq").iterator(chunk_size=2000)
    yield from groupby(entries, key=lambda one: one.stream)


def refolded(streams: replay.Streams | None = None) -> Iterator[tuple[UUID, dict[str, Any]]]:
    """(consent, columns as its entries leave it) for these consents, or every one of the ledger."""
    for stream, group in _streams() if streams is None else streams.items():
        rows = list(group)
        state, last = folded(rows), rows[-1]
        if state is not None and last.subject is not None:
            yield stream, columns(state, last.home, last.subject, Head(last.seq, bytes(last.hash)))


def compared(streams: replay.Streams) -> list[replay.Difference]:
    """Where the rows of these consents say something else."""
    return replay.beside(refolded(streams), Consent.objects.filter(id__in=list(streams)).values())


def differences() -> list[replay.Difference]:
    """Everywhere the rows say something else than their ledger; empty when all is well."""
    rows = Consent.objects.values()
    return replay.differences(
        refolded(), lambda stream: rows.filter(id=stream).first(), rows.values_list("id", flat=True)
    )
