"""Who stands behind a subject, as far as a work list needs: the resident and the name. One statement."""

from collections.abc import Iterable, Sequence
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
    sql = f"SELECT {COLUMNS} FROM people_subject s {_BEHIND.format(join='JOIN')} WHERE {condition}"
    return dict(map(read, quick.rows(sql, values)))


COLUMNS = "s.subject, r.id, r.home, o.subject, k.wrapped, r.name_sealed"
WIDTH = 6
"""How many they are."""
_BEHIND = """
    {join} people_resident r ON r.id = s.resident_id
    {join} people_subject o ON o.origin_id = r.id
    LEFT JOIN trust_subjectkey k ON k.subject = o.subject"""
BESIDE = f"LEFT JOIN people_subject s ON s.subject = l.subject {_BEHIND.format(join='LEFT JOIN')}"
"""To have the names along with other rows `l`: those with nobody behind them have none of the columns."""


def read(row: Sequence[Any]) -> tuple[UUID, Named]:
    """The subject of a row that begins with `COLUMNS`, and who stands behind it."""
    subject, resident, home, origin = (quick.known(one) for one in row[:4])
    key, sealed = row[4:WIDTH]
    name = records.unseal(home, origin, bytes(key), "name", sealed) if key is not None else ""
    return subject, Named(resident, name)
