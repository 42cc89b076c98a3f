"""Conditions of alerts: programs over cells, for all instances of all rules at once."""

from typing import NamedTuple

from compute.alert import Byte1D
from compute.topology import Float1D, Index1D


class Conditions(NamedTuple):
    """Programs of p expressions, and which of them n instances run over which cells.

    Attributes
    ----------
    offset : (p + 1,) int32
        Where the instructions of each program begin.
    operation : (i,) int32
        `Operation`, or one of the three of this module.
    slot : (i,) int32
        Of a LOAD: which of the instance's own cells.
    constant : (i,) float64
        Of a CONSTANT.
    told : (p,) int32
        The comparison, as a place in the program, whose two sides are value and limit.
    told_reversed : (p,) bool
        Whether the value is its right side.
    met : (n,) int32
        Program of the condition.
    clear : (n,) int32
        Program of what resolves; -1: it resolves where the condition does not hold.
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
    told_reversed: "Byte1D"
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
        The two sides of the comparison that the alert tells of; NaN: not known.
    """

    met: Byte1D
    clear: Byte1D
    value: Float1D
    limit: Float1D
