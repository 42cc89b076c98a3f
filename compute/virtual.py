"""Virtual meters: formulas over the amounts of points and of other virtual meters, per interval.

A formula is a program of a stack machine. A value is known, unknown (a point has no amount), or
undefined (division by zero, overflow); what is made of an unknown or undefined value is so itself,
but for the branch that `IF` does not take and what `FIRST_KNOWN` passes over.

A known amount is of what its formula names, used or not: covered is the least of theirs, readings
add up, qualities are joined.
"""

from typing import NamedTuple

import numpy as np

from compute._jit import kernel
from compute.block import Marks, Members
from compute.digest import EMPTY, mix
from compute.grid import Float2D
from compute.quality import Quality
from compute.topology import Float1D, Formulas, Index1D, Operation

_Q_MISSING = int(Quality.MISSING)
_Q_PARTIAL = int(Quality.PARTIAL)
_Q_UNDEFINED = int(Quality.UNDEFINED)

_KNOWN = 0
_UNKNOWN = 1
_UNDEFINED = 2


_CONSTANT = int(Operation.CONSTANT)
_LOAD = int(Operation.LOAD)
_NEGATE = int(Operation.NEGATE)
_ABS = int(Operation.ABS)
_ADD = int(Operation.ADD)
_SUBTRACT = int(Operation.SUBTRACT)
_MULTIPLY = int(Operation.MULTIPLY)
_DIVIDE = int(Operation.DIVIDE)
_LESS = int(Operation.LESS)
_LESS_OR_EQUAL = int(Operation.LESS_OR_EQUAL)
_GREATER = int(Operation.GREATER)
_EQUAL = int(Operation.EQUAL)
_NOT_EQUAL = int(Operation.NOT_EQUAL)
_MIN = int(Operation.MIN)
_FIRST_KNOWN = int(Operation.FIRST_KNOWN)
_IF = int(Operation.IF)


class _Programs(NamedTuple):
    """Columns of `Formulas`."""

    order: Index1D
    offset: Index1D
    operation: Index1D
    row_index: Index1D
    constant: Float1D


class _Stack(NamedTuple):
    """Room for the values of one program."""

    value: Float1D
    state: Index1D


def virtual_amounts(amount: Float2D, marks: Marks, formulas: Formulas) -> tuple[Float2D, Marks]:
    """Return the amounts of virtual meters.

    Parameters
    ----------
    amount : (p, k) float64
        Of the points; NaN where it is not known.
    marks : Marks
        (p, k).
    formulas : Formulas
        Of v virtual meters.

    Returns
    -------
    amount : (v, k) float64
        NaN where it is not known (MISSING) or has no value (MISSING and UNDEFINED).
    marks : Marks
        (v, k), of everything that a formula names.
    """
    point_count, interval_count = amount.shape
    count = len(formulas.code)
    if not count:
        return np.empty((0, interval_count)), Marks.blank(0, interval_count)
    row_count = point_count + count
    rows = np.full((row_count, interval_count), np.nan)
    rows[:point_count] = amount
    every = Marks.blank(row_count, interval_count)
    every.covered_us[:point_count] = marks.covered_us
    every.reading_count[:point_count] = marks.reading_count
    every.quality[:point_count] = marks.quality
    every.input_hash[:point_count] = marks.input_hash
    programs = _Programs(
        np.array(formulas.order, dtype=np.int32),
        np.array(formulas.offset, dtype=np.int32),
        np.array(formulas.operation, dtype=np.int32),
        np.array(formulas.row_index, dtype=np.int32),
        np.array(formulas.constant, dtype=np.float64),
    )
    named = Members.copied(
        formulas.named_offset, formulas.named_index, np.ones(len(formulas.named_index))
    )
    longest = int(np.diff(programs.offset).max(initial=0))
    stack = _Stack(np.zeros(longest, dtype=np.float64), np.zeros(longest, dtype=np.int32))
    # Only without the compiler does numpy warn of the wrapping that the digest means.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        _virtual_amounts(programs, named, rows, every, stack)
    made = Marks(
        every.covered_us[point_count:],
        every.reading_count[point_count:],
        every.quality[point_count:],
        every.input_hash[point_count:],
    )
    return rows[point_count:], made


@kernel
def _virtual_amounts(
    programs: _Programs, named: Members, rows: Float2D, marks: Marks, stack: _Stack
) -> None:
    point_count = rows.shape[0] - programs.order.size
    for i in programs.order:
        row = point_count + i
        span = (programs.offset[i], programs.offset[i + 1])
        for j in range(rows.shape[1]):
            _join_marks(named, i, row, j, marks)
            state = _run(programs, span, rows, marks, j, stack)
            if state == _KNOWN:
                rows[row, j] = stack.value[0]
                if marks.quality[row, j] & _Q_MISSING:
                    marks.quality[row, j] |= _Q_PARTIAL
            else:
                marks.quality[row, j] |= _Q_MISSING
                if state == _UNDEFINED:
                    marks.quality[row, j] |= _Q_UNDEFINED


