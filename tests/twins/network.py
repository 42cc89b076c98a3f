"""Sigmas of flows, levels of gauges, and what is carried where, in the plainest words."""

import math
from collections.abc import Sequence

Part = tuple[int, float]


def flow_sigma(
    parts: Sequence[Part],
    amount: Sequence[float],
    limit: Sequence[float],
    step: Sequence[float],
    meter: Sequence[int],
    bridged: Sequence[bool],
) -> float:
    """Return the sigma of one flow in one interval."""
    gain: dict[int, float] = {}
    variance = 0.0
    for point, weight in parts:
        share = limit[point] / math.sqrt(3.0) * weight * amount[point]
        gain[meter[point]] = gain.get(meter[point], 0.0) + share
        variance += (weight * step[point]) ** 2 / 6.0
        if bridged[point]:
            variance += (weight * amount[point]) ** 2 / 3.0
    return math.sqrt(variance + sum(share**2 for share in gain.values()))


def level_at(readings: Sequence[tuple[int, float]], at: int, hold: int) -> float:
    """Return the level of a gauge at an instant, NaN if no readings stand near enough."""
    before = [row for row in readings if row[0] <= at]
    after = [row for row in readings if row[0] >= at]
    if not after:
        return math.nan
    if after[0][0] == at:
        return after[0][1]
    if not before or after[0][0] - before[-1][0] > hold:
        return math.nan
    (t0, v0), (t1, v1) = before[-1], after[0]
    return v0 + (at - t0) / (t1 - t0) * (v1 - v0)
