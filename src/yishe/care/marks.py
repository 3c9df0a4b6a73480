"""That a round over everybody came to its end: one ledger entry a centre, about no resident. The next round looks only at whom
something may have changed of since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard
from uuid import UUID, uuid5

from yishe.people import packs
from yishe.people.actors import SYSTEM
from yishe.people.particulars import ZONE
from yishe.trust import ledger
from yishe.trust.commit import Bundle
from yishe.trust.models import Entry


@dataclass(frozen=True)
class Mark:
    """When a centre's last round of a kind began, and under which packs."""

    at: datetime
    pack: str


def ended(homes: Iterable[UUID], kind: str, at: datetime, data: Mapping[str, Any]) -> None:
    """A round of this kind that began at `at` came to its end for these centres."""
    bundle, pack = Bundle(), packs.in_force().sha256
    for home in sorted(homes):
        stream = _stream(home, kind)
        ledger.append(
            bundle, ledger.head(home, stream), home=home, stream=stream, kind=kind, actor=SYSTEM.staff_id, at=at, pack=pack,
            data=dict(data),
        )  # fmt: skip
    bundle.commit()


def last(home: UUID, kind: str) -> Mark | None:
    """The last one of a centre; None before the first."""
    found = Entry.objects.filter(home=home, stream=_stream(home, kind)).order_by("-seq").first()
    return Mark(found.recorded_at, found.pack) if found else None


def holds(mark: Mark | None, at: datetime) -> TypeGuard[Mark]:
    """Whether what was said then of whoever has not changed is said now as well: by the same packs, of which no rule of years or
    classes began or ended meanwhile."""
    if mark is None or mark.pack != packs.in_force().sha256:
        return False
    then, now = (one.astimezone(ZONE).date() for one in (mark.at, at))
    return not packs.in_force().turned(then, now)


def _stream(home: UUID, kind: str) -> UUID:
    return uuid5(home, kind)
