"""How PostgreSQL keeps the tables that grow: settings of each table, and of the database, put in place after every migrate.

They are data and no migration: an operator who sets another value is not overruled twice (`missing` says what differs, `install`
sets what was never set). Each takes its lock for a moment only and writes no row anew. Why these: docs/decisions/0015.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection

ADDED_TO = {
    "autovacuum_vacuum_insert_scale_factor": "0.02",
    "autovacuum_analyze_scale_factor": "0.02",
}
"""Tables that only grow. By its own rule PostgreSQL looks again after a fifth more: at thirty million rows after six million, and
until then an index alone answers nothing and the newest days are unknown to the planner."""
CHANGED = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_cost_delay": "1",
}
"""Tables whose rows are written anew at every step: what is dead is taken away before it is a tenth of an index."""
IN_PLACE = {**CHANGED, "fillfactor": "85"}
"""The same where what changes stands in no index: a new version fits beside the old one, and no index is touched."""

TABLES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "trust_entry", "trust_accessline", "care_observation", "care_encounter", "care_service_note", "care_medication_change",
            "care_condition", "care_questionnaire_response", "care_immunization", "people_searchtoken", "trust_subjectkey",
        ),
        ADDED_TO,
    ),
    **dict.fromkeys(("loops_loop", "care_owed", "talk_outbox", "talk_notice", "care_classof"), CHANGED),
    **dict.fromkeys(("care_contract", "people_accessfact", "trust_session"), IN_PLACE),
}  # fmt: skip
DATABASE = {"jit": "off", "random_page_cost": "1.1"}
"""Compiling a plan costs more than a page's statement takes; on solid disks and in memory a random page costs what the next one does,
and with the default of 4 whole tables are read where an index leads to a hundred rows."""


def install() -> int:
    """Set what was never set; returns how much it was. Nothing on SQLite. What belongs to another role is left to its owner."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        statements = list(_missing(cursor))
        for statement in statements:
            cursor.execute(statement)
    return len(statements)


def missing() -> list[str]:
    """What `install` would say now. Empty on SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        return list(_missing(cursor))


_TABLES = """
    SELECT c.relname, coalesce(c.reloptions, '{}'), c.relkind FROM pg_class c
    WHERE c.oid = to_regclass(quote_ident(%s)) AND pg_has_role(c.relowner, 'USAGE')"""
_DATABASE = """
    SELECT d.datname, coalesce(s.setconfig, '{}') FROM pg_database d
    LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
    WHERE d.datname = current_database() AND pg_has_role(d.datdba, 'USAGE')"""


def _missing(cursor: Any) -> Iterator[str]:
    for table, wanted in TABLES.items():
        cursor.execute(_TABLES, [table])
        for name, set_, kind in cursor.fetchall():
            lacking = (
                _lacking(set_, wanted) if kind == "r" else {}
            )  # a partitioned table keeps nothing itself
            if lacking:
                said = ", ".join(f"{one} = {value}" for one, value in lacking.items())
                yield f'ALTER TABLE "{name}" SET ({said})'
    cursor.execute(_DATABASE)
    for name, set_ in cursor.fetchall():
        for one, value in _lacking(set_, DATABASE).items():
            yield f"ALTER DATABASE {connection.ops.quote_name(name)} SET {one} = {value}"


def _lacking(set_: list[str], wanted: Mapping[str, str]) -> dict[str, str]:
    known = {one.split("=", 1)[0] for one in set_}
    return {name: value for name, value in wanted.items() if name not in known}
