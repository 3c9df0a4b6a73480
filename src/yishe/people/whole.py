"""One resident whole: where he stands, what his card shows, and the keys of his record. One statement for a page."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

from yishe.people import cards, placements
from yishe.people.cards import Card
from yishe.people.models import Resident
from yishe.people.placements import Placement
from yishe.trust import quick


@dataclass(frozen=True)
class Whole:
    """`keys` are (home, subject, wrapped key) of every subject mapped to him. Nothing is opened yet."""

    placement: Placement
    keys: tuple[tuple[UUID, UUID, bytes], ...]
    row: Resident
    household: str

    def card(self) -> Card:
        """His card in the clear: showing it leaves an access line."""
        own = next(key for _, subject, key in self.keys if subject == self.placement.subject)
        return cards.of(self.row, self.placement, own, self.household)


@cache
def _sql() -> str:
    return f"""
        SELECT o.subject, e.team_id, e.doctor_id, e.social_worker_id, n.team_id, h.code,
               a.home, a.subject, k.wrapped, {quick.columns(Resident, "r")}
        FROM people_subject o
        JOIN people_resident r ON r.id = o.resident_id
        JOIN people_subject a ON a.resident_id = r.id
        JOIN trust_subjectkey k ON k.subject = a.subject
        LEFT JOIN people_empanelment e ON e.resident_id = r.id AND e.until IS NULL
        LEFT JOIN people_neighbourhood n ON n.id = r.neighbourhood_id
        LEFT JOIN people_household h ON h.id = r.household_id
        WHERE o.resident_id = %s AND o.origin_id = r.id"""


def of(resident: UUID) -> Whole | None:
    """None for whoever is unknown, was erased, or whose record was merged into another."""
    rows = quick.rows(_sql(), [resident])
    keys = tuple((quick.known(row[6]), quick.known(row[7]), bytes(row[8])) for row in rows)
    own = quick.uid(rows[0][0]) if rows else None
    if own is None or own not in {subject for _, subject, _ in keys}:
        return None
    row = quick.instance(Resident, rows[0][9:])
    return Whole(placements.of_row(row, own, rows[0][1:5]), keys, row, rows[0][5] or "")
