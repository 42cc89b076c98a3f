"""What an expression becomes for given units: a program for `compute.condition`, or its faults.

Values keep the units of their measures; where two units meet that are alike, the right one is
converted to the left one, so that value and limit are shown as a rule writes them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from compute.topology import Operation
from services.alert_rules.expression import UNREAD
from services.alert_rules.quantity_units import BARE, Measured, measured
from services.plant.arithmetic import FormulaRefused, Instruction, Token

Step = tuple[Operation, int, float]

_LOGIC = frozenset({Operation.AND, Operation.OR})
_COMPARISONS = frozenset(range(Operation.LESS, Operation.NOT_EQUAL + 1))
_PRODUCTS = frozenset({Operation.MULTIPLY, Operation.DIVIDE})
_SIGNS = frozenset({Operation.NEGATE, Operation.ABS})


@dataclass(frozen=True, slots=True)
class Program:
    """An expression as a stack machine runs it.

    Attributes
    ----------
    steps : tuple of (Operation, int, float)
        With the selector of a LOAD and the number of a CONSTANT.
    told : int
        The comparison, as a place in the steps, that an alert tells of.
    told_reversed : bool
        Whether its right side is the value, and its left one the limit.
    told_scale : float
        What both are multiplied by to be told: of a limit with a unit, as it was written.
    unit : str
        Of both as they are told; "" for a plain number.
    """

    steps: tuple[Step, ...]
    told: int
    told_reversed: bool
    told_scale: float
    unit: str


@dataclass(frozen=True, slots=True)
class _Item:
    """A value on the stack: its unit (None: a fault was there), or that it is a condition."""

    at: Instruction
    unit: Measured | None = None
    is_condition: bool = False
    asks: bool = False
    told: int = -1
    told_reversed: bool = False
    told_scale: float = 1.0
    told_unit: str = ""


def program_of(
    instructions: Sequence[Instruction], units: Sequence[Measured | None], *, first_slot: int = 0
) -> tuple[Program, list[FormulaRefused]]:
    """Return the program of an expression whose selectors have these units, and its faults.

    Parameters
    ----------
    instructions : sequence of Instruction
        As `parse_expression` returns them, at least one.
    units : sequence of Measured or None
        One for each selector; None where it is not known, which is like any.
    first_slot : int
        Where the cells of its selectors begin among those of the instance.
    """
    typist = _Typist(units, first_slot)
    for instruction in instructions:
        typist.take(instruction)
    [whole] = typist.stack
    if not whole.is_condition and whole.unit is not None:
        typist.refuse("not_a_condition", whole.at)
    elif not whole.asks and not typist.is_unread:
        typist.refuse("asks_nothing", whole.at)
    told = (whole.told, whole.told_reversed, whole.told_scale, whole.told_unit)
    return Program(tuple(typist.steps), *told), typist.faults


class _Typist:
    def __init__(self, units: Sequence[Measured | None], first_slot: int) -> None:
        self.units = units
        self.first_slot = first_slot
        self.stack: list[_Item] = []
        self.steps: list[Step] = []
        self.faults: list[FormulaRefused] = []
        self.is_unread = False

    def refuse(self, code: str, at: Instruction, **facts: str) -> None:
        token = Token("", "", at.position, at.length)
        self.faults.append(FormulaRefused(code, token, **facts))

    def take(self, step: Instruction) -> None:
        operation = step.operation
        if operation is Operation.CONSTANT:
            self._constant(step)
        elif operation is Operation.LOAD:
            slot = int(step.code)
            self._append(step, slot=self.first_slot + slot)
            self.stack.append(_Item(step, self.units[slot], asks=True))
        elif operation in _SIGNS:
            self._number(self.stack[-1])
            self._append(step)
        elif operation is Operation.NOT:
            self._condition(self.stack[-1])
            self._append(step)
        elif operation is Operation.IF:
            right, left, condition = (self.stack.pop() for _ in range(3))
            self._condition(condition)
            unit = self._alike(left, right, step)
            self._append(step)
            asks = condition.asks or left.asks or right.asks
            self.stack.append(_Item(step, unit, asks=asks))
        else:
            right, left = self.stack.pop(), self.stack.pop()
            self.stack.append(self._of_two(operation)(left, right, step))

    def _of_two(self, operation: Operation) -> Callable[[_Item, _Item, Instruction], _Item]:
        if operation in _LOGIC:
            return self._join
        if operation in _COMPARISONS:
            return self._compare
        return self._multiply if operation in _PRODUCTS else self._add

    def _constant(self, step: Instruction) -> None:
        if step.unit == UNREAD:
            self.is_unread = True
            self.stack.append(_Item(step))
        else:
            self.stack.append(_Item(step, measured(step.unit) if step.unit else BARE))
        self._append(step, number=step.number)

    def _append(self, step: Instruction, *, slot: int = 0, number: float = 0.0) -> None:
        self.steps.append((step.operation, slot, number))

    def _join(self, left: _Item, right: _Item, step: Instruction) -> _Item:
        self._condition(left)
        self._condition(right)
        self._append(step)
        first = left if left.asks else right
        return replace(first, at=step, unit=None, is_condition=True, asks=left.asks or right.asks)

    def _compare(self, left: _Item, right: _Item, step: Instruction) -> _Item:
        unit = self._alike(left, right, step)
        self._append(step)
        scale, written = Fraction(1), right.unit
        if unit is not None and written is not None and right.at.unit:
            unit, scale = written, unit.scale / written.scale
        return _Item(
            step,
            is_condition=True,
            asks=left.asks or right.asks,
            told=len(self.steps) - 1,
            told_reversed=right.asks and not left.asks,
            told_scale=self._float(scale, step),
            told_unit="" if unit is None else unit.symbol,
        )

    def _add(self, left: _Item, right: _Item, step: Instruction) -> _Item:
        unit = self._alike(left, right, step)
        self._append(step)
        return _Item(step, unit, asks=left.asks or right.asks)

    def _multiply(self, left: _Item, right: _Item, step: Instruction) -> _Item:
        self._number(left)
        self._number(right)
        is_quotient = step.operation is Operation.DIVIDE
        last = self.steps[-1]
        if is_quotient and right.at.operation is Operation.CONSTANT and last[2] == 0.0:
            self.refuse("divides_by_zero", step)
        self._append(step)
        asks = left.asks or right.asks
        if left.unit is None or right.unit is None:
            return _Item(step, asks=asks)
        one, other = _counted(left.unit), _counted(right.unit)
        factor = one[1] / other[1] if is_quotient else one[1] * other[1]
        unit = one[0] / other[0] if is_quotient else one[0] * other[0]
        if not unit.powers:
            factor, unit = factor * unit.scale, replace(unit, scale=Fraction(1))
        self._scale(factor, step)
        return _Item(step, unit, asks=asks)

    def _alike(self, left: _Item, right: _Item, step: Instruction) -> Measured | None:
        """Have the right one of two values converted to the unit of the left one; return it."""
        self._number(left)
        self._number(right)
        one, other = left.unit, right.unit
        if one is None or other is None:
            return one or other
        if not one.is_like(other):
            self.refuse("units_unlike", step, left=one.symbol or "1", right=other.symbol or "1")
            return None
        if one.is_bare or other.is_bare:
            return other if one.is_bare else one
        self._scale(other.scale / one.scale, step)
        return one

    def _scale(self, factor: Fraction, step: Instruction) -> None:
        """Multiply the value that was made last."""
        if factor == 1:
            return
        operation, slot, number = self.steps[-1]
        if operation is Operation.CONSTANT:
            self.steps[-1] = (operation, slot, self._float(Fraction(number) * factor, step))
        else:
            self.steps.append((Operation.CONSTANT, 0, self._float(factor, step)))
            self.steps.append((Operation.MULTIPLY, 0, 0.0))

    def _float(self, number: Fraction, step: Instruction) -> float:
        """Return a number as the machine has it; one that it has not is a fault."""
        try:
            rounded = float(number)
        except OverflowError:
            rounded = math.inf
        if math.isinf(rounded) or (rounded == 0.0 and number):
            self.refuse("number_extreme", step)
            return 0.0
        return rounded

    def _number(self, item: _Item) -> None:
        if item.is_condition:
            self.refuse("number_wanted", item.at)

    def _condition(self, item: _Item) -> None:
        if not item.is_condition and item.unit is not None:
            self.refuse("condition_wanted", item.at)


def _counted(unit: Measured) -> tuple[Measured, Fraction]:
    """Return a unit for multiplying, and by what: 50 % counts as 0.5."""
    if unit.powers or unit.scale == 1:
        return unit, Fraction(1)
    return replace(unit, scale=Fraction(1), symbol=""), unit.scale
