"""How much a storage holds at the edges of intervals, from readings of its content."""

import numpy as np

from compute._jit import kernel
from compute.readings import Readings
from compute.topology import Float1D, Int1D


def levels_at(readings: Readings, point: int, *, edges_us: Int1D, hold_us: int) -> Float1D:
    """Return the reading of a gauge at instants, between its readings where none is.

    Parameters
    ----------
    readings : Readings
    point : int
        Row of the gauge.
    edges_us : (k,) int64
        Ascending. [µs since 1970-01-01 UTC]
    hold_us : int
        How far the readings around an instant may be apart. [µs]

    Returns
    -------
    level : (k,) float64
        NaN where no two readings stand close enough around the instant. [unit of the reading]
    """
    begin, end = int(readings.point_offset[point]), int(readings.point_offset[point + 1])
    value = np.asarray(readings.value[begin:end], dtype=np.float64)
    known = np.isfinite(value)
    level = np.full(edges_us.size, np.nan)
    _levels_at(
        np.ascontiguousarray(readings.ts_us[begin:end][known], dtype=np.int64),
        np.ascontiguousarray(value[known]),
        np.array(edges_us, dtype=np.int64),
        hold_us,
        level,
    )
    return level


@kernel
def _levels_at(ts_us: Int1D, value: Float1D, edges_us: Int1D, hold_us: int, level: Float1D) -> None:
    after = 0
    for k in range(edges_us.size):
        while after < ts_us.size and ts_us[after] < edges_us[k]:
            after += 1
        if after == ts_us.size:
            break
        if ts_us[after] == edges_us[k]:
            level[k] = value[after]
        elif after > 0 and ts_us[after] - ts_us[after - 1] <= hold_us:
            part = (edges_us[k] - ts_us[after - 1]) / (ts_us[after] - ts_us[after - 1])
            level[k] = value[after - 1] + part * (value[after] - value[after - 1])
