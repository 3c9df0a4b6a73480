"""Behind a pooler a session is lent for one transaction: nothing may be left in one (docs/decisions/0018)."""

import re

from tests.house.source import SOURCE

LEFT = re.compile(
    r"pg_(?:try_)?advisory_lock|\bWITH HOLD\b|\bCREATE (?:GLOBAL |LOCAL )?TEMP|[\"'`(;\s]LISTEN \w|\bPREPARE \w+ AS\b"
    r"|[\"'`;]\s*SET (?!LOCAL\b|CONSTRAINTS\b)[\w.]+ (?:=|TO)|set_config\([^)]*,\s*false\)"
)
STRAIGHT = {"talk/bell.py", "doors/cli/database.py", "trust/online.py"}
"""Those speak to the database itself (trust.straight)."""


def test_nothing_is_left_in_a_session_that_a_pooler_lends_on() -> None:
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if LEFT.search(path.read_text(encoding="utf-8"))}  # fmt: skip
    assert found - STRAIGHT == set()


def test_what_would_be_left_is_seen() -> None:
    assert LEFT.search('execute("SET lock_timeout = 5")')
    assert LEFT.search("SELECT pg_advisory_lock(1)")
    assert LEFT.search('f"LISTEN yishe"')
    assert not LEFT.search('"BEGIN; SET LOCAL lock_timeout = 5"')
    assert not LEFT.search("SELECT pg_advisory_xact_lock(1)")
    assert not LEFT.search("UPDATE a SET b = 1")
