"""A resident's rows: sealed columns, fingerprints, search tokens. Built alike for one person or twenty thousand."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from yishe.people import tokens
from yishe.people.models import Empanelment, Resident, SearchToken, Subject
from yishe.people.particulars import Particulars
from yishe.trust import ids, keys
from yishe.trust.commit import Bundle

SEALED = ("name", "id_number", "phone", "address", "record_number")
"""Particulars kept only encrypted, each in the column `<field>_sealed`."""

Fingerprint = Callable[[str], bytes]


@dataclass(slots=True)
class Record:
    """The rows of one new resident, not yet written; the subject's key is already in the bundle."""

    resident: Resident
    subject: Subject
    wrapped: bytes
    tokens: set[bytes]
    empanelment: Empanelment | None

    def into(self, bundle: Bundle) -> None:
        """Add every row to the bundle."""
        insert(bundle, self.resident)
        insert(bundle, self.subject)
        centre, resident = self.resident.centre_id, self.resident.id
        for token in self.tokens:
            bundle.insert(SearchToken, centre=centre, token=token, resident=resident)
        if self.empanelment:
            insert(bundle, self.empanelment)


def place(field: str) -> str:
    """Where a sealed particular stands, as bound into its ciphertext."""
    return f"people.resident.{field}"


def seal(home: UUID, subject: UUID, wrapped: bytes, said: Mapping[str, Any]) -> dict[str, bytes]:
    """The sealed columns for those particulars that were said."""
    return {
        f"{field}_sealed": keys.seal(home, subject, wrapped, str(said[field]), place(field))
        for field in SEALED
        if said.get(field)
    }


def unseal(home: UUID, subject: UUID, wrapped: bytes, field: str, blob: bytes | None) -> str:
    """A sealed particular in the clear; empty when there is none."""
    return keys.unseal(home, subject, wrapped, blob, place(field)) if blob else ""


def opened(row: Resident, subject: UUID, wrapped: bytes) -> dict[str, Any]:
    """All particulars of a stored resident in the clear, as `Particulars` names them; without those who answer."""
    clear = {
        field: unseal(row.home, subject, wrapped, field, getattr(row, f"{field}_sealed")) or None
        for field in SEALED
    }
    return {
        **clear,
        "sex": row.sex,
        "birth_date": row.birth_date,
        "household": row.household.code if row.household else None,
        "neighbourhood": row.neighbourhood_id,
        "workplace": row.workplace_id,
        "traits": tuple(row.traits),
        "allergies": tuple(row.allergies),
    }


def columns(row: Resident, subject: UUID, wrapped: bytes, said: Particulars) -> dict[str, Any]:
    """What an amended resident's row holds; the household is left to the caller."""
    emptied: dict[str, Any] = dict.fromkeys(f"{field}_sealed" for field in SEALED)
    return {
        **emptied,
        **seal(row.home, subject, wrapped, said.said()),
        **blinds(said.name, said.id_number, said.birth_date, said.phone, said.record_number),
        "sex": said.sex,
        "birth_date": said.birth_date,
        "traits": list(said.traits),
        "allergies": list(said.allergies),
        "neighbourhood_id": said.neighbourhood,
        "workplace_id": said.workplace,
    }


def blinds(
    name: str, id_number: str | None, birth_date: date | None, phone: str | None, record_number: str | None
) -> dict[str, bytes | None]:
    """What the record is matched on: ID number, record number, name with birth date, name with phone."""
    word = tokens.plain(name)
    born = birth_date.isoformat() if birth_date else None
    return {
        "id_blind": _blind("id", id_number),
        "record_blind": _blind("record", record_number),
        "person_blind": _blind("person", f"{word}|{born}" if born else None),
        "contact_blind": _blind("contact", f"{word}|{phone}" if phone else None),
    }


def _blind(purpose: str, text: str | None) -> bytes | None:
    return keys.blind_everywhere(purpose, text) if text else None


def row_blind(centre: UUID, said: Mapping[str, Any]) -> bytes:
    """Fingerprint of everything a roster row said, so that the same row again is known without decrypting."""
    text = "|".join(f"{name}={said[name]}" for name in sorted(said))
    return keys.blind_everywhere("row", f"{centre}|{hashlib.sha256(text.encode()).hexdigest()}")


def write_tokens(rows: list[tuple[UUID, bytes, UUID]]) -> None:
    """Many rows of (centre, token, resident) past the ORM: a roster of 20 000 people has 300 000 of them."""
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            centres, found, residents = (list(column) for column in zip(*rows, strict=True))
            cursor.execute(_FOUND_BY_ALL, [centres, found, residents])
        else:
            cursor.executemany(
                _FOUND_BY, [(centre.hex, token, resident.hex) for centre, token, resident in rows]
            )


_FOUND_BY = "INSERT INTO people_searchtoken (centre, token, resident_id) VALUES (%s, %s, %s)"
_FOUND_BY_ALL = """INSERT INTO people_searchtoken (centre, token, resident_id)
    SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::uuid[])"""


def build(
    bundle: Bundle,
    centre: UUID,
    said: Particulars,
    at: datetime,
    fingerprint: Fingerprint,
    *,
    household: UUID | None = None,
    source: str = "",
    marks: Mapping[str, bytes | None] | None = None,
) -> Record:
    """The rows of a new resident of `centre`; adds the key of his subject to `bundle`. `marks` are his
    `blinds` when they are known already."""
    subject, resident = ids.random(), ids.new()
    wrapped = keys.new_subject(bundle, centre, subject)
    row = Resident(
        id=resident,
        home=centre,
        centre_id=centre,
        household_id=household,
        neighbourhood_id=said.neighbourhood,
        workplace_id=said.workplace,
        sex=said.sex,
        birth_date=said.birth_date,
        traits=list(said.traits),
        allergies=list(said.allergies),
        created_at=at,
        updated_at=at,
        **seal(centre, subject, wrapped, said.said()),
        **(marks or blinds(said.name, said.id_number, said.birth_date, said.phone, said.record_number)),
    )
    words = tokens.words(said.name, said.id_number, said.phone)
    return Record(
        row,
        Subject(subject=subject, home=centre, resident_id=resident, origin_id=resident),
        wrapped,
        {fingerprint(word) for word in words},
        _empanelment(centre, resident, said, at, source),
    )


def _empanelment(
    home: UUID, resident: UUID, said: Particulars, at: datetime, source: str
) -> Empanelment | None:
    if said.team is None:
        return None
    return Empanelment(
        id=ids.new(),
        home=home,
        resident_id=resident,
        team_id=said.team,
        doctor_id=said.doctor,
        social_worker_id=said.social_worker,
        since=at,
        source=source,
    )


def insert(bundle: Bundle, row: models.Model) -> None:
    """Add a model instance to a bundle as a new row."""
    columns = (f for f in type(row)._meta.concrete_fields if not isinstance(f, models.AutoField))
    bundle.insert(type(row), **{f.attname: getattr(row, f.attname) for f in columns})
