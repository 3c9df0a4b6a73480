"""Who looked at whom, and who wrote about whom. Insert-only, outside the chain, sealed by the daily digest.

One line per request that shows personal data; an act that writes leaves its line in its own commit; what was refused
leaves one too. From where the request comes is added here (`trust.origin`).
"""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from yishe.trust import ids, origin, quick
from yishe.trust.commit import Bundle
from yishe.trust.models import AccessLine


def line(
    bundle: Bundle | None, *, home: uuid.UUID, actor: uuid.UUID, action: str, subjects: Iterable[uuid.UUID],
    at: datetime, relation: str = "", purpose: str = "", source: str = "",
) -> None:  # fmt: skip
    """Write that `actor` saw `subjects`. Without a bundle it is committed at once; nobody seen, nothing written."""
    seen = [str(s) for s in subjects]
    if seen:
        _write(bundle, home, actor, at, action=action[:64], relation=relation[:64], purpose=purpose[:200],
               source=source[:64], subjects=seen)  # fmt: skip


def deed(
    bundle: Bundle | None, *, home: uuid.UUID, actor: uuid.UUID, action: str, at: datetime,
    subjects: Iterable[uuid.UUID] = (), relation: str = "", purpose: str = "",
) -> None:  # fmt: skip
    """Write that `actor` did `action`, also when it concerns no resident (looking at the audit, an export of counts)."""
    _write(bundle, home, actor, at, action=action[:64], relation=relation[:64], purpose=purpose[:200], source="",
           subjects=[str(s) for s in subjects])  # fmt: skip


def refusal(
    *, home: uuid.UUID, actor: uuid.UUID, action: str, outcome: str, at: datetime,
    subjects: Iterable[uuid.UUID] = (), purpose: str = "",
) -> None:  # fmt: skip
    """Write that `actor` asked for `action` and was refused; `outcome` is the refusal's code."""
    _write(None, home, actor, at, action=action[:64], outcome=outcome[:40], purpose=purpose[:200], source="",
           subjects=[str(s) for s in subjects])  # fmt: skip


def _write(
    bundle: Bundle | None,
    home: uuid.UUID,
    actor: uuid.UUID,
    at: datetime,
    *,
    source: str,
    **said: object,
) -> None:
    here = origin.current()
    target = bundle if bundle is not None else Bundle()
    target.insert(
        AccessLine, home=home, at=at, id=ids.new(), actor=actor, source=source or here.door, address=here.address,
        device=here.device, request=here.request, **said,
    )  # fmt: skip
    if bundle is None:
        target.commit()


def among(rows: QuerySet[AccessLine], subjects: Iterable[uuid.UUID]) -> QuerySet[AccessLine]:
    """Those of `rows` in which any of the subjects was seen."""
    found = Q(pk__in=[])
    for one in subjects:
        said = (
            {"subjects__contains": [str(one)]}
            if connection.vendor == "postgresql"
            else {"said__contains": str(one)}
        )
        found |= Q(**said)
    if connection.vendor != "postgresql":
        rows = rows.annotate(said=Cast("subjects", TextField()))
    return rows.filter(found)


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
