"""Who looked at whom. One line per request that shows personal data; insert-only, outside the chain."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from yishe.trust import ids
from yishe.trust.commit import Bundle
from yishe.trust.models import AccessLine


def line(
    bundle: Bundle | None, *, home: uuid.UUID, actor: uuid.UUID, action: str, subjects: Iterable[uuid.UUID],
    at: datetime, relation: str = "", purpose: str = "", source: str = "",
) -> None:  # fmt: skip
    """Write that `actor` saw `subjects`. Without a bundle it is committed at once; nobody seen, nothing written."""
    seen = [str(s) for s in subjects]
    if not seen:
        return
    target = bundle if bundle is not None else Bundle()
    target.insert(
        AccessLine, id=ids.new(), home=home, at=at, actor=actor, action=action[:64], relation=relation[:64],
        purpose=purpose[:200], source=source[:64], subjects=seen,
    )  # fmt: skip
    if bundle is None:
        target.commit()
