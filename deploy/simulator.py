"""Readings of a plant that does not exist: the demo's and the tests' source of truth.

`Simulator` makes, for a description and a seed, true flows that balance and the readings that the
described meters would show of them. A value depends on the description, the seed and its instant
alone, so a restart repeats what was sent and a backlog equals what would have been live.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from compute.topology import PointKind, Topology
from deploy.simulated_flows import (
    Float1D,
    Float2D,
    Int1D,
    NotSimulable,
    Profiles,
    default_rate,
    derive,
    flow_shape,
    make_profiles,
)
from services.plant.compile import compile_topology, point_rows, points_of
from services.plant.metering import Point
from services.plant.model import Plant

_LOAD = 0.6  # of what a meter is rated for, at the top of a day
_INTERVAL_DECIMALS = 3
_GAUGE_DECIMALS = 4
_CAPACITY_DEFAULT = 100.0  # per hour, of a product or a point that says nothing
_TRIALS_MAX = 60
_HISTORY_BATCH = 4_096


class Reading(NamedTuple):
    """One value, as the gateway has it."""

    gateway: str
    address: str
    ts_us: int
    value: float


class Simulator:
    """A plant's truth, and the readings of it.

    Parameters
    ----------
    plant : Plant
        Checked.
    seed : int
        Another seed is another history of the same plant.

    Raises
    ------
    NotSimulable
        If the description's balances force a flow to run backwards.
    """

    def __init__(self, plant: Plant, *, seed: int = 1) -> None:
        topology = compile_topology(plant)
        self._rows = point_rows(plant)
        self._points = [point for _, point in points_of(plant)]
        self._topology = topology
        weights = _weights(topology)
        shared = _shared_rows(weights, flow_count=len(topology.flow_code))
        flow_mixing, free_flows = derive(topology, extra_rows=shared)
        # Products and points that measure nothing are free amounts after the flows.
        flow_count, free_count = len(topology.flow_code), len(free_flows)
        rest = len(weights) - flow_count
        self._mixing = np.zeros((len(weights), free_count + rest))
        self._mixing[:flow_count, :free_count] = flow_mixing
        self._mixing[flow_count:, free_count:] = np.eye(rest)
        free = [*free_flows, *range(flow_count, len(weights))]
        names = self._noise_names(free)
        profiles = self._free_profiles(plant, free, weights, names, seed=seed)
        self._profiles = _scaled(profiles, self._mixing, names)
        # Meters side by side share a flow evenly; one meter of a difference shows their sum.
        reading_mixing = np.linalg.pinv(weights) @ self._mixing
        reading_mixing[np.abs(reading_mixing) < 1e-12] = 0.0
        self._reading_mixing: Float2D = reading_mixing / topology.points.scale[:, None]
        self._offset = np.random.default_rng([seed, 7]).uniform(10.0, 1000.0, len(self._points))
        self._names: Mapping[str, int] = {
            code: i for i, code in enumerate((*topology.flow_code, *topology.product_code))
        }

    def true_amount(self, code: str, *, start_us: int, end_us: int) -> float:
        """Return the true amount of a flow or product in [start, end), in its own unit."""
        ts_us = np.array([start_us, end_us], dtype=np.int64)
        before, after = self._mixing[self._names[code]] @ self._profiles.cumulative(ts_us)
        return float(after - before)

    def true_point_amount(self, code: str, *, start_us: int, end_us: int) -> float:
        """Return what passes a point in [start, end), in the unit its amounts are kept in."""
        row = self._topology.points.code.index(code)
        ts_us = np.array([start_us, end_us], dtype=np.int64)
        before, after = self._reading_mixing[row] @ self._profiles.cumulative(ts_us)
        return float((after - before) * self._topology.points.scale[row])

    def readings_at(self, ts_us: int, *, since_us: int | None = None) -> list[Reading]:
        """Return what every meter shows at an instant, in the order of the description.

        An interval point gives, with the stamp it declares, every period that ended in
        (since_us, ts_us]; if `since_us` is left out, only one that ends at the instant itself.
        """
        step_us = 1 if since_us is None else ts_us - since_us
        return self._readings(np.array([ts_us], dtype=np.int64), step_us=step_us)[0]

    def history(self, *, start_us: int, end_us: int, step_us: int) -> Iterator[list[Reading]]:
        """Yield the readings of every step in [start, end), oldest first.

        Interval points give the periods that ended since the step before. The integral of a gauge
        is the true amount if the step divides five minutes.
        """
        for batch_us in range(start_us, end_us, step_us * _HISTORY_BATCH):
            batch_end_us = min(end_us, batch_us + step_us * _HISTORY_BATCH)
            ts_us = np.arange(batch_us, batch_end_us, step_us, dtype=np.int64)
            yield from self._readings(ts_us, step_us=step_us)

    def _readings(self, ts_us: Int1D, *, step_us: int) -> list[list[Reading]]:
        cumulative = self._reading_mixing @ self._profiles.cumulative(ts_us)
        rates = self._reading_mixing @ self._profiles.rates(ts_us)
        moments: list[list[Reading]] = [[] for _ in ts_us]
        for row, point in enumerate(self._points):
            kind = self._topology.points.kind[row]
            stamps, moment = ts_us, np.arange(len(ts_us))
            if kind == PointKind.REGISTER:
                values = _shown(point, self._offset[row] + cumulative[row])
            elif kind == PointKind.GAUGE:
                values = np.round(rates[row], _GAUGE_DECIMALS)
            else:
                values, stamps, moment = self._periods(row, ts_us, step_us=step_us)
            place = self._rows[row]
            for value, stamp, i in zip(
                values.tolist(), stamps.tolist(), moment.tolist(), strict=True
            ):
                moments[i].append(Reading(place.gateway_code, place.address, stamp, value))
        return moments

    def _periods(self, row: int, ts_us: Int1D, *, step_us: int) -> tuple[Float1D, Int1D, Int1D]:
        """Return the values, stamps and moments of the periods that ended within the steps."""
        points = self._topology.points
        period_us = int(points.period_us[row])
        offset_us = self._profiles.offset_us  # periods are of the wall clock
        after_us = int(ts_us[0]) - step_us + offset_us
        first_us = (after_us // period_us + 1) * period_us - offset_us
        ends = np.arange(first_us, int(ts_us[-1]) + 1, period_us, dtype=np.int64)
        amount = self._reading_mixing[row] @ (
            self._profiles.cumulative(ends) - self._profiles.cumulative(ends - period_us)
        )
        stamps = ends if points.stamped_at_end[row] else ends - period_us
        return np.round(amount, _INTERVAL_DECIMALS), stamps, np.searchsorted(ts_us, ends)

    def _noise_names(self, free: list[int]) -> list[str]:
        """Return what the noise of each free amount is drawn for."""
        flow_count = len(self._topology.flow_code)
        return [
            _noise_name(self._topology, i) if i < flow_count else f"amount {i - flow_count}"
            for i in free
        ]

    def _free_profiles(
        self, plant: Plant, free: list[int], weights: Float2D, names: list[str], *, seed: int
    ) -> Profiles:
        topology = self._topology
        flow_count, product_count = len(topology.flow_code), len(topology.product_code)
        shapes: list[str] = []
        rates = np.empty(len(free))
        for k, quantity in enumerate(free):
            if quantity < flow_count:
                shapes.append(flow_shape(topology, quantity))
                carrier = topology.carrier_code[topology.flow_carrier_index[quantity]]
                fallback = default_rate(carrier)
            else:
                is_product = quantity - flow_count < product_count
                shapes.append("shifts" if is_product else "steady")
                fallback = _CAPACITY_DEFAULT
            rates[k] = self._rate_max(weights[quantity], fallback)
        _pair_storage(topology, free, rates, flow_count=flow_count)
        return make_profiles(names, shapes, rates, seed=seed, time_zone=plant.time_zone)

    def _rate_max(self, weights: Float1D, fallback: float) -> float:
        """Return the top rate of an amount, from what its meters are rated for."""
        used = np.flatnonzero(weights)
        scale = self._topology.points.scale
        capacity = [
            abs(weights[i]) * scale[i] * most
            for i in used
            if (most := _raw_rate_max(self._points[i])) is not None
        ]
        return _LOAD * sum(capacity) if len(capacity) == len(used) and capacity else fallback


def _raw_rate_max(point: Point) -> float | None:
    """Return the most raw units that a point can pass in an hour, None if it does not say."""
    if point.kind == "register":
        most = point.rate_max_per_hour
        return None if most is None else most / point.multiplier
    if point.value_max is None or point.period_minutes is None:
        return point.value_max
    return point.value_max * 60.0 / point.period_minutes


def _shown(point: Point, raw: Float1D) -> Float1D:
    """Return what a register shows: cut to its last digit, and started again after its first."""
    if point.digits is None:
        return raw
    steps = np.floor(raw * 10.0**point.digits.decimal)
    shown = steps % 10.0 ** (point.digits.integer + point.digits.decimal)
    return np.round(shown / 10.0**point.digits.decimal, point.digits.decimal)


def _weights(topology: Topology) -> Float2D:
    """Return the part of each point in flows, products and, where it has none, in itself."""
    point_count = len(topology.points.code)
    rows: list[Float1D] = []
    for offset, index, weight in (
        (topology.flow_offset, topology.flow_point_index, topology.flow_point_weight),
        (topology.product_offset, topology.product_point_index, topology.product_point_weight),
    ):
        for start, end in pairwise(offset):
            row = np.zeros(point_count)
            row[index[start:end]] = weight[start:end]
            rows.append(row)
    measured = {*topology.flow_point_index.tolist(), *topology.product_point_index.tolist()}
    for point in range(point_count):
        if point not in measured:
            row = np.zeros(point_count)
            row[point] = 1.0
            rows.append(row)
    return np.array(rows).reshape(len(rows), point_count)


def _shared_rows(weights: Float2D, *, flow_count: int) -> Float2D:
    """Return the equations of flows that one point alone measures in shares."""
    alone: dict[int, int] = {}
    rows: list[Float1D] = []
    for flow in range(flow_count):
        used = np.flatnonzero(weights[flow])
        if len(used) != 1:
            continue
        point = int(used[0])
        if point in alone:
            row = np.zeros(flow_count)
            row[flow] = weights[alone[point], point]
            row[alone[point]] = -weights[flow, point]
            rows.append(row)
        alone.setdefault(point, flow)
    return np.array(rows).reshape(len(rows), flow_count)


def _storage_node(topology: Topology, flow: int) -> tuple[str, int] | None:
    """Return the direction and node of a flow that charges or discharges a storage."""
    shape = flow_shape(topology, flow)
    if shape == "charge":
        return shape, int(topology.flow_to_index[flow])
    return (shape, int(topology.flow_from_index[flow])) if shape == "discharge" else None


def _noise_name(topology: Topology, flow: int) -> str:
    """Return what the noise of a flow is drawn for: one name for both ways of a battery."""
    storage = _storage_node(topology, flow)
    return topology.flow_code[flow] if storage is None else topology.node_code[storage[1]]


def _pair_storage(topology: Topology, free: list[int], rates: Float1D, *, flow_count: int) -> None:
    """Let each battery give what it took: the same top rate in both directions."""
    by_node: dict[int, list[int]] = {}
    for k, quantity in enumerate(free):
        storage = _storage_node(topology, quantity) if quantity < flow_count else None
        if storage is not None:
            by_node.setdefault(storage[1], []).append(k)
    for rows in by_node.values():
        rates[rows] = rates[rows].min()


def _scaled(profiles: Profiles, mixing: Float2D, names: list[str]) -> Profiles:
    """Return the profiles, smaller where else a derived amount would run backwards."""
    rate = profiles.rate.copy()
    least, most = profiles.day_factor.min(axis=1), profiles.day_factor.max(axis=1)
    given, taken = np.clip(mixing, 0.0, None), np.clip(-mixing, 0.0, None)
    for _ in range(_TRIALS_MAX):
        week = rate.reshape(len(rate), -1)
        # The worst day of each: those that add at their least, those that subtract at their most.
        lowest = (given * least) @ week - (taken * most) @ week
        behind = lowest.min(axis=1, initial=0.0) < -1e-9
        if not behind.any():
            return Profiles(rate, profiles.day_factor, offset_us=profiles.offset_us)
        causes = (taken[behind] > 0.0).any(axis=0)
        if not causes.any():
            break
        # Both ways of a battery have one name: they shrink together.
        rate[np.isin(names, np.array(names)[causes])] *= 0.8
    raise NotSimulable(
        "the balances of this description force a flow to run backwards; "
        "turn that flow round or meter another"
    )
