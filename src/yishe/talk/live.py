"""What open screens are told, read by outbox id.

On PostgreSQL ids are handed out before their transactions commit, so a higher id may be seen first. `Tail`
therefore remembers which ids below the newest it has not yet seen and asks for them again for a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Max, Q

from yishe.talk.models import Outbox

TIMELINE = "timeline"
NOTICE = "notice"
ACCESS = "access"
LOOP = "loop"
PATIENCE_READS = 60
GAP_LIMIT = 2000


def event_of(row: Outbox) -> str:
    """The stream's event name: loop, notice, timeline or access."""
    for name in (TIMELINE, NOTICE, ACCESS):
        if row.topic == name or row.topic.startswith(f"{name}."):
            return name
    return LOOP


def since(person: UUID, last_id: int, limit: int = 500) -> Sequence[Outbox]:
    """Rows for one person after `last_id`, in order."""
    return list(Outbox.objects.filter(person=person, id__gt=last_id).order_by("id")[:limit])


def newest() -> int:
    """The highest id, 0 when nothing was ever told."""
    return Outbox.objects.aggregate(last=Max("id"))["last"] or 0


@dataclass
class Tail:
    """Reads each outbox row once, whatever the order of commits.

    `safe` is the id up to which everything has been read; a listener that resumes from it misses nothing.
    """

    last: int
    gaps: dict[int, int] = field(default_factory=dict)

    @property
    def safe(self) -> int:
        return min(self.gaps) - 1 if self.gaps else self.last

    def read(self, limit: int = 2000, *, rung: bool = False) -> Sequence[Outbox]:
        """New rows of everybody since the last call, in order of id. `rung`: called by the bell, out of turn; only
        reads in turn wear out the patience with ids that do not come."""
        wanted = Q(id__gt=self.last)
        if self.gaps:
            wanted |= Q(id__in=list(self.gaps))
        rows = list(Outbox.objects.filter(wanted).order_by("id")[:limit])
        self._note(rows, 0 if rung else 1)
        return rows

    def _note(self, rows: Sequence[Outbox], worn: int) -> None:
        for row in rows:
            self.gaps.pop(row.id, None)
        self.gaps = {gap: reads + worn for gap, reads in self.gaps.items() if reads < PATIENCE_READS}
        seen = {row.id for row in rows}
        highest = max(seen, default=self.last)
        began = self.last or min(
            seen, default=0
        )  # an empty outbox says nothing of what was before its first row
        for missing in range(max(began, highest - GAP_LIMIT) + 1, highest):
            if missing not in seen:
                self.gaps[missing] = 0
        self.last = max(self.last, highest)
