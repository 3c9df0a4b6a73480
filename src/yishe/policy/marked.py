"""YAML that remembers where each value was written, so that every complaint can name file and line.

Scalars follow YAML 1.2's core rules, not 1.1: `on`, `no` and `12:20` stay text; dates stay text until a model
asks for one. Keys are always text. A key written twice is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True)
class Place:
    """Where something stands: shown as `file:line`."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Marked:
    """One YAML value (`dict[str, Marked]`, `list[Marked]` or a scalar) and its place."""

    value: Any
    place: Place

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def get(self, key: str) -> "Marked | None":
        return self.value.get(key) if isinstance(self.value, dict) else None

    def at(self, path: Sequence[object]) -> "Marked":
        """The value at `path`, or the nearest one above it that exists."""
        here = self
        for step in path:
            if isinstance(here.value, dict) and str(step) in here.value:
                here = here.value[str(step)]
            elif isinstance(here.value, list) and isinstance(step, int) and step < len(here.value):
                here = here.value[step]
        return here

    def items(self) -> list[tuple[str, "Marked"]]:
        return list(self.value.items()) if isinstance(self.value, dict) else []


class Unreadable(Exception):
    """A file that is no proper YAML: `problems` are (place, message)."""

    def __init__(self, problems: list[tuple[Place, str]]) -> None:
        super().__init__("; ".join(f"{place}: {message}" for place, message in problems))
        self.problems = problems


def read(path: Path, name: str) -> Marked:
    """Read one file; `name` is how it is called in messages. Raises Unreadable, with all doubled keys at once."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError as error:
        problem = f"bytes that are not UTF-8 ({error.reason}); expected a UTF-8 text file"
        raise Unreadable([(Place(name, 1), problem)]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Unreadable([(Place(name, line), f"not readable as YAML: {error.problem}")]) from None
    if node is None:
        return Marked({}, Place(name, 1))
    problems: list[tuple[Place, str]] = []
    marked = _mark(node, name, problems)
    if problems:
        raise Unreadable(problems)
    return marked


def merge(below: Marked, above: Marked) -> Marked:
    """`above` laid over `below`: mappings by key, everything else (lists, `null` too) replaced whole."""
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    laid = dict(below.value)
    for key, child in above.value.items():
        laid[key] = merge(laid[key], child) if key in laid else child
    return Marked(laid, above.place)


def _mark(node: yaml.Node, name: str, problems: list[tuple[Place, str]]) -> Marked:
    place = Place(name, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return Marked(_mapping(node, name, problems), place)
    if isinstance(node, yaml.SequenceNode):
        return Marked([_mark(child, name, problems) for child in node.value], place)
    return Marked(_scalar(node) if isinstance(node, yaml.ScalarNode) else None, place)


def _mapping(node: yaml.MappingNode, name: str, problems: list[tuple[Place, str]]) -> dict[str, Marked]:
    children: dict[str, Marked] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        if key in children:
            first = children[key].place.line
            place = Place(name, key_node.start_mark.line + 1)
            problems.append(
                (place, f"{key!r} is written twice; expected each name once (first at line {first})")
            )
            continue
        child = _mark(value_node, name, problems)
        # an error about a value is looked for at its key
        children[key] = Marked(child.value, Place(name, key_node.start_mark.line + 1))
    return children


def _scalar(node: yaml.ScalarNode) -> Any:
    text = node.value
    if node.style in ("'", '"', "|", ">"):
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
