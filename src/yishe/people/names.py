"""Who stands behind a subject, as far as a work list needs: the resident and the name. One statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from yishe.people import records
from yishe.trust import quick


@dataclass(frozen=True, slots=True)
class Named:
    """`name` is in the clear, "" when it was erased: showing it leaves an access line."""

    resident: UUID
    name: str


def named(subjects: Iterable[UUID]) -> dict[UUID, Named]:
    """subject → whoever it is mapped to now."""
    wanted = list(dict.fromkeys(subjects))
    if not wanted:
        return {}
    condition, values = quick.among("s.subject", wanted)
    rows = quick.rows(f"{_SELECT} WHERE {condition}", values)
    return dict(map(_read, rows))


_SELECT = """
    SELECT s.subject, r.id, r.home, o.subject, k.wrapped, r.name_sealed
    FROM people_subject s
    JOIN people_resident r ON r.id = s.resident_id
    JOIN people_subject o ON o.origin_id = r.id
    LEFT JOIN trust_subjectkey k ON k.subject = o.subject"""


def _read(row: tuple[Any, ...]) -> tuple[UUID, Named]:
    subject, resident, home, origin = (quick.known(one) for one in row[:4])
    key, sealed = row[4:]
    name = records.unseal(home, origin, bytes(key), "name", sealed) if key is not None else ""
    return subject, Named(resident, name)
