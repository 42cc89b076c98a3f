"""How far a meter may be from the truth, from its accuracy class and its resolution."""

import math

import numpy as np

from compute.grid import Float2D
from compute.topology import Float1D

# JJF 1059.1-2012, 4.3.3 (GUM 4.3.7): nothing is known but the limit, so every error within it is
# as likely as any other; the standard deviation of such an error is limit / sqrt(3).
CLASS_LIMIT_DIVISOR = math.sqrt(3.0)

# A register's amount is the difference of two values, each rounded to its resolution: a uniform
# error of half a step at either end, 2 x resolution^2 / 12.
RESOLUTION_DIVISOR = math.sqrt(6.0)


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
