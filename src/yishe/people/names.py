"""Who stands behind a subject, as far as a work list needs: the resident and the name. One statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import OuterRef, Subquery

from yishe.people import records
from yishe.people.models import Subject
from yishe.trust.models import SubjectKey


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
    own = "resident__own_subject__subject"
    wrapped = SubjectKey.objects.filter(subject=OuterRef(own)).values("wrapped")
    rows = (
        Subject.objects.filter(subject__in=wanted)
        .annotate(key=Subquery(wrapped))
        .values_list("subject", "resident_id", "resident__home", own, "key", "resident__name_sealed")
    )
    return {
        subject: Named(resident, records.unseal(home, origin, bytes(key), "name", sealed) if key else "")
        for subject, resident, home, origin, key, sealed in rows
    }
