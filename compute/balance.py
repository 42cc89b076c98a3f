"""Energy balance of nodes: unmetered flows that follow from it, and what it leaves over.

GB/T 28751-2012 (企业能量平衡表编制方法) and GB/T 3484-2009: at every node inputs = outputs + loss.
"""

import numpy as np

from compute._jit import kernel
from compute.block import Marks, Members, ResultBlock, sum_rows
from compute.digest import EMPTY, mix
from compute.grid import Float2D
from compute.quality import Quality
from compute.topology import Bool1D, Float1D, NodeKind, Topology

_BUS = int(NodeKind.BUS)

_Q_DERIVED = int(Quality.DERIVED)

_BALANCED_KINDS = (int(NodeKind.CONVERSION), int(NodeKind.BUS), int(NodeKind.STORAGE))


def incident_flows(topology: Topology) -> Members:
    """Return the flows of every node itself: into it with weight 1, out of it with -1."""
    rows: list[list[tuple[int, float]]] = [[] for _ in topology.node_code]
    ends = zip(topology.flow_from_index, topology.flow_to_index, strict=True)
    for flow, (origin, target) in enumerate(ends):
        if origin != target:
            rows[target].append((flow, 1.0))
            rows[origin].append((flow, -1.0))
    return Members.listed(rows)


def balanced_nodes(topology: Topology) -> tuple[int, ...]:
    """Return the nodes that have a residual: they pass energy on, and have inputs and outputs."""
    members = incident_flows(topology)
    nodes = []
    for node, kind in enumerate(topology.node_kind):
        weight = members.weight[members.offset[node] : members.offset[node + 1]]
        if kind in _BALANCED_KINDS and (weight > 0).any() and (weight < 0).any():
            nodes.append(node)
    return tuple(nodes)


def derive_unmetered(
    amount: Float2D, marks: Marks, *, topology: Topology, energy_kwh_per_unit: Float1D
) -> tuple[Float2D, Marks]:
    """Return the flows with those added that the balance of a bus gives.

    Parameters
    ----------
    amount : (f, k) float64
        Amount of each flow, NaN where it is not known. [unit of its carrier]
    marks : Marks
        (f, k).
    topology : Topology
    energy_kwh_per_unit : (f,) float64
        Of the carrier of each flow. [kWh per unit]

    Returns
    -------
    amount : (f, k) float64
    marks : Marks
        A derived flow has the bit DERIVED with those of the flows it follows from, and covers as
        much as the least of them; it has no readings of its own.

    Notes
    -----
    Where one flow of a bus is not known and no meter is meant to know it, it is what the others
    leave over, in kWh. What becomes known may make another bus solvable: buses are visited in
    their order until nothing changes. Buses only: a conversion has losses, a storage a content.
    """
    amount = np.array(amount, dtype=np.float64, order="C")
    marks = Marks.copied(
        marks.covered_us, marks.reading_count, marks.quality, marks.input_hash.view(np.int64)
    )
    metered = np.diff(np.array(topology.flow_offset, dtype=np.int32)) > 0
    if metered.all():
        return amount, marks
    # Only without the compiler does numpy warn of the wrapping that the digest means.
    with np.errstate(over="ignore"):
        _derive(
            amount,
            marks,
            incident_flows(topology),
            np.array(topology.node_kind, dtype=np.int32) == _BUS,
            metered,
            np.array(energy_kwh_per_unit, dtype=np.float64),
        )
    return amount, marks


def node_residuals(flows: ResultBlock, topology: Topology) -> ResultBlock:
    """Return inputs - outputs of the nodes in `balanced_nodes`, one row each.

    Parameters
    ----------
    flows : ResultBlock
        (f, k), with traced emissions.
    topology : Topology

    Returns
    -------
    residuals : ResultBlock
        Loss (+) or unexplained gain (-) of the node itself, in kWh, tce and tCO2e; no amount. NaN
        and MISSING where a flow of the node is not known: what it leaves over is not known either.
    """
    incident = incident_flows(topology)
    rows = [
        [
            (int(incident.row_index[k]), float(incident.weight[k]))
            for k in range(incident.offset[node], incident.offset[node + 1])
        ]
        for node in balanced_nodes(topology)
    ]
    members = Members.listed(rows)
    values, residual_marks = sum_rows(flows.values(), flows.marks(), members, needs_all=True)
    values[0] = np.nan
    return ResultBlock.of(values, residual_marks)


