"""Energy and emission per unit of product, output value or value added.

Where nothing was made there is no intensity. The answer is then NaN with the reason, never 0 and
never infinite: a stopped plant that burns gas is neither perfect nor infinitely bad.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from compute.standard_coal import KGCE_PER_TCE

Float = npt.NDArray[np.float64]


class Undefined(IntEnum):
    """Why an intensity has no value."""

    DEFINED = 0
    NO_OUTPUT = 1  # something was consumed (or emitted) but nothing made
    IDLE = 2  # nothing consumed, nothing made
    UNKNOWN = 3  # consumption or output is not known
    NEGATIVE_OUTPUT = 4  # more was taken back than made: the period is too short, or wrong
    TOO_LARGE = 5  # the output is so small that the quotient is beyond float64


@dataclass(frozen=True, slots=True)
class Intensity:
    """A quotient, and why it is absent where it is.

    Attributes
    ----------
    value : (...) float64
        NaN wherever `reason` is not `DEFINED`.
    reason : (...) uint8
        `Undefined`.
    """

    value: Float
    reason: npt.NDArray[np.uint8]


def intensity(total: Float, *, output: Float | float) -> Intensity:
    """Return a total per unit of output.

    Parameters
    ----------
    total : (...) float64
        Energy or emission of a period; negative where more is sold than taken. NaN is unknown.
        [any]
    output : (...) float64
        What the same boundary made in the same period. NaN is unknown. [any]

    Returns
    -------
    intensity : Intensity
        [unit of the total per unit of the output]

    Notes
    -----
    Standard: GB/T 2589-2020, 3.6 and 3.7; GB/T 32150-2015.   Equation: e = E / P.
    Sign: that of the total.
    """
    top, bottom = np.broadcast_arrays(np.asarray(total, np.float64), np.asarray(output, np.float64))
    reason = np.full(top.shape, Undefined.DEFINED, dtype=np.uint8)
    reason[bottom < 0.0] = Undefined.NEGATIVE_OUTPUT
    reason[bottom == 0.0] = Undefined.NO_OUTPUT
    reason[(bottom == 0.0) & (top == 0.0)] = Undefined.IDLE
    reason[~np.isfinite(top) | ~np.isfinite(bottom)] = Undefined.UNKNOWN
    value = np.full(top.shape, np.nan)
    with np.errstate(over="ignore"):
        np.divide(top, bottom, out=value, where=reason == Undefined.DEFINED)
    too_large = np.isinf(value)
    reason[too_large] = Undefined.TOO_LARGE
    value[too_large] = np.nan
    return Intensity(value=value, reason=reason)


def energy_per_product_kgce(energy_tce: Float, *, product: Float | float) -> Intensity:
    """Return the comprehensive energy consumption per unit of product.

    Parameters
    ----------
    energy_tce : (...) float64
        [tce]
    product : (...) float64
        Qualified product. [t, piece ...]

    Returns
    -------
    intensity : Intensity
        [kgce per unit of product]

    Notes
    -----
    Standard: GB/T 2589-2020, 3.7 and 7.   Equation: e_j = E_j / P_j.   Sign: in is positive.
    """
    return intensity(np.multiply(energy_tce, KGCE_PER_TCE), output=product)


def energy_per_value_tce(energy_tce: Float, *, value_10k_cny: Float | float) -> Intensity:
    """Return the comprehensive energy consumption per output value or value added.

    Parameters
    ----------
    energy_tce : (...) float64
        [tce]
    value_10k_cny : (...) float64
        Output value or value added at comparable prices. [1e4CNY]

    Returns
    -------
    intensity : Intensity
        [tce/1e4CNY]

    Notes
    -----
    Standard: GB/T 2589-2020, 3.6 and 7.   Equation: e_g = E / G.   Sign: in is positive.
    """
    return intensity(energy_tce, output=value_10k_cny)
