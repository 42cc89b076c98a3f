"""From amounts of points to every result of a site: flows, nodes, products, virtual meters.

Boundary of a node: its subtree of the boundary tree, without sources and deliveries. What crosses
it inwards is positive, outwards negative, and their sum is what the node uses: when the node is
the site, its comprehensive energy consumption (GB/T 2589-2020, 7).

Emissions. Direct: of a fuel, when it comes from a source. Purchased: of bought electricity and
heat, net of what is sold (GB/T 32150-2015, purchased electricity and heat): a crossing from or to
a source or a delivery counts with the factors of its carrier. A crossing between nodes carries
the emission traced to it (`compute.flow`). So the root of the tree has what its sources emit, less
what is sold.

Missing and invalid. A flow is not known unless all its points are. A node is the sum of the flows
that are known, marked PARTIAL and MISSING when one is not; a residual with an unknown flow is not
known. A factor that is missing makes its column NaN wherever it is needed (FACTOR_MISSING), and so
does a computation that overflows or fails (UNDEFINED).
"""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from compute.balance import balanced_nodes, derive_unmetered, node_residuals
from compute.block import VALUE_COLUMNS, Float3D, Marks, Members, ResultBlock, sum_rows
from compute.errors import NengtanError
from compute.flow import outside_nodes, tainted_nodes, trace_intensity
from compute.grid import Float2D, Index2D
from compute.quality import Quality
from compute.register import IntervalAmounts
from compute.topology import CarrierFactors, Topology
from compute.virtual import virtual_amounts

__all__ = [
    "AmountsMisshapen",
    "ResultBlock",
    "SeriesKey",
    "SeriesKind",
    "series_keys",
    "settle",
]

SeriesKind = Literal["point", "flow", "node", "residual", "product", "virtual"]

_TOTAL = ""  # carrier of a row that is not of one carrier


