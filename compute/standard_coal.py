"""Comprehensive energy consumption in standard coal: GB/T 2589-2020.

One formula serves both ways of counting: with calorific coefficients it gives the equivalent value
(当量值), with the primary energy that a secondary carrier took to make it gives the equal value
(等价值). Only electricity and energy media differ between the two.
"""

import numpy as np
import numpy.typing as npt

from compute.topology import Float1D

Float = npt.NDArray[np.float64]

# 1 kgce = 7000 kcal = 29307.6 kJ and 1 kWh = 3600 kJ, both by definition.
KJ_PER_KGCE = 29307.6
KJ_PER_KWH = 3600.0
KGCE_PER_TCE = 1000.0


def comprehensive_energy_tce(
    consumed: Float, *, coal_factor_tce: Float1D, sold: Float | None = None
) -> Float:
    """Return the comprehensive energy consumption of a boundary over its carriers.

    Parameters
    ----------
    consumed : (..., c) float64
        Amount of each carrier that came into the boundary. NaN is unknown. [unit of the carrier]
    coal_factor_tce : (c,) float64
        Coefficient of each carrier, equivalent or equal value; NaN where there is none.
        [tce per unit]
    sold : (..., c) float64, optional
        Amount that left the boundary as energy; none by default. [unit of the carrier]

    Returns
    -------
    energy_tce : (...) float64
        NaN where an amount is unknown, or a carrier that took part has no coefficient. [tce]

    Notes
    -----
    Standard: GB/T 2589-2020, 7.   Equation: E = sum_i (e_i * p_i) - energy sold.
    Sign: in is positive; a boundary that sells more than it takes is negative.
    """
    net = np.asarray(consumed, dtype=np.float64)
    if sold is not None:
        net = net - sold
    return np.asarray(coal_tce(net, coal_factor_tce=coal_factor_tce).sum(axis=-1))


def coal_tce(amount: Float, *, coal_factor_tce: Float1D) -> Float:
    """Return amounts of carriers as standard coal, one term of the sum per carrier.

    Parameters
    ----------
    amount : (..., c) float64
        NaN is unknown. [unit of the carrier]
    coal_factor_tce : (c,) float64
        NaN where there is none. [tce per unit]

    Returns
    -------
    term_tce : (..., c) float64
        0 where nothing was consumed, even without a coefficient. [tce]

    Notes
    -----
    Standard: GB/T 2589-2020, 7.   Equation: e_i * p_i.   Sign: that of the amount.
    """
    amount, factor = np.broadcast_arrays(amount, coal_factor_tce)
    # What did not take part must not make the total unknown for want of its coefficient.
    return np.where(amount == 0.0, 0.0, amount * factor)


def coal_factor_tce_of(calorific_value_kj: Float | float) -> Float:
    """Return the coefficient that a calorific value amounts to.

    Parameters
    ----------
    calorific_value_kj : (...) float64
        Lower calorific value as received, measured or printed. >= 0. [kJ per unit]

    Returns
    -------
    coal_factor_tce : (...) float64
        [tce per unit]

    Notes
    -----
    Standard: GB/T 2589-2020, 8.   Equation: p = q / 29307.6 kJ/kgce.   Sign: never negative.
    """
    return np.asarray(calorific_value_kj, dtype=np.float64) / KJ_PER_KGCE / KGCE_PER_TCE


def energy_kwh_of(coal_equivalent_tce: Float | float) -> Float:
    """Return standard coal, equivalent value, as calorific energy.

    Parameters
    ----------
    coal_equivalent_tce : (...) float64
        [tce]

    Returns
    -------
    energy_kwh : (...) float64
        [kWh]

    Notes
    -----
    Standard: GB/T 2589-2020, 3.2.   Equation: E * 29307.6 / 3600.   Sign: that of the argument.
    """
    kgce = np.asarray(coal_equivalent_tce, dtype=np.float64) * KGCE_PER_TCE
    return kgce * KJ_PER_KGCE / KJ_PER_KWH
