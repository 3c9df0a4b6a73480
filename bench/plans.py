"""What each statement of a request costs PostgreSQL, counted in buffers: the same on any machine, however busy it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench import floor
from yishe.trust.sending import numbered

GROWING = (
    "loops_loop", "loops_tracking", "care_", "people_resident", "people_subject", "people_empanelment", "people_searchtoken",
    "people_accessfact", "people_consent", "trust_entry", "trust_accessline", "trust_subjectkey", "talk_outbox", "talk_notice",
)  # fmt: skip
READS = ("SELECT", "WITH", "(SELECT")


@dataclass
class Looked:
    """One statement: its text, the buffers it touched, which growing tables it read from end to end, and its plan in lines."""

    sql: str
    buffers: int
    whole: list[str] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)


def looked(line: psycopg.Connection[Any], request: Callable[[], object]) -> list[Looked]:
    """Every SELECT that `request` sends, explained on this connection: by the plan for these values or by the one for any values,
    which PostgreSQL may keep once a statement is prepared, whichever is dearer."""
    request()  # caches of the process are warm, as they are in a served one
    seen = [(sql, params) for sql, params in floor.recorded(request) if _reads(sql)]
    with psycopg.ClientCursor(line) as cursor:
        return [_dearer(cursor, sql, list(params or ())) for sql, params in seen]


def _reads(sql: str) -> bool:
    return sql.lstrip().startswith(READS) and "INSERT INTO" not in sql and "FOR UPDATE" not in sql


def _dearer(cursor: Any, sql: str, params: list[Any]) -> Looked:
    ways = ("force_custom_plan", "force_generic_plan")
    return max((_explained(cursor, sql, params, way) for way in ways), key=lambda one: one.buffers)


def _explained(cursor: Any, sql: str, params: list[Any], way: str) -> Looked:
    cursor.execute(f"SET plan_cache_mode = {way}")
    cursor.execute(f"PREPARE one AS {numbered(sql)}")
    given = f"({', '.join(['%s'] * len(params))})" if params else ""
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE one{given}", params)
    plan = cursor.fetchone()[0][0]["Plan"]
    cursor.execute("DEALLOCATE one")
    cursor.execute("RESET plan_cache_mode")
    nodes = list(_nodes(plan))
    whole = sorted({one["Relation Name"] for one in nodes if _reads_whole(one)})
    buffers = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    return Looked(numbered(sql), buffers, whole, [_said(one) for one in nodes])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _reads_whole(node: dict[str, Any]) -> bool:
    """An empty table is read so by any plan; it says nothing."""
    if node["Node Type"] != "Seq Scan" or not node["Relation Name"].startswith(GROWING):
        return False
    return bool(node["Actual Loops"] and node["Actual Rows"] + node.get("Rows Removed by Filter", 0))


def _said(node: dict[str, Any]) -> str:
    where = node.get("Index Name") or node.get("Relation Name") or ""
    rows, removed = node.get("Actual Rows"), node.get("Rows Removed by Filter", 0)
    return f"{node['Node Type']} {where} rows={rows}x{node.get('Actual Loops')} removed={removed}"
