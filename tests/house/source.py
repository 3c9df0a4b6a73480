"""The tree as the house tests see it: parsed once, so that each test reads as the rule it holds."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "yishe"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(*rooms: str) -> list[Path]:
    """Python files of the named rooms (all of them without names); migrations are generated and left out."""
    folders = [SOURCE / room for room in rooms] or [SOURCE]
    return sorted(p for f in folders for p in f.rglob("*.py") if "migrations" not in p.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    yield from (n for n in ast.walk(tree(path)) if isinstance(n, Function))


def where(path: Path, node: ast.AST | None = None) -> str:
    line = f":{getattr(node, 'lineno', 0)}" if node is not None else ""
    return f"{path.relative_to(ROOT)}{line}"