class AmountsMisshapen(NengtanError):
    """Amounts that are not those of the topology's points on the given grid."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"amounts do not fit: {detail}: compute them for the same points and step")


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """What a row of results is of.

    `carrier` is '' unless the row is of one carrier: a flow, or a node's use of one carrier.
    """

    kind: SeriesKind
    code: str
    carrier: str


@dataclass(frozen=True, slots=True)
class _Boundaries:
    """Flows that cross the boundary of each node: (flow, +1 inwards or -1 outwards)."""

    node_index: tuple[int, ...]
    by_carrier: tuple[tuple[tuple[int, tuple[tuple[int, float], ...]], ...], ...]
    crossing: tuple[tuple[tuple[int, float], ...], ...]


def series_keys(topology: Topology) -> tuple[SeriesKey, ...]:
    """Return what the rows of `settle` are of, in their order.

    Points, flows, nodes by carrier, nodes in total, residuals, products, virtual meters; each in
    the order of the description. Sources and deliveries are no boundaries and have no rows.
    """
    boundaries = _boundaries(topology)
    nodes = [topology.node_code[node] for node in boundaries.node_index]
    keys = [SeriesKey("point", code, _TOTAL) for code in topology.points.code]
    keys += [
        SeriesKey("flow", code, topology.carrier_code[carrier])
        for code, carrier in zip(topology.flow_code, topology.flow_carrier_index, strict=True)
    ]
    keys += [
        SeriesKey("node", code, topology.carrier_code[carrier])
        for code, rows in zip(nodes, boundaries.by_carrier, strict=True)
        for carrier, _ in rows
    ]
    keys += [SeriesKey("node", code, _TOTAL) for code in nodes]
    keys += [
        SeriesKey("residual", topology.node_code[node], _TOTAL) for node in balanced_nodes(topology)
    ]
    keys += [SeriesKey("product", code, _TOTAL) for code in topology.product_code]
    keys += [SeriesKey("virtual", code, _TOTAL) for code in topology.virtual.code]
    return tuple(keys)


def settle(
    topology: Topology, amounts: IntervalAmounts, factors: CarrierFactors, *, step_us: int
) -> ResultBlock:
    """Return every result of a site.

    Parameters
    ----------
    topology : Topology
    amounts : IntervalAmounts
        (p, k), of the topology's points.
    factors : CarrierFactors
        (c,), of the topology's carriers, valid over all of the k intervals; what bought energy
        emits may be (c, k), of each interval.
    step_us : int
        Length of an interval. [µs]

    Returns
    -------
    results : ResultBlock
        (s, k), rows as `series_keys(topology)`.

    Raises
    ------
    AmountsMisshapen
        If the amounts have other rows than the topology has points, or cover more than a step.
    """
    if amounts.amount.shape[0] != len(topology.points.code):
        raise AmountsMisshapen(
            f"{amounts.amount.shape[0]} rows, {len(topology.points.code)} points"
        )
    if amounts.covered_us.max(initial=0) > step_us:
        raise AmountsMisshapen(f"more than {step_us} µs of an interval are covered")
    amount, quality = _with_reasons(amounts)
    point_values = amount[np.newaxis]
    point_marks = Marks.read(amounts.covered_us, amounts.reading_count, quality, amounts.input_hash)
    # What overflows is found and marked where blocks are made.
    with np.errstate(over="ignore", invalid="ignore"):
        crossing, flows = _flows(topology, point_values, point_marks, factors)
    products = Members.copied(
        topology.product_offset, topology.product_point_index, topology.product_point_weight
    )
    virtual, virtual_marks = virtual_amounts(point_values[0], point_marks, topology.virtual)
    return ResultBlock.concatenate(
        [
            ResultBlock.of(point_values, point_marks),
            flows,
            *_nodes(topology, crossing),
            node_residuals(flows, topology),
            ResultBlock.of(*sum_rows(point_values, point_marks, products, needs_all=True)),
            ResultBlock.of(virtual[np.newaxis], virtual_marks),
        ]
    )


def _with_reasons(amounts: IntervalAmounts) -> tuple[Float2D, Index2D]:
    """Return amounts of which none is infinite, and qualities that say why one is NaN."""
    amount, quality = amounts.amount, amounts.quality
    unexplained = ~np.isfinite(amount) & (quality & int(Quality.MISSING) == 0)
    # Most often there is none, and a copy of everything costs as much as the sums do.
    if not unexplained.any():
        return amount, quality
    reason = np.where(unexplained, int(Quality.MISSING | Quality.UNDEFINED), 0)
    return np.where(unexplained, np.nan, amount), quality | reason.astype(np.int32)


def _flows(
    topology: Topology, point_values: Float3D, point_marks: Marks, factors: CarrierFactors
) -> tuple[ResultBlock, ResultBlock]:
    """Return the flows as boundaries count them, and as they carry traced emissions."""
    carrier = np.array(topology.flow_carrier_index, dtype=np.int32)
    members = Members.copied(
        topology.flow_offset, topology.flow_point_index, topology.flow_point_weight
    )
    values, marks = sum_rows(point_values, point_marks, members, needs_all=True)
    per_unit_kwh = np.array(factors.energy_kwh, dtype=np.float64)[carrier]
    amount, marks = derive_unmetered(
        values[0], marks, topology=topology, energy_kwh_per_unit=per_unit_kwh
    )
    energy_kwh = amount * per_unit_kwh[:, np.newaxis]
    # What is used as material burns nothing.
    direct = np.where(topology.flow_is_feedstock, 0.0, factors.emission_direct_tco2e[carrier])
    # One factor for all intervals, or one for each.
    purchased = np.atleast_2d(factors.emission_purchased_tco2e.T).T[carrier]
    own = np.stack([amount * direct[:, np.newaxis], amount * purchased])
    traced, tainted = _traced(topology, amount, energy_kwh, own)
    outside = outside_nodes(topology.node_kind)
    at_edge = outside[topology.flow_from_index] | outside[topology.flow_to_index]
    crossing = np.where(at_edge[np.newaxis, :, np.newaxis], own, traced)
    marks.quality[tainted] |= int(Quality.PARTIAL)
    common = [
        amount,
        energy_kwh,
        amount * factors.coal_equivalent_tce[carrier][:, np.newaxis],
        amount * factors.coal_equal_tce[carrier][:, np.newaxis],
    ]
    known = [np.isfinite(getattr(factors, field.name)[carrier]).all() for field in fields(factors)]
    # With every factor at hand it is the computation that failed.
    reason = Quality.UNDEFINED if all(known) else Quality.FACTOR_MISSING
    return (
        _flow_block(np.stack([*common, *crossing]), marks, reason),
        _flow_block(np.stack([*common, *traced]), marks, reason),
    )


def _flow_block(values: Float3D, marks: Marks, reason: Quality) -> ResultBlock:
    invalid = np.isnan(values).any(axis=0) & ~np.isnan(values[0])
    quality = marks.quality | np.where(invalid, int(reason), 0).astype(np.int32)
    return ResultBlock.of(values, marks._replace(quality=quality))


def _traced(
    topology: Topology, amount: Float2D, energy_kwh: Float2D, own_tco2e: Float3D
) -> tuple[Float3D, npt.NDArray[np.bool_]]:
    """Return the emission that each flow carries, and where a missing flow would change it.

    Parameters
    ----------
    own_tco2e : (2, f, k) float64
        Amount x factor, direct and purchased. [tCO2e]
    """
    missing = np.isnan(amount)
    moving_kwh = np.where(missing, 0.0, energy_kwh)
    graph = {
        "flow_from_index": topology.flow_from_index,
        "flow_to_index": topology.flow_to_index,
        "node_kind": topology.node_kind,
    }
    intensity = trace_intensity(
        moving_kwh, emission_tco2e=np.where(missing, 0.0, own_tco2e), **graph
    )
    tainted_node = tainted_nodes(missing, moving_kwh, **graph)
    backwards = moving_kwh < 0.0
    origin = np.where(
        backwards, topology.flow_to_index[:, np.newaxis], topology.flow_from_index[:, np.newaxis]
    )
    interval = np.arange(amount.shape[1])[np.newaxis, :]
    carried = np.where(moving_kwh == 0.0, 0.0, moving_kwh * intensity[:, origin, interval])
    enters = outside_nodes(topology.node_kind)[origin]
    traced = np.where(enters, own_tco2e, carried)
    traced[:, missing] = np.nan
    return traced, tainted_node[origin, interval] & ~enters & ~missing


def _nodes(topology: Topology, crossing: ResultBlock) -> tuple[ResultBlock, ResultBlock]:
    """Return the nodes by carrier, and in total."""
    boundaries = _boundaries(topology)
    by_carrier = [members for rows in boundaries.by_carrier for _, members in rows]
    values = crossing.values()
    marks = crossing.marks()
    carriers = sum_rows(values, marks, Members.listed(by_carrier), needs_all=False)
    totals = sum_rows(values, marks, Members.listed(boundaries.crossing), needs_all=False)
    # Tonnes of coal and cubic metres of gas have no sum.
    totals[0][VALUE_COLUMNS.index("amount")] = np.nan
    return ResultBlock.of(*carriers), ResultBlock.of(*totals)


def _boundaries(topology: Topology) -> _Boundaries:
    outside = outside_nodes(topology.node_kind)
    # The boundaries that hold each node, from the node itself to its root.
    holders: list[list[int]] = []
    for node, parent in enumerate(topology.node_parent_index):
        above = holders[parent] if parent >= 0 else []
        holders.append([node, *above])
    crossing: list[list[tuple[int, float]]] = [[] for _ in topology.node_code]
    ends = zip(topology.flow_from_index, topology.flow_to_index, strict=True)
    for flow, (origin, target) in enumerate(ends):
        left = [] if outside[origin] else holders[origin]
        entered = [] if outside[target] else holders[target]
        for node in entered:
            if node not in left:
                crossing[node].append((flow, 1.0))
        for node in left:
            if node not in entered:
                crossing[node].append((flow, -1.0))
    node_index = tuple(int(node) for node in np.flatnonzero(~outside))
    by_carrier = []
    for node in node_index:
        rows: dict[int, list[tuple[int, float]]] = {}
        for flow, sign in crossing[node]:
            rows.setdefault(int(topology.flow_carrier_index[flow]), []).append((flow, sign))
        by_carrier.append(tuple((carrier, tuple(rows[carrier])) for carrier in sorted(rows)))
    return _Boundaries(
        node_index=node_index,
        by_carrier=tuple(by_carrier),
        crossing=tuple(tuple(crossing[node]) for node in node_index),
    )
