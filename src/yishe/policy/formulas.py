"""Arithmetic written in a pack, worked out over whole columns: one person is a column of one.

`+ - * / **`, `ln`, `exp`, `min`, `max`, numbers and declared names; nothing else, so a formula can do no harm.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence

Column = Sequence[float]
Columns = Mapping[str, Column]
Worked = Callable[[Columns, int], list[float]]

_TWO: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_CALLS: dict[str, Callable[..., float]] = {"ln": math.log, "exp": math.exp, "min": min, "max": max}
_TAKES = {"ln": 1, "exp": 1, "min": 2, "max": 2}


class FormulaError(ValueError):
    """A formula that cannot be read, with what was expected."""


class Formula:
    """`names` are the inputs it reads. Work it out with `of`; raises Incalculable for values it is not made for."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError:
            raise FormulaError(f"{text!r} is no formula; expected such as 142 * min(a / b, 1)") from None
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        self.names = tuple(
            dict.fromkeys(
                node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called
            )
        )
        self._worked = _node(tree)

    def of(self, columns: Columns, count: int) -> list[float]:
        """The results of `count` rows. Raises Incalculable."""
        try:
            return self._worked(columns, count)
        except (ValueError, ZeroDivisionError, OverflowError):
            raise Incalculable(self.text) from None


class Incalculable(ValueError):
    """Values a formula is not made for: a logarithm of nothing, a division by nothing."""


def _node(node: ast.expr) -> Worked:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return _number(float(node.value))
    if isinstance(node, ast.Name):
        return _name(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _each(operator.neg, _node(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _TWO:
        return _each(_TWO[type(node.op)], _node(node.left), _node(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        name, takes = node.func.id, _TAKES[node.func.id]
        if len(node.args) != takes or node.keywords:
            raise FormulaError(f"{name} takes {takes} value(s); expected {name}({', '.join('ab'[:takes])})")
        return _each(_CALLS[name], *map(_node, node.args))
    raise FormulaError(f"{ast.unparse(node)!r} is not allowed; expected + - * / ** ln exp min max and names")


def _number(value: float) -> Worked:
    return lambda columns, count: [value] * count


def _name(name: str) -> Worked:
    return lambda columns, count: list(columns[name])


def _each(do: Callable[..., float], *parts: Worked) -> Worked:
    return lambda columns, count: list(map(do, *(part(columns, count) for part in parts)))