@kernel
def _derive(
    amount: Float2D,
    marks: Marks,
    incident: Members,
    is_bus: Bool1D,
    metered: Bool1D,
    energy_kwh_per_unit: Float1D,
) -> None:
    for j in range(amount.shape[1]):
        changed = True
        # Every change makes one more flow known, so this ends.
        while changed:
            changed = False
            for node in range(is_bus.size):
                if not is_bus[node]:
                    continue
                k = _only_unknown(amount[:, j], incident, node, energy_kwh_per_unit)
                if k < 0:
                    continue
                flow = incident.row_index[k]
                per_unit = energy_kwh_per_unit[flow]
                if metered[flow] or not np.isfinite(per_unit) or per_unit == 0.0:
                    continue
                rest_kwh = 0.0
                for other in range(incident.offset[node], incident.offset[node + 1]):
                    i = incident.row_index[other]
                    if i != flow:
                        rest_kwh += incident.weight[other] * amount[i, j] * energy_kwh_per_unit[i]
                amount[flow, j] = -incident.weight[k] * rest_kwh / per_unit
                _mark_derived(marks, incident, node, flow, j)
                changed = True


@kernel
def _only_unknown(
    amount: Float1D, incident: Members, node: int, energy_kwh_per_unit: Float1D
) -> int:
    """Return the place of the one flow of a node that is not known, -1 if there is no such."""
    begin, end = incident.offset[node], incident.offset[node + 1]
    found = -1
    for k in range(begin, end):
        flow = incident.row_index[k]
        if np.isnan(amount[flow]):
            if found >= 0:
                return -1
            found = k
        elif np.isnan(energy_kwh_per_unit[flow]):
            return -1
    # A bus with nothing else tells nothing.
    return found if end - begin > 1 else -1


@kernel
def _mark_derived(marks: Marks, incident: Members, node: int, flow: int, j: int) -> None:
    quality = _Q_DERIVED
    state = EMPTY
    covered_us = np.int64(1 << 62)
    for k in range(incident.offset[node], incident.offset[node + 1]):
        i = incident.row_index[k]
        if i != flow:
            quality |= marks.quality[i, j]
            covered_us = min(covered_us, marks.covered_us[i, j])
            state = mix(state, marks.input_hash[i, j])
    marks.quality[flow, j] = quality
    marks.covered_us[flow, j] = covered_us
    marks.input_hash[flow, j] = state


def imbalance(energy_kwh: Float2D, *, topology: Topology) -> Float2D:
    """Return inputs less outputs of every node in balance, as a share of the larger of both.

    Parameters
    ----------
    energy_kwh : (f, k) float64
        Of the flows, NaN where it is not known.
    topology : Topology

    Returns
    -------
    share : (r, k) float64
        Rows as `balanced_nodes`. Positive where more goes in than comes out; 0
        where nothing flows, NaN where a flow is not known.
    """
    incident = incident_flows(topology)
    nodes = balanced_nodes(topology)
    share = np.zeros((len(nodes), energy_kwh.shape[1]), dtype=np.float64)
    for row, node in enumerate(nodes):
        entering = np.zeros(energy_kwh.shape[1], dtype=np.float64)
        leaving = np.zeros(energy_kwh.shape[1], dtype=np.float64)
        for k in range(int(incident.offset[node]), int(incident.offset[node + 1])):
            # What flows against its arrow counts on the other side; NaN counts on both.
            signed = float(incident.weight[k]) * energy_kwh[incident.row_index[k]]
            entering += np.maximum(signed, 0.0)
            leaving += np.maximum(-signed, 0.0)
        larger = np.maximum(entering, leaving)
        share[row] = (entering - leaving) / np.where(larger > 0.0, larger, 1.0)
        share[row][np.isnan(larger)] = np.nan
    return share
