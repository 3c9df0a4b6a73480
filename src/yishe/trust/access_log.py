"""Who looked at whom. One line per request that shows personal data; insert-only, outside the chain."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from yishe.trust import ids, quick
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


def of_subjects(
    subjects: Iterable[uuid.UUID], until: datetime | None = None, limit: int = 200
) -> list[AccessLine]:
    """The newest lines in which any of the subjects was seen, up to a moment."""
    wanted = [str(one) for one in subjects]
    if not wanted:
        return []
    if connection.vendor == "postgresql":
        seen, values = (
            " OR ".join(["l.subjects @> %s::jsonb"] * len(wanted)),
            [f'["{one}"]' for one in wanted],
        )
    else:
        seen, values = " OR ".join(["l.subjects LIKE %s"] * len(wanted)), [f'%"{one}"%' for one in wanted]
    when, moment = (" AND l.at <= %s", [until]) if until else ("", [])
    sql = (
        f"SELECT {quick.columns(AccessLine, 'l')} FROM trust_accessline l WHERE ({seen}){when} "
        "ORDER BY l.at DESC, l.id DESC LIMIT %s"
    )
    return [quick.instance(AccessLine, row) for row in quick.rows(sql, [*values, *moment, limit])]
