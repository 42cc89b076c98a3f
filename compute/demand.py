"""The highest mean power of each month over a window of time (最大需量)."""

from dataclasses import dataclass

import numpy as np

from compute._jit import kernel
from compute.errors import NengtanError
from compute.topology import Float1D, Int1D

_US_PER_MINUTE = 60_000_000
_US_PER_HOUR = 3_600_000_000


class WindowMisfit(NengtanError):
    """A demand window that does not consist of whole base intervals."""

    def __init__(self, window_us: int, step_us: int) -> None:
        super().__init__(
            f"a demand window of {window_us / _US_PER_MINUTE:g} min is not a whole number of base "
            f"intervals of {step_us / _US_PER_MINUTE:g} min: choose a multiple of the base interval"
        )
        self.window_us = window_us
        self.step_us = step_us


@dataclass(frozen=True, slots=True)
class Demand:
    """The highest mean power over a window, by month.

    Attributes
    ----------
    power_kw_max : (m,) float64
        NaN where no window is known. [kW]
    at : (m,) int64
        First interval of the first such window; -1 where there is none.
    known_count, window_count : (m,) int64
        Windows that are known, and all windows that lie within the intervals and the month.
    """

    power_kw_max: Float1D
    at: Int1D
    known_count: Int1D
    window_count: Int1D


def demand_by_month(energy_kwh: Float1D, *, month: Int1D, step_us: int, window_us: int) -> Demand:
    """Return the highest mean power of each month over a window of time (最大需量).

    Parameters
    ----------
    energy_kwh : (k,) float64
        Energy of consecutive base intervals; NaN is not known. [kWh]
    month : (k,) int64
        Ascending, as `Priced.month`.
    step_us, window_us : int
        Length of a base interval and of the window. [µs]

    Returns
    -------
    demand : Demand
        One for each month from that of interval 0 on.

    Raises
    ------
    WindowMisfit
        If the window is not a whole number of base intervals.

    Notes
    -----
    The window slides by one base interval (滑差) and lies within one month. A window with an
    unknown interval is not counted; nothing is extrapolated, so that a gap can only hide a peak.
    """
    if window_us <= 0 or window_us % step_us:
        raise WindowMisfit(window_us, step_us)
    month_count = int(month[-1] - month[0]) + 1 if len(month) else 0
    demand = Demand(
        power_kw_max=np.full(month_count, np.nan),
        at=np.full(month_count, -1, dtype=np.int64),
        known_count=np.zeros(month_count, dtype=np.int64),
        window_count=np.zeros(month_count, dtype=np.int64),
    )
    _demand(
        energy_kwh,
        month,
        window_us // step_us,
        window_us / _US_PER_HOUR,
        demand.power_kw_max,
        demand.at,
        demand.known_count,
        demand.window_count,
    )
    return demand


@kernel
def _demand(
    energy_kwh: Float1D,
    month: Int1D,
    window: int,
    window_h: float,
    power_kw_max: Float1D,
    at: Int1D,
    known_count: Int1D,
    window_count: Int1D,
) -> None:
    for i in range(energy_kwh.size - window + 1):
        if month[i + window - 1] != month[i]:
            continue
        row = month[i] - month[0]
        window_count[row] += 1
        # Summed anew, so that a peak has the same bits wherever the intervals begin.
        energy = 0.0
        for j in range(i, i + window):
            energy += energy_kwh[j]
        if np.isnan(energy):
            continue
        known_count[row] += 1
        power_kw = energy / window_h
        if at[row] < 0 or power_kw > power_kw_max[row]:
            power_kw_max[row] = power_kw
            at[row] = i
