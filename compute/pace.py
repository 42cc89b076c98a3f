"""The pace of late: how energy and output of past steps run, and how much they vary together.

What is kept of each unit are seven numbers, so that a forecast for any time left costs the same few
operations however many steps it rests on.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.distributions import student_quantile
from compute.grid import Float2D
from compute.topology import Float1D, Int1D

# With fewer steps nobody can tell how much they vary.
STEPS_MIN = 8
# Neighbours that share more than this are one: the pace has changed, and nothing bounds it.
_SHARED_MAX = 0.95


class Pace(NamedTuple):
    """How u units ran in past steps.

    Attributes
    ----------
    step_count : (u,) int64
        Steps that are known.
    weight : (u,) float64
        1 over their number; 0: there is no pace.
    top, bottom : (u,) float64
        Means. [per step]
    top_top, top_bottom, bottom_bottom : (u,) float64
        Variances and covariance of a step, times the square of Student's t for the interval that
        was asked for; NaN with too few steps.
    inflation : (u,) float64
        (1 + r) / (1 - r), with r what neighbours share of what the quotient leaves over: how much
        more the mean of many steps varies than if they were independent. >= 1.
    """

    step_count: Int1D
    weight: Float1D
    top: Float1D
    bottom: Float1D
    top_top: Float1D
    top_bottom: Float1D
    bottom_bottom: Float1D
    inflation: Float1D


def pace_of(top: Float2D, bottom: Float2D, *, level: float = 0.95) -> Pace:
    """Return the pace of past steps.

    Parameters
    ----------
    top, bottom : (u, n) float64
        Numerator and denominator of each step, in order of time; NaN: not known, left out.
    level : float
        Chance with which the interval shall hold the truth, in 0..1 (open).

    Returns
    -------
    pace : Pace
    """
    unit_count = top.shape[0]
    count = np.zeros(unit_count, dtype=np.int64)
    sums = np.zeros((6, unit_count))
    _sum_up(
        np.array(top, dtype=np.float64, order="C"),
        np.array(bottom, dtype=np.float64, order="C"),
        count,
        sums,
    )
    squared = _squared_quantiles(count, 1.0 - level)
    weight = np.divide(1.0, count, out=np.zeros(unit_count), where=count > 0)
    return Pace(
        step_count=count,
        weight=weight,
        top=sums[0],
        bottom=sums[1],
        top_top=squared * sums[2],
        top_bottom=squared * sums[3],
        bottom_bottom=squared * sums[4],
        inflation=sums[5],
    )


def _squared_quantiles(count: Int1D, level: float) -> npt.NDArray[np.float64]:
    found = np.full(count.size, math.nan)
    for n in np.unique(count[count >= STEPS_MIN]).tolist():
        found[count == n] = student_quantile(level, n - 1) ** 2
    return found


@kernel
def _is_known(top: float, bottom: float) -> bool:
    return bool(np.isfinite(top) and np.isfinite(bottom))


@kernel
def _sum_up(top: Float2D, bottom: Float2D, count: Int1D, sums: Float2D) -> None:
    """Write means, (co)variances of a step, and the inflation by what neighbours share."""
    for row in range(top.shape[0]):
        mean_top = mean_bottom = 0.0
        for k in range(top.shape[1]):
            if _is_known(top[row, k], bottom[row, k]):
                count[row] += 1
                mean_top += top[row, k]
                mean_bottom += bottom[row, k]
        sums[5, row] = 1.0
        n = count[row]
        if n == 0:
            continue
        mean_top /= n
        mean_bottom /= n
        sums[0, row], sums[1, row] = mean_top, mean_bottom
        quotient = mean_top / mean_bottom if mean_bottom > 0.0 else 0.0
        before = np.nan
        own = shared = 0.0
        for k in range(top.shape[1]):
            left_over = np.nan
            if _is_known(top[row, k], bottom[row, k]):
                x, y = top[row, k] - mean_top, bottom[row, k] - mean_bottom
                sums[2, row] += x * x
                sums[3, row] += x * y
                sums[4, row] += y * y
                left_over = x - quotient * y
                own += left_over * left_over
                if not np.isnan(before):
                    shared += before * left_over
            before = left_over
        for k in range(2, 5):
            sums[k, row] /= max(n - 1, 1)
        if own > 0.0:
            share = min(max(shared / own, 0.0), _SHARED_MAX)
            sums[5, row] = (1.0 + share) / (1.0 - share)


class SumForecast(NamedTuple):
    """What sums come to at the end of their period, each (u,) float64; NaN: not known.

    `low` and `high` hold the truth with the chance that the pace was asked for.
    """

    value: Float1D
    low: Float1D
    high: Float1D


def forecast_sum(so_far: Float1D, pace: Pace, steps_left: Float1D) -> SumForecast:
    """Return where sums end if the rest of the period runs as past steps did.

    Parameters
    ----------
    so_far : (u,) float64
        What is known of the period; NaN: nothing, and so is the end.
    pace : Pace
        Of u sums as numerators; the denominators do not matter.
    steps_left : (u,) float64
        How many steps are not covered yet. >= 0.

    Notes
    -----
    The n steps left add n times the mean. Their sum varies by n s^2, and the mean of N past steps
    is not known better than by s^2 / N, which n steps make n^2 s^2 / N; both more by what
    neighbours share (`Pace.inflation`). Without a step left the end is what is known.
    """
    left = np.maximum(steps_left, 0.0)
    is_over = left == 0.0
    no_pace = ~is_over & (pace.weight == 0.0)
    value = so_far + np.where(no_pace, np.nan, left * pace.top)
    spread = pace.inflation * pace.top_top * (left + left * left * pace.weight)
    half = np.where(is_over, 0.0, np.sqrt(spread))
    return SumForecast(value, value - half, value + half)
