"""Small plants for tests, written as a list of flows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compute.quality import Quality
from compute.register import IntervalAmounts
from compute.topology import CarrierFactors, NodeKind, Topology
from tests.compute.readings import points_of
from tests.twins.register import Point

STEP_US = 900_000_000


@dataclass(frozen=True)
class Node:
    code: str
    kind: NodeKind
    parent: str = ""


@dataclass(frozen=True)
class Flow:
    """`points` are (point row, weight); none means unmetered."""

    origin: str
    target: str
    carrier: str = "electricity"
    points: tuple[tuple[int, float], ...] = ()
    feedstock: bool = False

    @property
    def code(self) -> str:
        return f"{self.origin}-{self.target}"


@dataclass(frozen=True)
class Factor:
    energy_kwh: float = 1.0
    coal_equivalent_tce: float = 0.0001229
    coal_equal_tce: float = 0.0003
    direct: float = 0.0
    purchased: float = 0.0


def plant(
    nodes: Sequence[Node],
    flows: Sequence[Flow],
    *,
    point_count: int,
    products: Sequence[tuple[str, str, tuple[tuple[int, float], ...]]] = (),
) -> Topology:
    names = [node.code for node in nodes]
    carriers = sorted({flow.carrier for flow in flows})
    flow_points = [flow.points for flow in flows]
    product_points = [points for _, _, points in products]
    return Topology(
        points=points_of([Point()] * point_count),
        carrier_code=tuple(carriers),
        node_code=tuple(names),
        node_kind=_ints(node.kind for node in nodes),
        node_parent_index=_ints(names.index(n.parent) if n.parent else -1 for n in nodes),
        flow_code=tuple(flow.code for flow in flows),
        flow_from_index=_ints(names.index(flow.origin) for flow in flows),
        flow_to_index=_ints(names.index(flow.target) for flow in flows),
        flow_carrier_index=_ints(carriers.index(flow.carrier) for flow in flows),
        flow_is_feedstock=np.array([flow.feedstock for flow in flows], dtype=np.bool_),
        flow_offset=_offset(flow_points),
        flow_point_index=_ints(row for points in flow_points for row, _ in points),
        flow_point_weight=_floats(weight for points in flow_points for _, weight in points),
        product_code=tuple(code for code, _, _ in products),
        product_node_index=_ints(names.index(node) for _, node, _ in products),
        product_offset=_offset(product_points),
        product_point_index=_ints(row for points in product_points for row, _ in points),
        product_point_weight=_floats(weight for points in product_points for _, weight in points),
    )


def metered(nodes: Sequence[Node], flows: Sequence[Flow]) -> Topology:
    """Return the plant in which point i measures flow i."""
    numbered = [
        Flow(flow.origin, flow.target, flow.carrier, ((row, 1.0),), flow.feedstock)
        for row, flow in enumerate(flows)
    ]
    return plant(nodes, numbered, point_count=len(flows))


def amounts(rows: Sequence[Sequence[float]]) -> IntervalAmounts:
    """Return amounts given outright; NaN is a point that was silent."""
    amount = np.array(rows, dtype=np.float64)
    silent = np.isnan(amount)
    digest = np.arange(amount.size, dtype=np.int64).reshape(amount.shape) * 7919 + 1
    return IntervalAmounts(
        amount=amount,
        covered_us=np.where(silent, 0, STEP_US),
        reading_count=np.where(silent, 0, 15).astype(np.int32),
        quality=np.where(silent, int(Quality.MISSING), 0).astype(np.int32),
        input_hash=digest,
    )


def factors(topology: Topology, by_carrier: dict[str, Factor]) -> CarrierFactors:
    chosen = [by_carrier[carrier] for carrier in topology.carrier_code]
    return CarrierFactors(
        energy_kwh=_floats(factor.energy_kwh for factor in chosen),
        coal_equivalent_tce=_floats(factor.coal_equivalent_tce for factor in chosen),
        coal_equal_tce=_floats(factor.coal_equal_tce for factor in chosen),
        emission_direct_tco2e=_floats(factor.direct for factor in chosen),
        emission_purchased_tco2e=_floats(factor.purchased for factor in chosen),
    )


NAN = math.nan


def _ints(values: object) -> npt.NDArray[np.int32]:
    return np.array(list(values), dtype=np.int32)  # type: ignore[call-overload]


def _floats(values: object) -> npt.NDArray[np.float64]:
    return np.array(list(values), dtype=np.float64)  # type: ignore[call-overload]


def _offset(rows: Sequence[Sequence[object]]) -> npt.NDArray[np.int32]:
    return np.cumsum([0, *(len(row) for row in rows)]).astype(np.int32)
