"""Virtual meters, slow and obvious: the formula is read by Python's own parser and walked.

`if` is written `if_` there, × and ÷ are not used, and a code stands as a plain name.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping

UNKNOWN = "unknown"
UNDEFINED = "undefined"
Value = float | str

OF_TWO: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else math.nan,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(formula: str, amounts: Mapping[str, Value]) -> Value:
    """Return a number, UNKNOWN or UNDEFINED."""
    return _value(ast.parse(formula.strip(), mode="eval").body, amounts)


def _value(node: ast.expr, amounts: Mapping[str, Value]) -> Value:
    if isinstance(node, ast.Constant):
        return float(str(node.value))
    if isinstance(node, ast.Name):
        return amounts[node.id]
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, amounts)
        negative = isinstance(node.op, ast.USub)
        return -value if negative and not isinstance(value, str) else value
    if isinstance(node, ast.Compare):
        [other] = node.comparators
        return _of_two(
            OF_TWO[type(node.ops[0])], _value(node.left, amounts), _value(other, amounts)
        )
    if isinstance(node, ast.BinOp):
        return _of_two(
            OF_TWO[type(node.op)], _value(node.left, amounts), _value(node.right, amounts)
        )
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return _called(node.func.id, [_value(part, amounts) for part in node.args])


def _of_two(operation: Callable[[float, float], float], a: Value, b: Value) -> Value:
    if isinstance(a, str) or isinstance(b, str):
        return UNDEFINED if UNDEFINED in (a, b) else UNKNOWN
    result = float(operation(a, b))
    return result if math.isfinite(result) else UNDEFINED


def _called(name: str, values: list[Value]) -> Value:
    if name == "if_":
        condition, then, otherwise = values
        if isinstance(condition, str):
            return condition
        return then if condition != 0 else otherwise
    if name == "first_known":
        known = [value for value in values if not isinstance(value, str)]
        return known[0] if known else UNDEFINED if UNDEFINED in values else UNKNOWN
    if name == "abs":
        return values[0] if isinstance(values[0], str) else abs(values[0])
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) < len(values):
        return UNDEFINED if UNDEFINED in values else UNKNOWN
    return {"min": min, "max": max}[name](numbers)
