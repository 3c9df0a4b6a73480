"""A database made several times as large by SQL alone: further districts beside the one that is there.

Every row of every growing table is written again under ids worked out from its own, so that each copy hangs together and nobody of
the first district works, lives or promises more than before. What the hot requests of the first district then cost shows whether they
grow with the database. Copies cannot be opened (their sealed columns are bound to other ids), and nobody looks at them.
"""

from collections.abc import Sequence
from typing import Any

import psycopg

TABLES = (
    "people_organisation", "people_neighbourhood", "people_staff", "people_post", "people_household", "people_resident",
    "people_subject", "people_empanelment", "people_searchtoken", "people_accessfact", "people_consent", "trust_subjectkey",
    "trust_entry", "trust_accessline", "loops_loop", "loops_tracking", "talk_outbox", "talk_notice", "care_encounter",
    "care_medication_change", "care_service_note", "care_observation", "care_immunization", "care_condition",
    "care_questionnaire_response", "care_contract", "care_owed", "care_plan", "care_planpromise", "care_classof", "care_attempt",
)  # fmt: skip
UNIQUE_TEXT = {"people_organisation.code", "people_neighbourhood.code", "people_staff.number"}
BLINDS = {"id_blind", "record_blind", "person_blind", "contact_blind", "row_blind"}
NOBODYS = {"people_staff.account_id"}


def grow(url: str, times: int) -> None:
    """Make the database `times` as large. The server is ours: triggers and references rest meanwhile."""
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("SET session_replication_role = replica")
        for table in TABLES:
            _copies(line, table, times - 1)
        line.execute("VACUUM ANALYZE")


def _copies(line: psycopg.Connection[Any], table: str, count: int) -> None:
    columns = [
        (name, kind)
        for name, kind, default, identity in line.execute(_COLUMNS, [table]).fetchall()
        if not default and identity != "YES"
    ]
    if columns:
        names = ", ".join(f'"{name}"' for name, _ in columns)
        line.execute(
            f"INSERT INTO {table} ({names}) SELECT {_values(table, columns)} "  # type: ignore[call-overload]
            f"FROM (SELECT * FROM {table}) t CROSS JOIN generate_series(1, {count}) n"
        )


_COLUMNS = """
    SELECT column_name, data_type, column_default, is_identity FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position"""


def _values(table: str, columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(_value(table, name, kind) for name, kind in columns)


def _value(table: str, name: str, kind: str) -> str:
    column = f't."{name}"'
    if f"{table}.{name}" in NOBODYS:
        return "NULL"
    if kind == "uuid":
        return f"md5({column}::text || n)::uuid"
    if f"{table}.{name}" in UNIQUE_TEXT:
        return f"{column} || '/' || n"
    if name in BLINDS:
        return f"decode(md5({column}::text || n), 'hex')"
    if f"{table}.{name}" == "trust_accessline.subjects":
        return f"(SELECT jsonb_agg(md5(one || n)::uuid) FROM jsonb_array_elements_text({column}) one)"
    return column
