"""A type checker for the part of CEL that packs use.

Allowed: field names, text, numbers, true/false, lists, `! - + * / %`, comparisons, `in`, `&& ||`, `a ? b : c`,
`size(x)` and the methods contains, startsWith, endsWith, matches. Anything else is refused, on purpose:
a condition is read by nurses and regulators. Types: string, int, double, bool, strings (list), ints, doubles.
"""

import difflib
import re
from dataclasses import dataclass

from .reactions import FactKind

_TOKEN = re.compile(
    r"\s*(?:(?P<double>\d+\.\d+)|(?P<int>\d+)|(?P<string>'[^'\\]*'|\"[^\"\\]*\")"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<op>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:()\[\],.]))"
)
_METHODS = ("contains", "startsWith", "endsWith", "matches")
_LISTS = {"string": "strings", "int": "ints", "double": "doubles"}
_NUMBERS = ("int", "double")
# binding power of infix operators
_POWER = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3, "+": 4, "-": 4,
    "*": 5, "/": 5, "%": 5,
}  # fmt: skip


class CelError(ValueError):
    """What is wrong with a condition, and what was expected."""


@dataclass(frozen=True)
class Typed:
    """The type of a part. `field` when it is a field; `literals` when it is text written in the condition."""

    type: str
    field: str | None = None
    literals: tuple[str, ...] = ()


def check(expression: str, fact: FactKind) -> None:
    """Raises CelError unless the whole expression is well typed and answers a bool."""
    reader = _Reader(_tokens(expression), fact)
    result = reader.choice()
    reader.end()
    if result.type != "bool":
        raise CelError(f"the condition answers {result.type}; expected bool")


def names(expression: str) -> frozenset[str]:
    """The fields an expression speaks of. Raises CelError when it is not readable."""
    words = {text for kind, text in _tokens(expression) if kind == "name"}
    return frozenset(words - {"true", "false", "in", "size", *_METHODS})


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    text, position = expression.rstrip(), 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise CelError(f"not readable at {text[position:].strip()[:20]!r}; expected an expression in CEL")
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        position = found.end()
    return tokens


class _Reader:
    """Recursive descent with operator binding powers."""

    def __init__(self, tokens: list[tuple[str, str]], fact: FactKind) -> None:
        self.tokens = tokens
        self.fact = fact
        self.next = 0

    def peek(self) -> str:
        return self.tokens[self.next][1] if self.next < len(self.tokens) else ""

    def take(self, expected: str | None = None) -> tuple[str, str]:
        if self.next >= len(self.tokens):
            raise CelError(f"ends too early; expected {repr(expected) if expected else 'a value'}")
        kind, text = self.tokens[self.next]
        if expected is not None and text != expected:
            raise CelError(f"{text!r} is not expected here; expected {expected!r}")
        self.next += 1
        return kind, text

    def end(self) -> None:
        if self.next < len(self.tokens):
            raise CelError(f"{self.peek()!r} is not expected here; expected an operator or the end")

    def choice(self) -> Typed:
        condition = self.infix(0)
        if self.peek() != "?":
            return condition
        _need(condition, ("bool",), "?")
        self.take("?")
        first = self.choice()
        self.take(":")
        second = self.choice()
        if first.type != second.type:
            raise CelError(f"? : answers {first.type} or {second.type}; expected one type")
        return Typed(first.type)

    def infix(self, power: int) -> Typed:
        left = self.prefix()
        while _POWER.get(self.peek(), 0) > power:
            operator = self.take()[1]
            right = self.infix(_POWER[operator])
            left = self.combine(left, operator, right)
        return left

    def prefix(self) -> Typed:
        if self.peek() == "!":
            self.take()
            return _need(self.prefix(), ("bool",), "!")
        if self.peek() == "-":
            self.take()
            return _need(self.prefix(), _NUMBERS, "-")
        value = self.atom()
        while self.peek() == ".":
            value = self.method(value)
        return value

    def atom(self) -> Typed:
        kind, text = self.take()
        if kind in ("int", "double"):
            return Typed(kind)
        if kind == "string":
            return Typed("string", literals=(text[1:-1],))
        if text == "(":
            inside = self.choice()
            self.take(")")
            return inside
        if text == "[":
            return self.items()
        if kind == "name":
            return self.name(text)
        raise CelError(f"{text!r} is not expected here; expected a field or a value")

    def name(self, text: str) -> Typed:
        if text in ("true", "false"):
            return Typed("bool")
        if text == "size":
            self.take("(")
            _need(self.choice(), ("string", "strings", "ints", "doubles"), "size")
            self.take(")")
            return Typed("int")
        field = self.fact.fields.get(text)
        if field is None or self.peek() == "(":
            known = ", ".join(self.fact.fields)
            near = difflib.get_close_matches(text, self.fact.fields, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise CelError(f"unknown name {text!r}{hint}; expected one of {known}")
        return Typed(field.type, field=text)

    def items(self) -> Typed:
        inside: list[Typed] = []
        while self.peek() != "]":
            inside.append(self.choice())
            if self.peek() != "]":
                self.take(",")
        self.take("]")
        kinds = {item.type for item in inside}
        if len(kinds) != 1 or not kinds <= set(_LISTS):
            raise CelError(f"a list of {', '.join(sorted(kinds)) or 'nothing'}; expected values of one type")
        return Typed(_LISTS[kinds.pop()], literals=tuple(text for item in inside for text in item.literals))

    def method(self, on: Typed) -> Typed:
        self.take(".")
        name = self.take()[1]
        if name not in _METHODS:
            raise CelError(f"unknown method {name!r}; expected one of {', '.join(_METHODS)}")
        _need(on, ("string",), name)
        self.take("(")
        _need(self.choice(), ("string",), name)
        self.take(")")
        return Typed("bool")

    def combine(self, left: Typed, operator: str, right: Typed) -> Typed:
        if operator in ("&&", "||"):
            _need(left, ("bool",), operator)
            _need(right, ("bool",), operator)
            return Typed("bool")
        if operator in ("+", "-", "*", "/", "%"):
            _need(left, (*_NUMBERS, "string") if operator == "+" else _NUMBERS, operator)
            return Typed(_same(left, right, operator))
        if operator == "in":
            if right.type != _LISTS.get(left.type):
                raise CelError(f"{left.type} in {right.type}; expected a list of {left.type}")
        else:
            _same(left, right, operator)
        if operator not in ("==", "!=", "in"):
            _need(left, (*_NUMBERS, "string"), operator)
        self.values(left, right)
        self.values(right, left)
        return Typed("bool")

    def values(self, side: Typed, other: Typed) -> None:
        """A field with closed values is compared with these only."""
        allowed = self.fact.fields[side.field].values if side.field else ()
        wrong = [text for text in other.literals if text not in allowed] if allowed else []
        if wrong:
            raise CelError(f"{side.field} is never {wrong[0]!r}; expected one of {', '.join(allowed)}")


def _need(value: Typed, types: tuple[str, ...], operator: str) -> Typed:
    if value.type not in types:
        what = f"{value.field} is {value.type}" if value.field else f"a {value.type}"
        raise CelError(f"{what} beside {operator!r}; expected {' or '.join(types)}")
    return Typed(value.type)


def _same(left: Typed, right: Typed, operator: str) -> str:
    if left.type != right.type:
        name = left.field or right.field
        what = f"{name}: " if name else ""
        raise CelError(f"{what}{left.type} {operator} {right.type}; expected the same type on both sides")
    return left.type
