"""Flow tracing of interval after interval: inputs, what passes each node, what storages keep."""

import numpy as np

from compute._jit import kernel
from compute.block import Float3D
from compute.flow_graph import Ends, arrange, new_graph, pass_on
from compute.grid import Float2D
from compute.topology import Bool1D, Float1D, Index1D, NodeKind

_CONVERSION = int(NodeKind.CONVERSION)

# An empty storage holds rounding errors at most.
_NOTHING_SHARE = 1e-12


@kernel
def trace_intervals(
    energy_kwh: Float2D,
    emission_tco2e: Float3D,
    entering: Index1D,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
    outside: Bool1D,
    keeper: Index1D,
    content_kwh: Float1D,
    content: Float2D,
    received: Float3D,
    passing_kwh: Float2D,
) -> None:
    """Write what each node receives and what passes it; carry what storages hold along.

    Shapes: energy_kwh (k, f), emission_tco2e (k, m, e) of the m flows in `entering`, content_kwh
    (s,) and content (s, e) of the nodes `keeper`, received (k, n, e) and passing_kwh (k, n), both 0
    before.
    """
    interval_count, flow_count = energy_kwh.shape
    ends = Ends(flow_from_index, flow_to_index, outside)
    graph = new_graph(node_kind.size, flow_count)
    incoming_kwh = np.empty(node_kind.size)
    for j in range(interval_count):
        energy, passing = energy_kwh[j], passing_kwh[j]
        incoming_kwh[:] = 0.0
        _fill_inputs(energy, emission_tco2e[j], entering, ends, received[j])
        for k in range(keeper.size):
            incoming_kwh[keeper[k]] = content_kwh[k]
            received[j, keeper[k]] += content[k]
        _fill_passing(energy, ends, node_kind, incoming_kwh, passing, graph.passes_on)
        arrange(energy, ends, graph)
        pass_on(graph, energy, ends, passing, received[j])
        _keep(energy, ends, keeper, passing, received[j], content_kwh, content)


@kernel
def _fill_inputs(
    energy: Float1D,
    emission: Float2D,
    entering: Index1D,
    ends: Ends,
    received: Float2D,
) -> None:
    """Write b: the emission that enters each node from outside; NaN where it is not known."""
    for flow in range(energy.size):
        if np.isnan(energy[flow]):
            for node in (ends.origin[flow], ends.target[flow]):
                if not ends.outside[node]:
                    received[node, :] = np.nan
    for k in range(entering.size):
        flow = entering[k]
        origin, target = ends.origin[flow], ends.target[flow]
        for layer in range(received.shape[1]):
            if energy[flow] < 0.0:
                if ends.outside[target] and not ends.outside[origin]:
                    received[origin, layer] -= emission[k, layer]
            elif energy[flow] >= 0.0 and ends.outside[origin] and not ends.outside[target]:
                received[target, layer] += emission[k, layer]


@kernel
def _fill_passing(
    energy: Float1D,
    ends: Ends,
    node_kind: Index1D,
    incoming_kwh: Float1D,
    passing_kwh: Float1D,
    passes_on: Bool1D,
) -> None:
    """Write t, the energy that passes each node, and which nodes inside give something off.

    `incoming_kwh` begins with what is stored.
    """
    for flow in range(energy.size):
        origin, target = ends.origin[flow], ends.target[flow]
        if np.isnan(energy[flow]) or origin == target:
            continue
        if energy[flow] < 0.0:
            origin, target = target, origin
        passing_kwh[origin] += abs(energy[flow])
        incoming_kwh[target] += abs(energy[flow])
    for node in range(node_kind.size):
        passes_on[node] = passing_kwh[node] > 0.0 and not ends.outside[node]
        if ends.outside[node]:
            passing_kwh[node] = 0.0
        elif node_kind[node] != _CONVERSION or passing_kwh[node] == 0.0:
            passing_kwh[node] = max(passing_kwh[node], incoming_kwh[node])


@kernel
def _keep(
    energy: Float1D,
    ends: Ends,
    keeper: Index1D,
    passing_kwh: Float1D,
    received: Float2D,
    content_kwh: Float1D,
    content: Float2D,
) -> None:
    """Write what passed through each storage and did not leave it.

    Where nothing passed, nothing left: an emission that came without energy is held as it is.
    """
    if keeper.size == 0:
        return
    left_kwh = passing_kwh.copy()
    for flow in range(energy.size):
        origin, target = ends.origin[flow], ends.target[flow]
        if origin != target and abs(energy[flow]) > 0.0:
            left_kwh[origin if energy[flow] > 0.0 else target] -= abs(energy[flow])
    for k in range(keeper.size):
        node = keeper[k]
        content_kwh[k] = left_kwh[node]
        # What sums to all of it leaves rounding at most.
        if left_kwh[node] <= _NOTHING_SHARE * passing_kwh[node]:
            content_kwh[k] = 0.0
        content[k] = received[node]
        if passing_kwh[node] > 0.0:
            content[k] *= content_kwh[k] / passing_kwh[node]
