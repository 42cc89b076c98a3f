"""The truth of a simulated plant: how every amount follows from the free ones, at any instant."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from compute.topology import Topology
from deploy.simulated_flows import NotSimulable, Running, default_rate, derive, flow_shape
from deploy.simulated_profiles import Episode, Float1D, Float2D, Int1D, Profiles, make_profiles
from services.plant.compile import compile_topology, points_of
from services.plant.metering import Point
from services.plant.model import Plant

_LOAD = 0.6  # of what a meter is rated for, at the top of a day
_CAPACITY_DEFAULT = 100.0  # per hour, of a product or a point that says nothing
_TRIALS_MAX = 60


class TrueEpisode(NamedTuple):
    """A time in which so many times as much flows as otherwise."""

    flow: str
    start_us: int
    end_us: int
    factor: float


class Truth:
    """What truly flows in a plant, at any time.

    Parameters
    ----------
    plant : Plant
    seed : int
    running : Running
    episodes : sequence of TrueEpisode
    feeders : mapping of str to (Truth, str)
        Flows that are a flow of another plant.

    Attributes
    ----------
    topology : Topology
    offset_us : int
        Of the plant's wall clock. [µs]

    Raises
    ------
    NotSimulable
        If the description's balances force a flow to run backwards, or if an episode or a feeder
        is of a flow that follows from others.
    """

    def __init__(
        self,
        plant: Plant,
        *,
        seed: int,
        running: Running,
        episodes: Sequence[TrueEpisode] = (),
        feeders: Mapping[str, "tuple[Truth, str]"] | None = None,
    ) -> None:
        self.topology = topology = compile_topology(plant)
        weights = _point_weights(topology)
        flow_count = len(topology.flow_code)
        mixing, free_flows = derive(
            topology, running=running, extra_rows=_shared_rows(weights, flow_count=flow_count)
        )
        # Products and points that measure nothing are free amounts after the flows.
        free_count, rest = len(free_flows), len(weights) - flow_count
        self._mixing = np.zeros((len(weights), free_count + rest))
        self._mixing[:flow_count, :free_count] = mixing
        self._mixing[flow_count:, free_count:] = np.eye(rest)
        self._free = [*free_flows, *range(flow_count, len(weights))]
        self._names: Mapping[str, int] = {
            code: i for i, code in enumerate((*topology.flow_code, *topology.product_code))
        }
        points = [point for _, point in points_of(plant)]
        profiles = self._free_profiles(plant, points, weights, running, seed=seed)
        self._profiles = profiles.with_episodes(
            [
                Episode(self._free_row(flow), start_us, end_us, factor)
                for flow, start_us, end_us, factor in episodes
            ]
        )
        self.offset_us = self._profiles.offset_us
        self._feeders = [
            (self._free_row(code), giver, flow) for code, (giver, flow) in (feeders or {}).items()
        ]
        # Meters side by side share a flow evenly; one meter of a difference shows their sum.
        per_point = np.linalg.pinv(weights) @ self._mixing
        per_point[np.abs(per_point) < 1e-12] = 0.0
        self._raw_mixing: Float2D = per_point / topology.points.scale[:, None]

    def amount(self, code: str, *, start_us: int, end_us: int) -> float:
        """Return the amount of a flow or product in [start, end), in its own unit."""
        ts_us = np.array([start_us, end_us], dtype=np.int64)
        before, after = self.of(code, self.cumulative(ts_us))
        return float(after - before)

    def cumulative(self, ts_us: Int1D) -> Float2D:
        """Return the integral of every free amount to each instant, (k, n)."""
        total = self._profiles.cumulative(ts_us)
        for row, giver, flow in self._feeders:
            total[row] = giver.of(flow, giver.cumulative(ts_us))
        return total

    def rates(self, ts_us: Int1D) -> Float2D:
        """Return the rate of every free amount at each instant, (k, n)."""
        rates = self._profiles.rates(ts_us)
        for row, giver, flow in self._feeders:
            rates[row] = giver.of(flow, giver.rates(ts_us))
        return rates

    def of(self, code: str, free: Float2D) -> Float1D:
        """Return what a flow or product has of free amounts (k, n), in its own unit, (n,)."""
        found: Float1D = self._mixing[self._names[code]] @ free
        return found

    def raw(self, row: int, free: Float2D) -> Float1D:
        """Return what a point has of free amounts (k, n), in raw units, (n,)."""
        found: Float1D = self._raw_mixing[row] @ free
        return found

    def _free_row(self, code: str) -> int:
        if self._names[code] not in self._free:
            raise NotSimulable(f"{code} follows from other flows: name one that does not")
        return self._free.index(self._names[code])

    def _noise_names(self) -> list[str]:
        """Return what the noise of each free amount is drawn for."""
        flow_count = len(self.topology.flow_code)
        return [
            _noise_name(self.topology, i) if i < flow_count else f"amount {i - flow_count}"
            for i in self._free
        ]

    def _code(self, quantity: int) -> str:
        """Return the code of a flow or product, nothing for a point that measures neither."""
        codes = (*self.topology.flow_code, *self.topology.product_code)
        return codes[quantity] if quantity < len(codes) else ""

    def _shapes(self, running: Running) -> list[str]:
        """Return the daily shape of each free amount."""
        flow_count = len(self.topology.flow_code)
        shapes: list[str] = []
        for quantity in self._free:
            code = self._code(quantity)
            usual = "shifts" if code else "steady"
            if quantity < flow_count:
                usual = flow_shape(self.topology, quantity)
            shapes.append(running.shape.get(code, usual))
        return shapes

    def _free_profiles(
        self, plant: Plant, points: list[Point], weights: Float2D, running: Running, *, seed: int
    ) -> Profiles:
        topology, flow_count = self.topology, len(self.topology.flow_code)
        rates = np.empty(len(self._free))
        for k, quantity in enumerate(self._free):
            fallback = _CAPACITY_DEFAULT
            if quantity < flow_count:
                carrier = topology.carrier_code[topology.flow_carrier_index[quantity]]
                fallback = default_rate(carrier)
            usual = _rate_max(weights[quantity], points, topology.points.scale, fallback)
            rates[k] = running.rate_max.get(self._code(quantity), usual)
        _pair_storage(topology, self._free, rates, flow_count=flow_count)
        names = self._noise_names()
        profiles = make_profiles(
            names, self._shapes(running), rates, seed=seed, time_zone=plant.time_zone
        )
        return _scaled(profiles, self._mixing, names)


def _rate_max(weights: Float1D, points: list[Point], scale: Float1D, fallback: float) -> float:
    """Return the top rate of an amount, from what its meters are rated for."""
    used = np.flatnonzero(weights)
    capacity = [
        abs(weights[i]) * scale[i] * most
        for i in used
        if (most := _raw_rate_max(points[i])) is not None
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


def _point_weights(topology: Topology) -> Float2D:
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
    factor = np.ones(len(names))
    given, taken = np.clip(mixing, 0.0, None), np.clip(-mixing, 0.0, None)
    least, most = profiles.lowest(), profiles.highest()
    for _ in range(_TRIALS_MAX):
        # The worst day of each: those that add at their least, those that subtract at their most.
        lowest = given @ (factor[:, None] * least) - taken @ (factor[:, None] * most)
        behind = lowest.min(axis=1, initial=0.0) < -1e-9
        if not behind.any():
            return profiles.smaller(factor)
        causes = (taken[behind] > 0.0).any(axis=0)
        if not causes.any():
            break
        # Both ways of a battery have one name: they shrink together.
        factor[np.isin(names, np.array(names)[causes])] *= 0.8
    raise NotSimulable(
        "the balances of this description force a flow to run backwards; "
        "turn that flow round or meter another"
    )
