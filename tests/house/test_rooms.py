"""What each room leaves to the others (docs/architecture.md)."""

import ast
import re
from pathlib import Path

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
