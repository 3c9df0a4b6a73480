"""Everything wrong with a pack, at once: `file:line: what was wrong; expected what`."""

import difflib
import types
import typing
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from .marked import Marked, Place

SHOWN = 12  # names listed in a message


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake, at one place."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class PackErrors(Exception):
    """A pack that cannot be used. `problems` are sorted by file and line, each once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def one_of(known: Container[str], near: object = "") -> str:
    """`expected one of a, b, c`, shortened; a name that looks meant comes first."""
    names = list(known) if isinstance(known, Iterable) else []
    if not names:
        return "expected none, for none is declared"
    meant = difflib.get_close_matches(str(near), names, 1)
    shown = list(dict.fromkeys([*meant, *names]))[:SHOWN]
    more = f" … ({len(names) - len(shown)} more)" if len(names) > len(shown) else ""
    return f"expected one of {', '.join(shown)}{more}"


class Problems:
    """Collects mistakes while a pack is read."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, place: Place, message: str) -> None:
        self.found.append(Problem(place.file, place.line, message))

    def add_invalid(self, error: ValidationError, marked: Marked, model: type[BaseModel]) -> None:
        """Each complaint of a model, at the line of the value it complains about."""
        for detail in error.errors():
            loc = [step for step in detail["loc"] if step != "[key]"]
            self.add(marked.at(loc).place, _say(dict(detail), loc, model))

    def raise_if_any(self) -> None:
        if self.found:
            raise PackErrors(self.found)


def _say(detail: dict[str, Any], loc: Sequence[Any], model: type[BaseModel]) -> str:
    name = ".".join(str(step) for step in loc) or "the file"
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown name {str(loc[-1])!r}; {one_of(_fields(model, loc[:-1]), loc[-1])}"
    if kind == "missing":
        return f"{name} is missing; expected it here"
    if kind == "literal_error":
        return f"{name} is {detail['input']!r}; expected {context['expected']}"
    if kind == "value_error":
        return f"{name}: {context['error']}"
    if kind == "assertion_error":
        return f"{name}: {detail['msg']}"
    return f"{name} is {_short(detail['input'])}; expected: {_expected(detail['msg'])}"


def _expected(message: str) -> str:
    for opening in ("Input should be ", "Value should "):
        message = message.removeprefix(opening)
    message = message.replace("valid tuple", "list").replace("valid dictionary", "mapping (name: value)")
    return message[:1].lower() + message[1:]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _fields(model: Any, loc: Sequence[Any]) -> list[str]:
    """Names the model at `loc` knows."""
    here: Any = model
    for step in loc:
        here = _step(here, step)
    here = _unwrap(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [field.alias or name for name, field in here.model_fields.items()]
    return []


def _step(here: Any, step: Any) -> Any:
    here = _unwrap(here)
    if isinstance(here, type) and issubclass(here, BaseModel):
        for name, field in here.model_fields.items():
            if step in (name, field.alias):
                return field.annotation
        return None
    inside = typing.get_args(here)
    return inside[-1] if typing.get_origin(here) is dict else inside[0] if inside else None


def _unwrap(here: Any) -> Any:
    while typing.get_origin(here) in (typing.Annotated, typing.Union, types.UnionType):
        inside = [part for part in typing.get_args(here) if part is not type(None)]
        here = inside[0]
    return here
