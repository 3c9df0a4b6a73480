"""Writing what a batch of roster rows decided: bulk rows for new residents, only what changed for known ones."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import FilteredRelation, OuterRef, Q, Subquery

from yishe.people import notes, records, tokens
from yishe.people.actors import Actor
from yishe.people.import_matching import Prints
from yishe.people.import_rows import Read
from yishe.people.models import Change, Empanelment, Household, Resident, SearchToken, Subject
from yishe.people.particulars import Particulars
from yishe.trust import access_log, ids, ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry, SubjectKey

SOURCE = "roster"
ACTION = "people.import"
_ADDED = ("traits", "allergies")
_ANSWERING = ("team", "doctor", "social_worker")


@dataclass(slots=True)
class Opened:
    """A known record, opened for comparison."""

    row: Resident
    subject: UUID
    wrapped: bytes
    before: Particulars


@dataclass(slots=True)
class Difference:
    """What a row adds to a record. `conflicts` are fields where the record already says something else."""

    after: Particulars
    changed: tuple[str, ...]
    conflicts: tuple[str, ...]


def open_all(residents: Iterable[UUID]) -> dict[UUID, Opened]:
    """The named records in the clear: one statement and the decryption."""
    wrapped = SubjectKey.objects.filter(subject=OuterRef("own_subject__subject")).values("wrapped")
    rows = (
        Resident.objects.filter(id__in=list(residents))
        .select_related("household", "own_subject")
        .annotate(
            active=FilteredRelation("empanelments", condition=Q(empanelments__until=None)),
            wrapped=Subquery(wrapped),
            team=_active("team"),
            doctor=_active("doctor"),
            social_worker=_active("social_worker"),
        )
    )
    return {row.id: _opened(row) for row in rows}


def _active(column: str) -> Subquery:
    rows = Empanelment.objects.filter(resident=OuterRef("pk"), until=None)
    return Subquery(rows.values(column)[:1])


def _opened(row: Any) -> Opened:
    subject, wrapped = row.own_subject.subject, bytes(row.wrapped)
    clear = records.opened(row, subject, wrapped)
    before = Particulars(**clear, team=row.team, doctor=row.doctor, social_worker=row.social_worker)
    return Opened(row, subject, wrapped, before)


def compare(before: Particulars, row: Read, said: Particulars) -> Difference:
    """What the row says beyond the record. Empty cells take nothing away; traits and allergies are added up."""
    after, changed, conflicts = before, [], []
    for one in fields(Particulars):
        old, new = getattr(before, one.name), getattr(said, one.name)
        if one.name in _ADDED:
            new = tuple(sorted((set(old) | set(new)) - (row.denied if one.name == "traits" else set())))
        elif one.name == "name" or new in (None, "", "0"):
            continue
        if new == old:
            continue
        after = replace(after, **{one.name: new})
        changed.append(one.name)
        if old not in (None, "", "0", ()) and one.name not in _ADDED:
            conflicts.append(one.name)
    if said.team is not None and said.team != before.team:
        after = replace(after, doctor=said.doctor, social_worker=said.social_worker)
    return Difference(after, tuple(changed), tuple(conflicts))


@dataclass
class Writing:
    """Everything one batch writes, inside the caller's transaction."""

    actor: Actor
    at: datetime
    fingerprints: dict[UUID, records.Fingerprint]
    bundle: Bundle = field(default_factory=Bundle)
    _records: list[records.Record] = field(default_factory=list)
    _tokens: list[tuple[UUID, bytes, UUID]] = field(default_factory=list)
    _households: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    _touched: list[tuple[UUID, UUID]] = field(default_factory=list)

    def _fingerprint(self, centre: UUID) -> records.Fingerprint:
        if centre not in self.fingerprints:
            self.fingerprints[centre] = tokens.fingerprint(centre)
        return self.fingerprints[centre]

    def create(self, centre: UUID, said: Particulars, marks: Prints) -> UUID:
        """A new resident of the centre; returns his id."""
        household = self.household(centre, said.household)
        record = records.build(
            self.bundle,
            centre,
            said,
            self.at,
            self._fingerprint(centre),
            household=household,
            source=SOURCE,
            marks=marks.blinds(),
        )
        self._records.append(record)
        notes.note(
            self.bundle,
            home=centre,
            subject=record.subject.subject,
            kind=notes.REGISTERED,
            actor=self.actor,
            at=self.at,
            data={"fields": sorted(said.said()), "source": SOURCE},
            head=ledger.Head(),
            line=False,
        )
        return record.resident.id

    def household(self, centre: UUID, code: str | None) -> UUID | None:
        if not code:
            return None
        key = (centre, code)
        if key not in self._households:
            row, _ = Household.objects.get_or_create(
                home=centre, code=code, defaults={"id": ids.new(), "centre_id": centre}
            )
            self._households[key] = row.id
        return self._households[key]

    def update(self, known: Opened, found: Difference, marks: Prints, head: ledger.Head) -> None:
        """Write what differs, and which fields they were."""
        row, after = known.row, found.after
        own = set(found.changed) - set(_ANSWERING)
        if own:
            values = records.columns(row, known.subject, known.wrapped, after)
            values["household_id"] = self.household(row.centre_id, after.household)
            Resident.objects.filter(id=row.id).update(**values, row_blind=marks.row_blind, updated_at=self.at)
        else:
            self.remember(row.id, marks)
        if own & {"name", "id_number", "phone"}:
            SearchToken.objects.filter(resident=row.id).delete()
            words = tokens.words(after.name, after.id_number, after.phone)
            fresh = {self._fingerprint(row.centre_id)(word) for word in words}
            self._tokens += [(row.centre_id, token, row.id) for token in fresh]
        if set(found.changed) & set(_ANSWERING):
            self._empanel(known, after)
        notes.note(
            self.bundle,
            home=row.home,
            subject=known.subject,
            kind=notes.AMENDED,
            actor=self.actor,
            at=self.at,
            data={"fields": list(found.changed), "source": SOURCE},
            head=head,
            line=False,
        )
        self._touched.append((row.home, known.subject))

    def remember(self, resident: UUID, marks: Prints) -> None:
        """The same row again is then known without opening the record."""
        Resident.objects.filter(id=resident).update(row_blind=marks.row_blind)

    def _empanel(self, known: Opened, after: Particulars) -> None:
        row = known.row
        if after.team is None:
            return
        Empanelment.objects.filter(resident=row.id, until=None).update(until=self.at)
        Empanelment.objects.create(
            home=row.home,
            resident_id=row.id,
            team_id=after.team,
            doctor_id=after.doctor,
            social_worker_id=after.social_worker,
            since=self.at,
            source=SOURCE,
        )
        data = {"team": str(after.team), "before": str(known.before.team) if known.before.team else None}
        kind = Change.Kind.EMPANELLED
        notes.change(self.bundle, home=row.home, kind=kind, about=known.subject, at=self.at, data=data)

    def write(self) -> None:
        """All rows of the batch, in as few statements as the databases take."""
        Resident.objects.bulk_create((one.resident for one in self._records), batch_size=250)
        Subject.objects.bulk_create((one.subject for one in self._records), batch_size=1000)
        teams = [one.empanelment for one in self._records if one.empanelment]
        Empanelment.objects.bulk_create(teams, batch_size=1000)
        new = ((one.resident, token) for one in self._records for token in one.tokens)
        records.write_tokens([*((row.centre_id, token, row.id) for row, token in new), *self._tokens])
        self._leave_lines()
        self.bundle.commit()

    def _leave_lines(self) -> None:
        """One access line for each home of the batch, with everybody in it."""
        new = [(one.resident.home, one.subject.subject) for one in self._records]
        lines: dict[UUID, list[UUID]] = {}
        for home, subject in (*new, *self._touched):
            lines.setdefault(home, []).append(subject)
        for home, subjects in lines.items():
            access_log.line(
                self.bundle,
                home=home,
                actor=self.actor.staff_id,
                action=ACTION,
                subjects=subjects,
                at=self.at,
            )


def heads(subjects: Iterable[UUID]) -> dict[UUID, ledger.Head]:
    """Where each stream stands, in one statement."""
    rows = Entry.objects.filter(stream__in=list(subjects)).order_by("stream", "seq")
    return {
        stream: ledger.Head(seq, bytes(last))
        for stream, seq, last in rows.values_list("stream", "seq", "hash")
    }
