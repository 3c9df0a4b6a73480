"""Letting go of a person: the mapping, the key, and everything that is said or found of him in this room.

What the ledger and the insert-only tables hold stays where it is, unreadable, and the chain still verifies.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from yishe.people import import_held, notes, own_accounts, records
from yishe.people.models import AccessFact, Change, Empanelment, Resident, SearchToken, Subject
from yishe.people.own_models import CopyTicket
from yishe.people.particulars import Particulars
from yishe.trust.commit import Bundle
from yishe.trust.models import SubjectKey

EMPTY: dict[str, Any] = {
    **{f"{field}_sealed": None for field in records.SEALED}, "name_sealed": b"", "id_blind": None, "record_blind": None,
    "person_blind": None, "contact_blind": None, "row_blind": None, "sex": "0", "birth_date": None, "traits": [],
    "allergies": [], "household": None, "neighbourhood": None, "workplace": None,
    "protected_at": None, "protected_reason": "", "protected_review": None,
}  # fmt: skip


def forget(bundle: Bundle, resident: UUID, at: datetime) -> list[Subject]:
    """Erase the person behind a record, with all records merged into it, inside the caller's transaction.

    Returns the subjects that lead nowhere now. `bundle` gets the word to loops, whose rules end what is still open.
    """
    mapped = list(Subject.objects.filter(resident=resident))
    people = {row.origin_id for row in mapped} | {resident}
    known = _particulars(mapped)
    import_held.forget(people, known)
    for row in mapped:
        notes.change(bundle, home=row.home, kind=Change.Kind.ERASED, about=row.subject, at=at)
    subjects = [row.subject for row in mapped]
    own_accounts.forget(people, subjects, [one.phone for one in known if one.phone])
    AccessFact.objects.filter(subject__in=subjects).delete()
    CopyTicket.objects.filter(subject__in=subjects).delete()
    SearchToken.objects.filter(resident__in=people).delete()
    Empanelment.objects.filter(resident__in=people, until=None).update(until=at)
    SubjectKey.objects.filter(subject__in=subjects).delete()
    Subject.objects.filter(subject__in=subjects).delete()
    Resident.objects.filter(id__in=people).update(**EMPTY, erased_at=at, updated_at=at)
    return mapped


def _particulars(mapped: list[Subject]) -> list[Particulars]:
    """What was known of the person under each record, to recognise him in rows that wait."""
    wrapped = dict(
        SubjectKey.objects.filter(subject__in=[row.subject for row in mapped]).values_list(
            "subject", "wrapped"
        )
    )
    rows = Resident.objects.select_related("household").in_bulk([row.origin_id for row in mapped])
    return [
        Particulars(**records.opened(rows[row.origin_id], row.subject, bytes(wrapped[row.subject])))
        for row in mapped
        if row.subject in wrapped and rows[row.origin_id].erased_at is None
    ]


def identity(mapped: list[Subject]) -> list[dict[str, Any]]:
    """Who it was, for what must be kept: name, ID number, sex and birth date under each record."""
    shown = ("name", "id_number", "sex", "birth_date", "record_number")
    return [{name: getattr(one, name) for name in shown} for one in _particulars(mapped)]
