"""What happened at the door, for the person himself and for the auditor. Insert-only; no secret, no name."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from yishe.trust import ids
from yishe.trust.commit import Bundle
from yishe.trust.models import SignInEvent


def note(
    bundle: Bundle | None, kind: str, account: UUID | None, at: datetime, way: str = "",
    device: UUID | None = None, source: str = "", by: UUID | None = None,
) -> None:  # fmt: skip
    """One line; `by` when somebody else did it for him. Without a bundle it is committed at once."""
    target = bundle if bundle is not None else Bundle()
    target.insert(
        SignInEvent, id=ids.new(), at=at, account=account, kind=kind, way=way[:24], device=device, source=source[:64],
        by=by,
    )  # fmt: skip
    if bundle is None:
        target.commit()


def recent(account: UUID, limit: int = 20) -> Sequence[SignInEvent]:
    """What happened last, the newest first."""
    return list(SignInEvent.objects.filter(account=account).order_by("-at", "-id")[:limit])