@kernel
def _join_marks(named: Members, i: int, row: int, j: int, marks: Marks) -> None:
    begin, end = named.offset[i], named.offset[i + 1]
    state = EMPTY
    for k in range(begin, end):
        source = named.row_index[k]
        covered_us = marks.covered_us[source, j]
        if k == begin or covered_us < marks.covered_us[row, j]:
            marks.covered_us[row, j] = covered_us
        marks.reading_count[row, j] += marks.reading_count[source, j]
        marks.quality[row, j] |= marks.quality[source, j]
        state = mix(state, marks.input_hash[source, j])
    marks.input_hash[row, j] = state


@kernel
def _run(
    programs: _Programs,
    span: tuple[int, int],
    rows: Float2D,
    marks: Marks,
    j: int,
    stack: _Stack,
) -> int:
    """Run a program for one interval: its value is at the bottom of the stack. Return its state."""
    top = -1
    for k in range(span[0], span[1]):
        operation = programs.operation[k]
        if operation <= _LOAD:
            top += 1
            _push(programs, k, rows, marks, j, stack, top)
        elif operation <= _ABS:
            stack.value[top] = -stack.value[top] if operation == _NEGATE else abs(stack.value[top])
        elif operation == _IF:
            top -= 2
            _choose_branch(stack, top)
        elif operation == _FIRST_KNOWN:
            top -= 1
            _choose_known(stack, top)
        else:
            top -= 1
            _join(operation, stack, top)
    return int(stack.state[0])


@kernel
def _push(
    programs: _Programs,
    k: int,
    rows: Float2D,
    marks: Marks,
    j: int,
    stack: _Stack,
    top: int,
) -> None:
    stack.state[top] = _KNOWN
    if programs.operation[k] == _CONSTANT:
        stack.value[top] = programs.constant[k]
        return
    source = programs.row_index[k]
    stack.value[top] = rows[source, j]
    if np.isnan(rows[source, j]):
        undefined = marks.quality[source, j] & _Q_UNDEFINED
        stack.state[top] = _UNDEFINED if undefined else _UNKNOWN


@kernel
def _choose_branch(stack: _Stack, top: int) -> None:
    if stack.state[top] == _KNOWN:
        chosen = top + 1 if stack.value[top] != 0.0 else top + 2
        stack.value[top], stack.state[top] = stack.value[chosen], stack.state[chosen]


@kernel
def _choose_known(stack: _Stack, top: int) -> None:
    if stack.state[top] == _KNOWN:
        return
    stack.value[top] = stack.value[top + 1]
    known = stack.state[top + 1] == _KNOWN
    stack.state[top] = _KNOWN if known else max(stack.state[top], stack.state[top + 1])


@kernel
def _join(operation: int, stack: _Stack, top: int) -> None:
    a, b = stack.value[top], stack.value[top + 1]
    stack.state[top] = max(stack.state[top], stack.state[top + 1])
    if stack.state[top] != _KNOWN:
        return
    stack.value[top] = of_two(operation, a, b)
    if not np.isfinite(stack.value[top]):
        stack.state[top] = _UNDEFINED


@kernel
def of_two(operation: int, a: float, b: float) -> float:
    """Return what an operation makes of two known values; not finite where it makes nothing."""
    if _LESS <= operation <= _NOT_EQUAL:
        return 1.0 if _holds(operation, a, b) else 0.0
    return _calculate(operation, a, b)


@kernel
def _calculate(operation: int, a: float, b: float) -> float:
    result = np.nan
    if operation == _ADD:
        result = a + b
    elif operation == _SUBTRACT:
        result = a - b
    elif operation == _MULTIPLY:
        result = a * b
    elif operation == _DIVIDE:
        if b != 0.0:
            result = a / b
    elif operation == _MIN:
        result = min(a, b)
    else:
        result = max(a, b)
    return result


@kernel
def _holds(operation: int, a: float, b: float) -> bool:
    if operation == _EQUAL:
        holds = a == b
    elif operation == _NOT_EQUAL:
        holds = a != b
    elif operation == _LESS:
        holds = a < b
    elif operation == _LESS_OR_EQUAL:
        holds = a <= b
    elif operation == _GREATER:
        holds = a > b
    else:
        holds = a >= b
    return bool(holds)
