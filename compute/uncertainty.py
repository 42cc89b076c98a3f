"""How far a meter may be from the truth, from its accuracy class and its resolution."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.block import Members
from compute.grid import Float2D
from compute.topology import Float1D, Index1D

Bool2D = npt.NDArray[np.bool_]

# JJF 1059.1-2012, 4.3.3 (GUM 4.3.7): nothing is known but the limit, so every error within it is
# as likely as any other; the standard deviation of such an error is limit / sqrt(3).
CLASS_LIMIT_DIVISOR = math.sqrt(3.0)

# A register's amount is the difference of two values, each rounded to its resolution: a uniform
# error of half a step at either end, 2 x resolution^2 / 12.
RESOLUTION_DIVISOR = math.sqrt(6.0)

# A gap that was bridged: what passed in an interval of it may be anything from nothing to twice the
# even share, so its sigma is the share / sqrt(3) (JJF 1059.1-2012, 4.3.3).
BRIDGED_DIVISOR = math.sqrt(3.0)


class Meters(NamedTuple):
    """What is known of the error of each of p points.

    Attributes
    ----------
    class_limit_share : (p,) float64
        Error limit of its meter relative to its reading: 0.005 for class 0.5. >= 0.
    resolution : (p,) float64
        Smallest step of its amount. > 0. [unit of the amount]
    meter_index : (p,) int32
        Points of one meter err by one gain.
    """

    class_limit_share: Float1D
    resolution: Float1D
    meter_index: Index1D


def meter_sigma(amount: Float2D, *, class_limit_share: Float1D, resolution: Float1D) -> Float2D:
    """Return the standard deviation of measured amounts.

    Parameters
    ----------
    amount : (f, k) float64
        NaN stays NaN. [unit of the flow]
    class_limit_share : (f,) float64
        Error limit of each meter relative to its reading: 0.005 for class 0.5. >= 0.
    resolution : (f,) float64
        Smallest step of the amount. > 0, so that no meter is exact because it stands still.
        [unit of the flow]

    Returns
    -------
    sigma : (f, k) float64
        [unit of the flow]

    Raises
    ------
    ValueError
        If a limit is negative or a resolution is not positive.

    Notes
    -----
    The class error is one gain per meter that stays through the day, so it is fully correlated
    over time and not at all between meters: the sigma of a day is this function of the day's
    amount, never the root of the sum of squares of its intervals.
    """
    if not (class_limit_share >= 0.0).all():
        raise ValueError("every class limit must be 0 or more")
    if not (resolution > 0.0).all():
        raise ValueError("every resolution must be more than 0")
    gain = class_limit_share[:, np.newaxis] / CLASS_LIMIT_DIVISOR
    sigma: Float2D = np.hypot(gain * amount, resolution[:, np.newaxis] / RESOLUTION_DIVISOR)
    return sigma


def flow_sigma(
    point_amount: Float2D, *, parts: Members, meters: Meters, is_bridged: Bool2D
) -> Float2D:
    """Return the standard deviation of flows that are weighted sums of points.

    Parameters
    ----------
    point_amount : (p, k) float64
        [unit of the point]
    parts : Members
        Of f flows: which points each adds up, and how.
    meters : Meters
        (p,)
    is_bridged : (p, k) bool
        Where the amount is the even share of a gap that was bridged.

    Returns
    -------
    sigma : (f, k) float64
        NaN where an amount is. 0 for a flow without points. [unit of the flow]

    Notes
    -----
    Points of one meter err by one gain, so their class errors add up before they are squared;
    those of different meters are independent, and so are all resolutions. As with `meter_sigma`
    the gain stays through the day: give the amounts of a day to get the sigma of the day.
    """
    sigma = np.zeros((parts.offset.size - 1, point_amount.shape[1]), dtype=np.float64)
    _flow_sigma(
        np.array(point_amount, dtype=np.float64, order="C"),
        parts,
        Meters(
            np.array(meters.class_limit_share, dtype=np.float64),
            np.array(meters.resolution, dtype=np.float64),
            np.array(meters.meter_index, dtype=np.int32),
        ),
        np.array(is_bridged, dtype=np.bool_, order="C"),
        sigma,
    )
    return sigma


@kernel
def _flow_sigma(
    amount: Float2D, parts: Members, meters: Meters, is_bridged: Bool2D, sigma: Float2D
) -> None:
    for flow in range(sigma.shape[0]):
        begin, end = parts.offset[flow], parts.offset[flow + 1]
        for j in range(sigma.shape[1]):
            total = 0.0
            for k in range(begin, end):
                point = parts.row_index[k]
                step = parts.weight[k] * meters.resolution[point] / RESOLUTION_DIVISOR
                total += step * step
                if is_bridged[point, j]:
                    shape = parts.weight[k] * amount[point, j] / BRIDGED_DIVISOR
                    total += shape * shape
                if _is_first_of_meter(parts, meters.meter_index, begin, k):
                    gain = 0.0
                    for other in range(k, end):
                        i = parts.row_index[other]
                        if meters.meter_index[i] == meters.meter_index[point]:
                            share = meters.class_limit_share[i] / CLASS_LIMIT_DIVISOR
                            gain += parts.weight[other] * share * amount[i, j]
                    total += gain * gain
            sigma[flow, j] = math.sqrt(total)


@kernel
def _is_first_of_meter(parts: Members, meter_index: Index1D, begin: int, k: int) -> bool:
    is_first = True
    for earlier in range(begin, k):
        same = meter_index[parts.row_index[earlier]] == meter_index[parts.row_index[k]]
        is_first = is_first and not same
    return is_first
