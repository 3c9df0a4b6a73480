"""What each room leaves to the others (docs/architecture.md)."""

import ast
import re
from pathlib import Path

from django.conf import settings
from tests.house.source import ROOT, SOURCE, modules, tree, where

EMPTY_WORDS = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "services",
    "service",
    "managers",
    "manager",
    "misc",
}
BELOW_THE_DOORS = ["policy", "trust", "people", "talk", "loops", "community", "care", "insight"]
CLOCK = SOURCE / "trust" / "clock.py"


def test_no_module_is_named_after_nothing() -> None:
    named = [where(p) for p in modules() if {p.stem, *p.parent.relative_to(SOURCE).parts} & EMPTY_WORDS]
    assert not named


def test_doors_call_rooms_and_never_the_tables() -> None:
    found = [
        where(path, node)
        for path in modules("doors")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "save", "bulk_create", "_meta"}
    ]
    assert not found


def reads_the_clock(node: ast.AST) -> bool:
    """`clock.now()`, `timezone.now()`, `datetime.now(…)`, `utcnow()`, `date.today()`, `time.time()`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner = ast.unparse(node.func.value)
    return node.func.attr in {"now", "utcnow", "today"} or (owner, node.func.attr) == ("time", "time")


def test_time_is_an_argument_below_the_doors() -> None:
    found = [
        where(path, node)
        for path in modules(*BELOW_THE_DOORS)
        if path != CLOCK
        for node in ast.walk(tree(path))
        if reads_the_clock(node)
    ]
    assert not found


def test_imports_stand_at_the_top() -> None:
    found = [
        where(path, inner)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not found


def test_rules_are_not_hidden_in_signals() -> None:
    listening = re.compile(r"django\.db\.models\.signals|@receiver\(|(pre|post)_(save|delete)\.connect")
    found = [where(p) for p in modules() if listening.search(p.read_text(encoding="utf-8"))]
    # Triggers are put back after every migrate: SQLite loses them with a remade table. No rule is in it.
    assert set(found) <= {where(SOURCE / "trust" / "apps.py")}


def test_no_foreign_key_points_at_anything() -> None:
    found = [where(p) for p in modules() if "GenericForeignKey" in p.read_text(encoding="utf-8")]
    assert not found


def loads_from_outside(path: Path) -> list[str]:
    pattern = re.compile(
        r"""(?:src|href|action|hx-(?:get|post)|data-src)\s*=\s*["']?\s*(?:https?:)?//"""
        r"""|@import\s+(?:url\()?["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//"""
        r"""|\b(?:fetch|importScripts|EventSource|WebSocket)\(\s*["'`](?:https?|wss?):"""
    )
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"{where(path)}:{n}" for n, line in enumerate(lines, 1) if pattern.search(line)]


def test_pages_load_nothing_from_outside() -> None:
    pages = [p for kind in ("*.html", "*.css", "*.js", "*.svg") for p in (SOURCE / "doors").rglob(kind)]
    assert not [hit for page in pages for hit in loads_from_outside(page)]


def test_no_personal_value_reaches_a_log() -> None:
    personal = re.compile(
        r"log\w*\.(?:debug|info|warning|error|exception)\([^)]*\b(?:id_number|phone|address)\b"
    )
    found = [where(p) for p in modules() if personal.search(p.read_text(encoding="utf-8"))]
    assert not found


def test_locks_name_no_place_to_load_from() -> None:
    places = re.compile(
        r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host|^-[if]\b", re.MULTILINE
    )
    found = [p.name for p in ROOT.glob("requirements*.lock") if places.search(p.read_text(encoding="utf-8"))]
    assert not found


SECOND_DATABASE = re.compile(r"DATABASE_ROUTERS|target_session_attrs|pg_is_in_recovery")
ALIAS = "DEFAULT_DB_ALIAS"


def names_a_database(node: ast.AST) -> bool:
    """`.using(…)`, `.db_manager(…)`, `using="…"`, `connections["…"]` of anything but the one there is."""
    if isinstance(node, ast.Call):
        named = [one for one in node.keywords if one.arg == "using" and ast.unparse(one.value) != "self._db"]
        called = isinstance(node.func, ast.Attribute) and node.func.attr in {"using", "db_manager"}
        return bool(named) or called
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("connections"):
        return ast.unparse(node.slice) != ALIAS
    return False


def test_nothing_is_read_from_a_replica() -> None:
    """One database, for reading and for writing: what lags cannot be seen (docs/operations.md)."""
    found = [where(p, node) for p in modules() for node in ast.walk(tree(p)) if names_a_database(node)]
    found += [where(p) for p in modules() if SECOND_DATABASE.search(p.read_text(encoding="utf-8"))]
    assert not found
    assert set(settings.DATABASES) == {"default"}
    assert not settings.DATABASE_ROUTERS


def test_a_second_database_would_be_seen() -> None:
    for named in (
        'Loop.objects.using("b")', 'connections["b"]', 'one.save(using="b")', "Loop.objects.db_manager(b)"
    ):  # fmt: skip
        assert any(map(names_a_database, ast.walk(ast.parse(named)))), named
