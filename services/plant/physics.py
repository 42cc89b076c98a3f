"""What a reading cannot be whatever the meter: the limits of physics, where a point gives none.

Only what holds without exception is refused: a temperature below absolute zero, a power factor
beyond 1, a share of a whole outside 0 to 100 %. A load of 110 % is none of these, which is why a
percentage alone has no limits: the point says what it is of (`quantity`).
"""

from collections.abc import Mapping
from math import inf

from compute.units import unit
from services.plant.life import held
from services.plant.metering import Point, Quantity

# In base units: 1 of a ratio.
_OF_QUANTITY: Mapping[Quantity, tuple[float, float]] = {
    "power_factor": (-1.0, 1.0),
    "share": (0.0, 1.0),
}
_ABSOLUTE_ZERO_K = 0.0


def physical_limits(point: Point) -> tuple[float | None, float | None]:
    """Return the least and the largest raw reading that are taken of a point; None: no limit.

    Its own limits stand before those of physics. Where its multiplier changes in its life, a limit
    is as wide as the widest of them.

    Parameters
    ----------
    point : Point
        Its unit is known.
    """
    low, high = _physics(point)
    factors = [row.multiplier for row in held(point)]
    return (
        _chosen(point.value_min, min(low / factor for factor in factors)),
        _chosen(point.value_max, max(high / factor for factor in factors)),
    )


def _physics(point: Point) -> tuple[float, float]:
    """Return the limits of what a point measures, in its unit."""
    of_point = unit(point.unit)
    scale, offset = float(of_point.scale), float(of_point.offset)
    if point.quantity is not None:
        low, high = _OF_QUANTITY[point.quantity]
        return low / scale, high / scale
    if of_point.dimension == "temperature" and point.kind == "gauge":
        return (_ABSOLUTE_ZERO_K - offset) / scale, inf
    return -inf, inf


def _chosen(own: float | None, of_physics: float) -> float | None:
    if own is not None:
        return own
    return None if abs(of_physics) == inf else of_physics
