"""Conditions, slow and obvious: read by Python's own parser and walked; None is not known.

`if` is written `if_` there.
"""

import ast
import math
from collections.abc import Mapping

from tests.twins.virtual import OF_TWO


def evaluate(text: str, cells: Mapping[str, float | None]) -> float | None:
    """Return a number, 1 or 0 for a condition, or None."""
    return _value(ast.parse(text.strip(), mode="eval").body, cells)


def _value(node: ast.expr, cells: Mapping[str, float | None]) -> float | None:
    if isinstance(node, ast.Constant | ast.Name):
        return cells[node.id] if isinstance(node, ast.Name) else float(str(node.value))
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, cells)
        sign = (1.0, -1.0) if isinstance(node.op, ast.Not) else (0.0, -1.0)
        return None if value is None else sign[0] + sign[1] * value
    if isinstance(node, ast.BoolOp):
        decides = 0.0 if isinstance(node.op, ast.And) else 1.0
        values = [_value(part, cells) for part in node.values]
        return decides if decides in values else None if None in values else 1.0 - decides
    if isinstance(node, ast.Compare):
        [other] = node.comparators
        return _of_two(type(node.ops[0]), _value(node.left, cells), _value(other, cells))
    if isinstance(node, ast.BinOp):
        return _of_two(type(node.op), _value(node.left, cells), _value(node.right, cells))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _called(node.func.id, [_value(part, cells) for part in node.args])


def _of_two(operation: type, a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    result = float(OF_TWO[operation](a, b))
    return result if math.isfinite(result) else None


def _called(name: str, values: list[float | None]) -> float | None:
    if name == "if_":
        condition, then, otherwise = values
        return None if condition is None else then if condition else otherwise
    if name == "first_known":
        return next((value for value in values if value is not None), None)
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return abs(known[0]) if name == "abs" else {"min": min, "max": max}[name](known)
