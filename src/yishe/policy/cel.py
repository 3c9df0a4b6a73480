"""Conditions in CEL (Common Expression Language), checked against declared facts when a pack is loaded.

The library parses and runs; `cel_types` checks every name and type first, so that a condition cannot fail at night.
An empty condition always holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cel as library

from . import cel_types
from .cel_types import CelError
from .reactions import FactKind
from .refusals import Invalid

__all__ = ["CelError", "Condition", "compile", "require"]

_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,), "int": (int,), "double": (float, int), "bool": (bool,), "strings": (list, tuple),
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A compiled condition; `text` as written."""

    text: str
    program: Any

    def holds(self, data: Mapping[str, object]) -> bool:
        """Whether the condition is true of a fact's fields (see `require`)."""
        if self.program is None:
            return True
        return bool(self.program.execute({name: _listed(value) for name, value in data.items()}))


def compile(expression: str, fact: FactKind) -> Condition:  # noqa: A001 - the word CEL itself uses
    """Check and compile. Raises CelError naming the first wrong name, type or value and what was expected."""
    if not expression.strip():
        return Condition("", None)
    cel_types.check(expression, fact)
    return ready(expression)


def ready(expression: str) -> Condition:
    """Compile what was checked before. Raises CelError when it is not readable."""
    try:
        return Condition(expression, library.compile(expression))
    except ValueError as error:
        raise CelError(f"not readable as CEL: {error}") from None


def require(declared: FactKind, data: Mapping[str, object], name: str) -> dict[str, object]:
    """The declared fields of a fact. Raises Invalid when one is missing or of another type; others are left out."""
    for code, field in declared.fields.items():
        value = data.get(code)
        wrong_bool = isinstance(value, bool) and field.type != "bool"
        if wrong_bool or not isinstance(value, _PYTHON[field.type]):
            raise Invalid(
                "fact.field_type", f"事实“{name}”的字段 {code} 应为 {field.type}", fact=name, field=code
            )
        if field.values and value not in field.values:
            raise Invalid(
                "fact.field_value", f"事实“{name}”的字段 {code} 不能是 {value}", fact=name, field=code
            )
    return {code: data[code] for code in declared.fields}


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
