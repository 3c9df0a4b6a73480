"""What each statement of a request costs PostgreSQL, counted in buffers: the same on any machine, however busy it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bench import floor
from yishe.trust.sending import numbered

GROWING = ("loops_", "care_", "people_resident", "people_subject", "people_empanelment", "people_searchtoken", "people_accessfact",
           "trust_entry", "trust_accessline", "trust_subjectkey", "talk_outbox", "talk_notice")  # fmt: skip


@dataclass
class Looked:
    """One statement: its text, the buffers it touched, and which growing tables it read from end to end."""

    sql: str
    buffers: int
    whole: list[str] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)


def looked(url: str, request: Callable[[], None]) -> list[Looked]:
    """Every SELECT that `request` sends, explained with the plan that PostgreSQL keeps for it once it is prepared (the dearer of
    the plan for these values and the one for any)."""
    request()  # caches of the process are warm, as they are in a served one
    seen = [one for one in floor.recorded(request) if one[0].lstrip().startswith(("SELECT", "WITH", "("))]
    with psycopg.connect(url, autocommit=True) as line, psycopg.ClientCursor(line) as cursor:
        return [_dearer(cursor, sql, list(params or ())) for sql, params in seen if "INSERT" not in sql]


def _dearer(cursor: Any, sql: str, params: list[Any]) -> Looked:
    return max(
        (_explained(cursor, sql, params, how) for how in ("auto", "force_generic_plan")),
        key=lambda one: one.buffers,
    )


def _explained(cursor: Any, sql: str, params: list[Any], how: str) -> Looked:
    cursor.execute(f"SET plan_cache_mode = {how}")
    cursor.execute("DEALLOCATE ALL")
    cursor.execute(f"PREPARE one AS {numbered(sql)}")
    given = f"({', '.join(['%s'] * len(params))})" if params else ""
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE one{given}", params)
    plan = cursor.fetchone()[0][0]["Plan"]
    buffers = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    nodes = list(_nodes(plan))
    whole = sorted({one["Relation Name"] for one in nodes if _reads_whole(one)})
    return Looked(numbered(sql), buffers, whole, [_said(one) for one in nodes])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _reads_whole(node: dict[str, Any]) -> bool:
    return (
        node["Node Type"] == "Seq Scan"
        and node["Relation Name"].startswith(GROWING)
        and node.get("Actual Loops", 1) > 0
    )


def _said(node: dict[str, Any]) -> str:
    where = node.get("Index Name") or node.get("Relation Name") or ""
    rows, removed = node.get("Actual Rows"), node.get("Rows Removed by Filter", 0)
    return f"{node['Node Type']} {where} rows={rows}x{node.get('Actual Loops')} removed={removed}"
