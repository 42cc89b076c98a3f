"""Conditions of alerts: programs over cells, for all instances of all rules at once.

A cell is a number or unknown (NaN). What is made of an unknown value is unknown, but for what
`IF` does not take, what `FIRST_KNOWN` passes over, and what the other side of AND or OR decides
alone: the logic of Kleene. So is a quotient by zero, and anything that is not finite.
"""

from typing import NamedTuple

import numpy as np

from compute._jit import inlined, kernel
from compute.alert import Byte1D
from compute.topology import Bool1D, Float1D, Index1D, Operation
from compute.virtual import of_two

_CONSTANT = int(Operation.CONSTANT)
_LOAD = int(Operation.LOAD)
_NEGATE = int(Operation.NEGATE)
_ABS = int(Operation.ABS)
_NOT = int(Operation.NOT)
_AND = int(Operation.AND)
_OR = int(Operation.OR)
_IF = int(Operation.IF)
_FIRST_KNOWN = int(Operation.FIRST_KNOWN)
# Of `clear`: the condition itself says it.
NO_PROGRAM = -1


class Conditions(NamedTuple):
    """p programs, and which of them n instances run over which cells.

    Attributes
    ----------
    offset : (p + 1,) int32
        Where the instructions of each program begin.
    operation : (i,) int32
        `Operation`.
    slot : (i,) int32
        Of a LOAD: which of the instance's own cells.
    constant : (i,) float64
        Of a CONSTANT.
    told : (p,) int32
        The comparison, as an instruction of all, whose two sides are value and limit.
    told_reversed : (p,) bool
        Whether the value is its right side.
    told_scale : (p,) float64
        What value and limit are multiplied by, for people.
    met : (n,) int32
        Program of the condition.
    clear : (n,) int32
        Program of what resolves; NO_PROGRAM: that the condition does not hold.
    slot_offset : (n + 1,) int32
        Where the cells of each instance begin in `slot_cell`.
    slot_cell : (s,) int32
        Index of a cell.
    """

    offset: Index1D
    operation: Index1D
    slot: Index1D
    constant: Float1D
    told: Index1D
    told_reversed: Bool1D
    told_scale: Float1D
    met: Index1D
    clear: Index1D
    slot_offset: Index1D
    slot_cell: Index1D


class Verdicts(NamedTuple):
    """What the conditions of n instances come to.

    Attributes
    ----------
    met, clear : (n,) int8
        1, 0, or -1 where it is not known; for `compute.alert.step`.
    value, limit : (n,) float64
        The two sides of the comparison that the alert tells of, as people read them; NaN: not
        known.
    """

    met: Byte1D
    clear: Byte1D
    value: Float1D
    limit: Float1D


def evaluate(conditions: Conditions, cells: Float1D) -> Verdicts:
    """Return what conditions come to.

    Parameters
    ----------
    conditions : Conditions
        Of n instances.
    cells : (c,) float64
        Each in the unit of its measure; NaN is not known.

    Returns
    -------
    verdicts : Verdicts
    """
    count = len(conditions.met)
    verdicts = Verdicts(
        np.zeros(count, dtype=np.int8),
        np.zeros(count, dtype=np.int8),
        np.full(count, np.nan),
        np.full(count, np.nan),
    )
    longest = int(np.diff(conditions.offset).max(initial=0))
    # Only without the compiler does numpy warn of what becomes unknown.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _evaluate(conditions, np.array(cells, dtype=np.float64), verdicts, np.zeros(longest + 1))
    return verdicts


@kernel
def _evaluate(conditions: Conditions, cells: Float1D, verdicts: Verdicts, stack: Float1D) -> None:
    for i in range(conditions.met.size):
        program = conditions.met[i]
        truth = _run(conditions, program, i, cells, stack, verdicts)
        verdicts.met[i] = -1 if np.isnan(truth) else 1 if truth != 0.0 else 0
        program = conditions.clear[i]
        if program == NO_PROGRAM:
            verdicts.clear[i] = -1 if np.isnan(truth) else 0 if truth != 0.0 else 1
        else:
            truth = _run(conditions, program, -1 - i, cells, stack, verdicts)
            verdicts.clear[i] = -1 if np.isnan(truth) else 1 if truth != 0.0 else 0


@inlined
def _run(
    conditions: Conditions,
    program: int,
    signed_row: int,
    cells: Float1D,
    stack: Float1D,
    verdicts: Verdicts,
) -> float:
    """Run a program for an instance and return its value; a negative row is not told of."""
    row = signed_row if signed_row >= 0 else -1 - signed_row
    first_slot = conditions.slot_offset[row]
    told = conditions.told[program] if signed_row >= 0 else -1
    top = -1
    for k in range(conditions.offset[program], conditions.offset[program + 1]):
        operation = conditions.operation[k]
        if operation == _CONSTANT:
            top += 1
            stack[top] = conditions.constant[k]
        elif operation == _LOAD:
            top += 1
            stack[top] = _finite(cells[conditions.slot_cell[first_slot + conditions.slot[k]]])
        elif operation == _NEGATE:
            stack[top] = -stack[top]
        elif operation == _ABS:
            stack[top] = abs(stack[top])
        elif operation == _NOT:
            stack[top] = 1.0 - stack[top]
        elif operation == _IF:
            top -= 2
            if not np.isnan(stack[top]):
                stack[top] = stack[top + 1] if stack[top] != 0.0 else stack[top + 2]
        else:
            top -= 1
            a, b = stack[top], stack[top + 1]
            if k == told:
                is_reversed = conditions.told_reversed[program]
                scale = conditions.told_scale[program]
                verdicts.value[row] = scale * (b if is_reversed else a)
                verdicts.limit[row] = scale * (a if is_reversed else b)
            stack[top] = _joined(operation, a, b)
    return float(stack[0])


@inlined
def _finite(value: float) -> float:
    return value if np.isfinite(value) else np.nan


@inlined
def _joined(operation: int, a: float, b: float) -> float:
    is_unknown = np.isnan(a) or np.isnan(b)
    joined = np.nan
    if operation == _AND:
        if a == 0.0 or b == 0.0:
            joined = 0.0
        elif not is_unknown:
            joined = 1.0
    elif operation == _OR:
        if not is_unknown:
            joined = 1.0 if a != 0.0 or b != 0.0 else 0.0
        elif (not np.isnan(a) and a != 0.0) or (not np.isnan(b) and b != 0.0):
            joined = 1.0
    elif operation == _FIRST_KNOWN:
        joined = b if np.isnan(a) else a
    elif not is_unknown:
        joined = of_two(operation, a, b)
        if not np.isfinite(joined):
            joined = np.nan
    return joined
