"""Flow tracing: what every unit of energy in a plant has emitted on its way there.

Proportional sharing (Bialek 1996; Kang et al. 2015): what leaves a node has the mix of what
entered it. With E_i the emission that node i receives, w_ij the energy from i to j, t_i the energy
that passes node i and b_i the emission that enters from outside,

    E_j = b_j + sum over i of (w_ij / t_i) E_i,      x_i = E_i / t_i,

which is x = (I - A)^-1 b, with loops and storage like everything else.
"""

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.block import Float3D
from compute.grid import Float2D
from compute.topology import Bool1D, Index1D, NodeKind

Bool2D = npt.NDArray[np.bool_]

_CONVERSION = int(NodeKind.CONVERSION)

# A pivot below this is a loop that nothing leaves: a pivot is at most 1.
_PIVOT_MIN = 1e-12


def outside_nodes(node_kind: Index1D) -> Bool1D:
    """Return which nodes lie outside every boundary: sources and deliveries."""
    return np.isin(node_kind, (int(NodeKind.SOURCE), int(NodeKind.DELIVERY)))


def trace_intensity(
    energy_kwh: Float2D,
    *,
    emission_tco2e: Float3D,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
) -> Float3D:
    """Return the emission intensity of what leaves every node.

    Parameters
    ----------
    energy_kwh : (f, k) float64
        Energy of each flow, positive from `flow_from_index` to `flow_to_index`; a negative flow is
        traced the other way. NaN: not known, and so are the nodes at its ends. [kWh]
    emission_tco2e : (e, f, k) float64
        Emission of the flows that enter from outside, one layer per kind of emission, with the
        sign of the flow; not looked at for other flows. [tCO2e]
    flow_from_index, flow_to_index : (f,) int32
    node_kind : (n,) int32
        `NodeKind`. Sources and deliveries are outside.

    Returns
    -------
    intensity_tco2e_per_kwh : (e, n, k) float64
        0 where nothing passes and outside; NaN where it depends on something not known, or on a
        loop that receives an emission and lets nothing out. [tCO2e per kWh]

    Notes
    -----
    t_i is what a conversion gives off, so that its losses burden its outputs; for every other node
    it is the larger of what enters and what leaves: an unmetered loss keeps its part, and a meter
    error never creates an emission. A node without outputs keeps what it received.
    """
    layer_count, node_count = emission_tco2e.shape[0], node_kind.size
    intensity = np.zeros((layer_count, node_count, energy_kwh.shape[1]), dtype=np.float64)
    _trace(
        np.array(energy_kwh, dtype=np.float64, order="C"),
        np.array(emission_tco2e, dtype=np.float64, order="C"),
        np.array(flow_from_index, dtype=np.int32),
        np.array(flow_to_index, dtype=np.int32),
        np.array(node_kind, dtype=np.int32),
        outside_nodes(node_kind),
        intensity,
    )
    return intensity


def tainted_nodes(
    missing: Bool2D,
    energy_kwh: Float2D,
    *,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
) -> Bool2D:
    """Return which nodes have a mix that some missing flow would change.

    Parameters
    ----------
    missing : (f, k) bool
        Flows that are not known and were traced as if they were 0.
    energy_kwh : (f, k) float64
        As in `trace_intensity`. [kWh]
    flow_from_index, flow_to_index : (f,) int32
    node_kind : (n,) int32

    Returns
    -------
    tainted : (n, k) bool
    """
    tainted = np.zeros((node_kind.size, energy_kwh.shape[1]), dtype=np.bool_)
    if missing.any():
        _taint(
            np.array(missing, dtype=np.bool_, order="C"),
            np.array(energy_kwh, dtype=np.float64, order="C"),
            np.array(flow_from_index, dtype=np.int32),
            np.array(flow_to_index, dtype=np.int32),
            outside_nodes(node_kind),
            tainted,
        )
    return tainted


@kernel
def _trace(
    energy_kwh: Float2D,
    emission_tco2e: Float3D,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
    outside: Bool1D,
    intensity: Float3D,
) -> None:
    layer_count, node_count, interval_count = intensity.shape
    matrix = np.empty((node_count, node_count), dtype=np.float64)
    received = np.empty((layer_count, node_count), dtype=np.float64)
    passing_kwh = np.empty(node_count, dtype=np.float64)
    for j in range(interval_count):
        energy = energy_kwh[:, j]
        emission = emission_tco2e[:, :, j]
        _fill_inputs(energy, emission, flow_from_index, flow_to_index, outside, received)
        _fill_passing(energy, flow_from_index, flow_to_index, node_kind, passing_kwh)
        _fill_shares(energy, flow_from_index, flow_to_index, outside, passing_kwh, matrix)
        _eliminate(matrix, received)
        _substitute(matrix, received)
        for node in range(node_count):
            for layer in range(layer_count):
                if passing_kwh[node] > 0.0 and not outside[node]:
                    intensity[layer, node, j] = received[layer, node] / passing_kwh[node]


