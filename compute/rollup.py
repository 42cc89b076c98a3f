"""Hours, days and months from base intervals.

What is missing stays visible: a period is the sum of the intervals that are known, marked MISSING
and PARTIAL when one is not, and NaN only when none is. What is invalid stays invalid: a figure
that lacks a factor in one interval (FACTOR_MISSING), or could not be computed (UNDEFINED), is NaN
in the whole period.
"""

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.block import Float3D, Marks, ResultBlock
from compute.digest import EMPTY, mix
from compute.errors import NengtanError
from compute.grid import Float2D
from compute.quality import Quality
from compute.topology import Int1D

_Q_MISSING = int(Quality.MISSING)
_Q_PARTIAL = int(Quality.PARTIAL)
_Q_INVALID = int(Quality.FACTOR_MISSING | Quality.UNDEFINED)


class GroupsMisshapen(NengtanError):
    """Groups that do not lie within the intervals of a block."""

    def __init__(self, first: int, last: int, interval_count: int) -> None:
        super().__init__(
            f"groups run from interval {first} to {last}, the block has {interval_count}: "
            "take the offsets from compute.periods.group_offset, ascending"
        )
        self.first = first
        self.last = last
        self.interval_count = interval_count


def rollup(block: ResultBlock, group_offset: npt.ArrayLike) -> ResultBlock:
    """Return sums over groups of consecutive base intervals.

    Parameters
    ----------
    block : ResultBlock
        (s, k).
    group_offset : (g + 1,) int64
        Group i is the intervals group_offset[i]:group_offset[i + 1]; ascending.

    Returns
    -------
    groups : ResultBlock
        (s, g). Covered time and readings add up, qualities are joined, and the digest is that of
        the digests in order. A group without intervals is MISSING.

    Raises
    ------
    GroupsMisshapen
        If the groups do not ascend within the intervals of the block.

    Notes
    -----
    Intervals are added in order of time: the same input gives the same bits.
    """
    offset: Int1D = np.array(group_offset, dtype=np.int64)
    row_count, interval_count = block.quality.shape
    if offset[0] < 0 or offset[-1] > interval_count or (np.diff(offset) < 0).any():
        raise GroupsMisshapen(int(offset[0]), int(offset[-1]), interval_count)
    figures = block.figures()
    total = np.zeros((len(figures), row_count, offset.size - 1), dtype=np.float64)
    total_marks = Marks.blank(row_count, offset.size - 1)
    marks = block.marks()
    # Only without the compiler does numpy warn of the wrapping that the digest means.
    with np.errstate(over="ignore"):
        _rollup_marks(marks, offset, total_marks)
    _rollup_values(figures, marks.quality, offset, total)
    return ResultBlock.of(total, total_marks)


@kernel
def _rollup_marks(marks: Marks, offset: Int1D, total: Marks) -> None:
    row_count, group_count = total.quality.shape
    for row in range(row_count):
        for group in range(group_count):
            begin, end = offset[group], offset[group + 1]
            quality = 0
            missing = 0
            state = EMPTY
            for j in range(begin, end):
                quality |= marks.quality[row, j]
                if marks.quality[row, j] & _Q_MISSING:
                    missing += 1
                total.covered_us[row, group] += marks.covered_us[row, j]
                total.reading_count[row, group] += marks.reading_count[row, j]
                state = mix(state, marks.input_hash[row, j])
            if end == begin:
                quality = _Q_MISSING
            if 0 < missing < end - begin:
                quality |= _Q_PARTIAL
            total.quality[row, group] = quality
            total.input_hash[row, group] = state


@kernel
def _rollup_values(
    figures: tuple[Float2D, ...], quality: npt.NDArray[np.int32], offset: Int1D, total: Float3D
) -> None:
    column_count, row_count, group_count = total.shape
    for column in range(column_count):
        values = figures[column]
        for row in range(row_count):
            for group in range(group_count):
                known = 0
                invalid = False
                for j in range(offset[group], offset[group + 1]):
                    if not np.isnan(values[row, j]):
                        known += 1
                        total[column, row, group] += values[row, j]
                    elif column > 0 and quality[row, j] & _Q_INVALID:
                        # Column 0 is the amount, which no factor enters.
                        invalid = True
                if known == 0 or invalid:
                    total[column, row, group] = np.nan
