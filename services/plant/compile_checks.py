"""The limits of the data audit in a plant description, as arrays in the order of its topology."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from compute.balance import balanced_nodes
from compute.checks import CheckLimits
from compute.topology import Topology
from services.plant.compile import points_of
from services.plant.model import Plant

_HOUR_US = 3_600_000_000
_BUS_TOLERANCE = 0.1


def compile_checks(plant: Plant) -> CheckLimits:
    """Return the limits that readings are audited by, raw, in the order of `Topology.points`."""
    points = [point for _, point in points_of(plant)]

    def raw(values: Iterable[float | None], none: float) -> np.ndarray[tuple[int], Any]:
        return np.array(
            [
                none if value is None else value / point.multiplier
                for value, point in zip(values, points, strict=True)
            ],
            dtype=np.float64,
        )

    return CheckLimits(
        range_min=raw((p.checks.range_min for p in points), -np.inf),
        range_max=raw((p.checks.range_max for p in points), np.inf),
        step_max=raw((p.checks.step_max for p in points), np.inf),
        rate_max_per_hour=raw((p.checks.rate_max_per_hour for p in points), np.inf),
        frozen_us=np.array([p.checks.frozen_hours * _HOUR_US for p in points], dtype=np.int64),
    )


def clock_ahead_s(plant: Plant) -> tuple[float, ...]:
    """Return how far ahead of its receipt a reading of each point may be stamped. [s]."""
    limit = {gateway.code: float(gateway.clock_ahead_seconds) for gateway in plant.gateways}
    return tuple(limit[meter.gateway] for meter, _ in points_of(plant))


def balance_tolerances(plant: Plant, arrays: Topology) -> np.ndarray[tuple[int], Any]:
    """Return the tolerance of each node in balance, +inf where it is not looked at."""
    given = {
        node.code: node.balance_tolerance or (_BUS_TOLERANCE if node.kind == "bus" else np.inf)
        for node in plant.nodes
    }
    codes = [arrays.node_code[node] for node in balanced_nodes(arrays)]
    return np.array([given[code] for code in codes], dtype=np.float64)