@kernel
def _fill_inputs(
    energy: npt.NDArray[np.float64],
    emission: Float2D,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    outside: Bool1D,
    entering: Float2D,
) -> None:
    """Write b: the emission that enters each node from outside; NaN where it is not known."""
    entering[:] = 0.0
    for flow in range(energy.size):
        origin, target = flow_from_index[flow], flow_to_index[flow]
        for layer in range(entering.shape[0]):
            if np.isnan(energy[flow]):
                entering[layer, origin] = np.nan
                entering[layer, target] = np.nan
            elif energy[flow] < 0.0:
                if outside[target] and not outside[origin]:
                    entering[layer, origin] -= emission[layer, flow]
            elif outside[origin] and not outside[target]:
                entering[layer, target] += emission[layer, flow]
    for node in range(outside.size):
        if outside[node]:
            entering[:, node] = 0.0


@kernel
def _fill_passing(
    energy: npt.NDArray[np.float64],
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
    passing_kwh: npt.NDArray[np.float64],
) -> None:
    """Write t: the energy that passes each node."""
    incoming_kwh = np.zeros(node_kind.size, dtype=np.float64)
    passing_kwh[:] = 0.0
    for flow in range(energy.size):
        origin, target = flow_from_index[flow], flow_to_index[flow]
        if np.isnan(energy[flow]) or origin == target:
            continue
        if energy[flow] < 0.0:
            origin, target = target, origin
        passing_kwh[origin] += abs(energy[flow])
        incoming_kwh[target] += abs(energy[flow])
    for node in range(node_kind.size):
        if node_kind[node] != _CONVERSION or passing_kwh[node] == 0.0:
            passing_kwh[node] = max(passing_kwh[node], incoming_kwh[node])


@kernel
def _fill_shares(
    energy: npt.NDArray[np.float64],
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    outside: Bool1D,
    passing_kwh: npt.NDArray[np.float64],
    matrix: Float2D,
) -> None:
    """Write I - P: P[j, i] is the share of what node i received that goes on to node j."""
    matrix[:] = 0.0
    for node in range(outside.size):
        matrix[node, node] = 1.0
    for flow in range(energy.size):
        origin, target = flow_from_index[flow], flow_to_index[flow]
        if np.isnan(energy[flow]) or energy[flow] == 0.0 or origin == target:
            continue
        if energy[flow] < 0.0:
            origin, target = target, origin
        if not (outside[origin] or outside[target]):
            matrix[target, origin] -= abs(energy[flow]) / passing_kwh[origin]


@kernel
def _eliminate(matrix: Float2D, received: Float2D) -> None:
    """Make the matrix upper triangular, as Gauss does, with the right-hand sides.

    No node passes on more than it received, so the matrix is diagonally dominant by columns and
    partial pivoting would choose the diagonal at every step: there is nothing to exchange.
    Zeros are skipped: they are most of a plant, and 0 x NaN must not spread.
    """
    size = received.shape[1]
    for pivot in range(size):
        if matrix[pivot, pivot] < _PIVOT_MIN:
            continue
        for row in range(pivot + 1, size):
            factor = matrix[row, pivot] / matrix[pivot, pivot]
            if factor != 0.0:
                for column in range(pivot + 1, size):
                    if matrix[pivot, column] != 0.0:
                        matrix[row, column] -= factor * matrix[pivot, column]
                received[:, row] -= factor * received[:, pivot]


@kernel
def _substitute(matrix: Float2D, received: Float2D) -> None:
    """Replace the right-hand sides of an upper triangular matrix by the solutions."""
    size = received.shape[1]
    for row in range(size - 1, -1, -1):
        for column in range(row + 1, size):
            if matrix[row, column] != 0.0:
                received[:, row] -= matrix[row, column] * received[:, column]
        for layer in range(received.shape[0]):
            if matrix[row, row] >= _PIVOT_MIN:
                received[layer, row] /= matrix[row, row]
            elif received[layer, row] != 0.0:
                # A loop that nothing leaves has no intensity, unless nothing entered it.
                received[layer, row] = np.nan


@kernel
def _taint(
    missing: Bool2D,
    energy_kwh: Float2D,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    outside: Bool1D,
    tainted: Bool2D,
) -> None:
    flow_count, interval_count = missing.shape
    for j in range(interval_count):
        for flow in range(flow_count):
            if missing[flow, j]:
                for node in (flow_from_index[flow], flow_to_index[flow]):
                    tainted[node, j] = not outside[node]
        changed = True
        while changed:
            changed = False
            for flow in range(flow_count):
                origin, target = flow_from_index[flow], flow_to_index[flow]
                if energy_kwh[flow, j] < 0.0:
                    origin, target = target, origin
                goes_on = tainted[origin, j] and energy_kwh[flow, j] != 0.0
                if goes_on and not outside[target] and not tainted[target, j]:
                    tainted[target, j] = True
                    changed = True
