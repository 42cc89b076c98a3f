"""A uniform grid of intervals, and how a span of time is shared over it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import inlined, kernel
from compute.quality import Quality
from compute.topology import Float1D, Index1D, Int1D

Float2D = npt.NDArray[np.float64]
Int2D = npt.NDArray[np.int64]
Index2D = npt.NDArray[np.int32]

_Q_OPEN = int(Quality.OPEN)
_Q_MISSING = int(Quality.MISSING)
_Q_PARTIAL = int(Quality.PARTIAL)


class Grid(NamedTuple):
    """Interval j is [start_us + j x step_us, start_us + (j + 1) x step_us)."""

    start_us: int
    step_us: int
    interval_count: int


class Line(NamedTuple):
    """What is known of one point in each interval of a grid."""

    amount: Float1D
    covered_us: Int1D
    quality: Index1D


@inlined
def flag(line: Line, grid: Grid, instant_us: int, flags: int) -> None:
    """Set quality bits on the interval that holds an instant."""
    j = (instant_us - grid.start_us) // grid.step_us
    if 0 <= j < grid.interval_count:
        line.quality[j] |= flags


@inlined
def spread(line: Line, grid: Grid, span_us: tuple[int, int], total: float, flags: int) -> None:
    """Share an amount over the intervals that a span overlaps, by time.

    The share of an interval depends on the span and the interval alone. A total of NaN covers
    nothing and only sets the bits.
    """
    first = max((span_us[0] - grid.start_us) // grid.step_us, 0)
    spread_from(line, grid, first, span_us, total, flags)


@inlined
def spread_from(
    line: Line, grid: Grid, j: int, span_us: tuple[int, int], total: float, flags: int
) -> int:
    """Do as `spread` does, where the span begins in interval j or later; return in which.

    Where spans ascend, this finds their intervals without a division.
    """
    begin_us, end_us = span_us
    length_us = end_us - begin_us
    interval_us = grid.start_us + j * grid.step_us
    while interval_us + grid.step_us <= begin_us and j < grid.interval_count:
        j += 1
        interval_us += grid.step_us
    first = j
    while interval_us < end_us and j < grid.interval_count and length_us > 0:
        line.quality[j] |= flags
        if not np.isnan(total):
            overlap_us = min(end_us, interval_us + grid.step_us) - max(begin_us, interval_us)
            line.covered_us[j] += overlap_us
            if overlap_us == length_us:
                line.amount[j] += total
            else:
                line.amount[j] += total * (overlap_us / length_us)
        j += 1
        interval_us += grid.step_us
    return first


@kernel
def take_over(line: Line, part: Float1D, scale: float) -> None:
    """Add amounts in raw units to a line, and clear them for the next."""
    for j in range(part.size):
        line.amount[j] += part[j] * scale
        part[j] = 0.0


@kernel
def close(line: Line, grid: Grid, closed_until_us: int) -> None:
    """Say how much of each interval the amounts stand for."""
    for j in range(grid.interval_count):
        if line.covered_us[j] == 0:
            line.amount[j] = np.nan
            line.quality[j] |= _Q_MISSING
        elif line.covered_us[j] < grid.step_us:
            line.quality[j] |= _Q_PARTIAL
        if grid.start_us + (j + 1) * grid.step_us > closed_until_us:
            line.quality[j] |= _Q_OPEN
