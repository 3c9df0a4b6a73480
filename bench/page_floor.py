"""The floor of the resident page: the rows it reads and the line it leaves, by the fewest prepared statements, and nothing made of them.

The product asks thirteen times, each source once when it is first wanted. Here it is four: who has come, what waits for him, the resident
whole, and the access line; her loops; what the ledger says of loops and class; and all sources of the record in one.
"""

from functools import cache

from yishe.care import case_events, timeline
from yishe.care.class_models import ClassOf
from yishe.care.models import Recorded
from yishe.loops.models import Loop
from yishe.people import arrivals, whole
from yishe.trust import columns, quick
from yishe.trust.models import Entry
from yishe.trust.sending import numbered

SIZE = 31
"""A page of the timeline and the row that tells whether another follows."""


@cache
def statements() -> tuple[str, str, str, str]:
    """The four."""
    first = f"""
        WITH line AS (INSERT INTO trust_accessline
            (home, at, id, actor, action, outcome, relation, purpose, source, address, device, request, subjects)
            SELECT %s::uuid, now(), %s::uuid, %s::uuid, 'read.timeline', '', 'contract_team', 'care', 'web',
                   '127.0.0.1', 'bench', %s::uuid, jsonb_build_array(%s::text))
        SELECT came.*, her.*, (SELECT COUNT(*) FROM talk_notice n WHERE n.person = %s AND n.read_at IS NULL),
               (SELECT COUNT(*) FROM loops_loop l WHERE l.owner = %s AND l.closed_at IS NULL)
        FROM ({arrivals._sql()}) came CROSS JOIN ({whole._sql()}) her"""  # noqa: SLF001  the very rows
    loops = f"SELECT {quick.columns(Loop, 'l')} FROM loops_loop l WHERE l.subject = %s"
    spoken = ", ".join(f"'{kind}'" for kind in case_events.SPOKEN)
    told = f"""
        SELECT * FROM (SELECT {quick.columns(Entry, "e")} FROM {ClassOf._meta.db_table} c
            JOIN trust_entry e ON e.home = c.home AND e.stream = c.id WHERE c.home = %s AND c.subject = %s) classed
        UNION ALL SELECT * FROM (SELECT {quick.columns(Entry, "e")} FROM loops_loop l
            JOIN trust_entry e ON e.home = l.home AND e.stream = l.id WHERE l.subject = %s AND e.kind IN ({spoken})
            ORDER BY e.occurred_at DESC, e.stream DESC, e.seq DESC LIMIT {SIZE + case_events.ROOM}) of_loops"""
    return numbered(first), numbered(loops), numbered(told), numbered(_record())


def _record() -> str:
    models = [model for model, _ in timeline.SOURCES.values()]
    types = {c.attname: c for model in models for c in columns.of(model).values()}
    return " UNION ALL ".join(
        f"SELECT * FROM ({_source(model, types)}) s{n}" for n, model in enumerate(models)
    )


def _source(model: type[Recorded], types: dict[str, columns.Column]) -> str:
    """Its rows that stand, newest first, with the other sources' columns left empty: what is joined has one shape."""
    table, own = model._meta.db_table, columns.of(model)
    shown = ", ".join(f"r.{c.name}" if name in own else f"NULL{c.cast}" for name, c in types.items())
    finished = (
        f" AND r.status IN ({', '.join(repr(one) for one in model.finished_as)})" if model.finished_as else ""
    )
    return (
        f"SELECT {shown} FROM {table} r WHERE r.home = %s AND r.subject = %s AND NOT r.withdrawn{finished} AND NOT EXISTS "
        f"(SELECT 1 FROM {table} later WHERE later.home = r.home AND later.supersedes = r.id) "
        f"ORDER BY r.occurred_at DESC, r.id DESC LIMIT {SIZE}"
    )
