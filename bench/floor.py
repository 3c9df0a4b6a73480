"""The floor: raw psycopg, the very rows the product writes, in one read and one statement, prepared.

The product's own writes are recorded once (`recorded`) and replayed with fresh ids, so that floor and product insert
the same rows with the same columns and widths. Whatever the product writes in several statements is one here.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.db import connection
from psycopg.types.json import Json, Jsonb

from yishe.trust.sending import numbered

WRITES = ("WITH", "INSERT", "UPDATE")
READ = {
    "create": """
        SELECT a.id, st.id, v.version, r.id, r.centre_id, e.team_id, e.doctor_id, e.social_worker_id, k.wrapped
        FROM trust_token t JOIN trust_account a ON a.id = t.account_id JOIN people_staff st ON st.account_id = a.id
        CROSS JOIN people_directoryversion v
        JOIN people_subject s ON s.subject = $2 JOIN people_resident r ON r.id = s.resident_id
        LEFT JOIN people_empanelment e ON e.resident_id = r.id AND e.until IS NULL
        LEFT JOIN trust_subjectkey k ON k.subject = s.subject
        WHERE t.digest = $1 AND t.revoked_at IS NULL AND a.is_active""",
    "accept": """
        SELECT a.id, st.id, v.version, l.*
        FROM trust_token t JOIN trust_account a ON a.id = t.account_id JOIN people_staff st ON st.account_id = a.id
        CROSS JOIN people_directoryversion v JOIN loops_loop l ON l.id = $2
        WHERE t.digest = $1 AND t.revoked_at IS NULL AND a.is_active""",
}
WORKLIST = """
    WITH me AS (
        SELECT st.id FROM trust_token t JOIN trust_account a ON a.id = t.account_id
        JOIN people_staff st ON st.account_id = a.id
        WHERE t.digest = $1 AND t.revoked_at IS NULL AND a.is_active
    ), mine AS MATERIALIZED (
        SELECT l.* FROM loops_loop l WHERE l.owner = (SELECT id FROM me) AND l.closed_at IS NULL
        ORDER BY l.due_at, l.id LIMIT 20
    ), line AS (
        INSERT INTO trust_accessline
        (home, at, id, actor, action, outcome, relation, purpose, source, address, device, request, subjects)
        SELECT (SELECT home FROM mine LIMIT 1), now(), $2::uuid, me.id, 'worklist', '', '', '', 'api',
               '127.0.0.1', 'bench', $2::uuid, (SELECT jsonb_agg(subject) FROM mine) FROM me
    ) SELECT mine.*, r.id AS resident, r.name_sealed, k.wrapped FROM mine
    JOIN people_subject s ON s.subject = mine.subject JOIN people_resident r ON r.id = s.resident_id
    JOIN trust_subjectkey k ON k.subject = mine.subject"""
"""Twenty rows by the work list's own index first, and only then the names that go with them."""


@dataclass(frozen=True)
class Template:
    """One recorded act: its writes as one statement, and its parameters with the ids that stand for this act."""

    read: str
    sql: str
    params: tuple[Any, ...]
    fresh: tuple[UUID, ...]
    target: tuple[UUID, ...]
    token: bytes


