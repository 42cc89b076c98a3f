"""Amounts that have stayed the same for too long: the check that looks at amounts, not readings."""

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.checks import CheckLimits
from compute.grid import Float2D
from compute.register import IntervalAmounts
from compute.topology import Bool1D, Int1D, PointKind, Points

_REGISTER = int(PointKind.REGISTER)


def frozen_intervals(
    amounts: IntervalAmounts,
    *,
    points: Points,
    limits: CheckLimits,
    step_us: int,
    before: Int1D,
) -> npt.NDArray[np.bool_]:
    """Return where the amounts of points have stayed the same for as long as the limit says.

    Parameters
    ----------
    amounts : IntervalAmounts
        (p, k).
    points : Points
    limits : CheckLimits
    step_us : int
        Length of an interval. [µs]
    before : (p,) int64
        How many intervals right before the first are the same as it (`is_same`). No more than
        the limit spans need be counted.

    Returns
    -------
    frozen : (p, k) bool
        A register is frozen where it has not risen, any other point where its amount is the same
        in every interval. An interval that is not wholly covered is not frozen, and ends a run.
    """
    frozen = np.zeros(amounts.amount.shape, dtype=np.bool_)
    _frozen(
        np.array(amounts.amount, dtype=np.float64, order="C"),
        np.array(amounts.covered_us >= step_us, dtype=np.bool_, order="C"),
        np.array(points.kind == _REGISTER, dtype=np.bool_),
        np.array(-(-limits.frozen_us // step_us), dtype=np.int64),
        np.array(before, dtype=np.int64),
        frozen,
    )
    return frozen


@kernel
def is_same(a: float, b: float) -> bool:
    """Return whether two amounts are the same but for the rounding of their sums."""
    return abs(a - b) <= 1e-9 * abs(b)


@kernel
def _frozen(
    amount: Float2D,
    whole: npt.NDArray[np.bool_],
    is_register: Bool1D,
    needed: Int1D,
    before: Int1D,
    frozen: npt.NDArray[np.bool_],
) -> None:
    for row in range(amount.shape[0]):
        run = before[row]
        for j in range(amount.shape[1]):
            if not whole[row, j] or (is_register[row] and amount[row, j] != 0.0):
                run = 0
                continue
            if j > 0 and not is_same(amount[row, j - 1], amount[row, j]):
                run = 0
            run += 1
            frozen[row, j] = run >= needed[row]