def recorded(act: Callable[[], None]) -> list[tuple[str, Any]]:
    """The statements that `act` sends."""
    seen: list[tuple[str, Any]] = []

    def remember(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((numbered(sql), params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(remember):
        act()
    return seen


def template(
    read: str, seen: list[tuple[str, Any]], known: set[UUID], target: Sequence[UUID], token: bytes
) -> Template:
    """All writes of a recorded act in one statement. `known` are ids that existed before; every other one is fresh."""
    writes = [(sql, params) for sql, params in seen if sql.lstrip().startswith(WRITES)]
    sql, params = writes[0]
    if not sql.lstrip().startswith("WITH"):
        sql = f"WITH w0 AS ({sql}) SELECT 1"
    for number, (more, values) in enumerate(writes[1:]):
        sql = _beside(sql, _further(more, len(params)), number)
        params = [*params, *values]
    fresh = {one for value in params for one in ids_in(value)} - known - set(target)
    return Template(read, sql, tuple(params), tuple(sorted(fresh)), tuple(target), token)


PLACE = re.compile(r"\$(\d+)")


def _further(sql: str, by: int) -> str:
    """The statement with its values counted on from those of the statement before it."""
    return PLACE.sub(lambda found: f"${int(found.group(1)) + by}", sql)


def _beside(sql: str, more: str, number: int) -> str:
    """`more` as a further part of the statement, before its last SELECT."""
    end = re.search(r"\) SELECT (1|\(SELECT count\(\*\) FROM w0\))\s*$", sql)
    if end is None:
        raise ValueError(f"cannot join to {sql[-80:]}")
    return f"{sql[: end.start()]}), x{number} AS ({more}) SELECT {end.group(1)}"


HEX = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def ids_in(value: Any) -> list[UUID]:
    if isinstance(value, UUID):
        return [value]
    return [UUID(found) for found in HEX.findall(_text(value))]


def _text(value: Any) -> str:
    inner = value.obj if isinstance(value, Json | Jsonb) else value
    return str(inner) if isinstance(inner, str | dict | list) else ""


def filled(
    made: Template, target: Sequence[UUID], known: Mapping[UUID, UUID] | None = None
) -> tuple[Any, ...]:
    """The parameters for another target, with ids of their own; of `known` ones it is said which."""
    new = {str(old): str(uuid4()) for old in made.fresh} | {
        str(a): str(b) for a, b in [*zip(made.target, target, strict=True), *(known or {}).items()]
    }
    return tuple(_moved(value, new) for value in made.params)


def _moved(value: Any, new: dict[str, str]) -> Any:
    if isinstance(value, UUID):
        return UUID(new.get(str(value), str(value)))
    if isinstance(value, str):
        return HEX.sub(lambda found: new.get(found.group(), found.group()), value)
    if isinstance(value, Json | Jsonb):
        return Jsonb(_moved_json(value.obj, new))
    return value


def _moved_json(value: Any, new: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _moved_json(one, new) for key, one in value.items()}
    if isinstance(value, list):
        return [_moved_json(one, new) for one in value]
    return _moved(value, new) if isinstance(value, str) else value


Made = Template | tuple[Template, ...] | None
Common = tuple[str, Made]
Values = tuple[Any, ...]
Target = tuple[Values, Values] | tuple[tuple[Values, Values], ...]
"""What the read asks for and what the statement writes; of several acts that follow each other, for each."""


def acting(
    common: Common, targets: Sequence[Target], ready: Callable[[], None]
) -> tuple[list[float], Counter[str]]:
    """One connection: for each act of a target one read and one statement, or for the work list the one statement.

    Both were made beforehand (`filled`). Rows are received and counted, not turned into Python's values, and placeholders are
    numbered already: that is not the database's work."""
    url, made = common
    latencies, outcomes = [], Counter[str]()
    with (
        psycopg.connect(url, autocommit=True, prepare_threshold=0) as line,
        psycopg.RawCursor(line) as cursor,
    ):
        for number, target in enumerate(targets):
            began = time.perf_counter()
            good = _acted(cursor, made, target)
            if number:
                latencies.append((time.perf_counter() - began) * 1000)
            outcomes["ok" if good else "missed"] += 1
            if not number:
                ready()
    return latencies, outcomes


def _acted(cursor: Any, made: Made, target: Any) -> bool:
    if made is None:
        return bool(cursor.execute(WORKLIST, target[0]).rowcount > 0)
    steps = zip(made, target, strict=True) if isinstance(made, tuple) else [(made, target)]
    return all(_step(cursor, one, *values) for one, values in steps)


def _step(cursor: Any, made: Template, keys: Values, written: Values) -> bool:
    found = cursor.execute(made.read, keys).rowcount == 1
    return bool(cursor.execute(made.sql, written).fetchone() == (1,)) and found


Page = tuple[str, tuple[str, str, str, str], int]
"""Where, the four statements of `page_floor`, and how many sources the last one joins."""


def paging(
    common: Page, targets: Sequence[tuple[Any, ...]], ready: Callable[[], None]
) -> tuple[list[float], Counter[str]]:
    """The same for resident pages. A target is the session's digest, the person, the resident, her subject, her home, and an id
    for the access line."""
    url, statements, sources = common
    latencies, outcomes = [], Counter[str]()
    with (
        psycopg.connect(url, autocommit=True, prepare_threshold=0) as line,
        psycopg.RawCursor(line) as cursor,
    ):
        for number, one in enumerate(targets):
            began = time.perf_counter()
            good = _paged(cursor, statements, sources, *one)
            if number:
                latencies.append((time.perf_counter() - began) * 1000)
            outcomes["ok" if good else "missed"] += 1
            if not number:
                ready()
    return latencies, outcomes


def _paged(
    cursor: Any, statements: tuple[str, str, str, str], sources: int,
    session: bytes, person: UUID, resident: UUID, subject: UUID, home: UUID, line: UUID,
) -> bool:  # fmt: skip
    first, loops, told, record = statements
    given = [home, line, person, line, str(subject), person, person, session, resident]
    found = cursor.execute(first, given).rowcount
    cursor.execute(loops, [subject])
    cursor.execute(told, [home, subject, subject])
    cursor.execute(record, [home, subject] * sources)
    return bool(found == 1)
