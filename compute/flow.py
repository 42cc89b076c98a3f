"""Flow tracing: what every unit of energy in a plant has emitted on its way there.

Proportional sharing (Bialek 1996; Kang et al. 2015): what leaves a node has the mix of what
entered it. With E_i the emission that node i receives, w_ij the energy from i to j, t_i the energy
that passes node i and b_i the emission that enters from outside,

    E_j = b_j + sum over i of (w_ij / t_i) E_i,      x_i = E_i / t_i,

which is x = (I - A)^-1 b, with loops and storage like everything else. A storage that keeps what it
holds enters the interval with its content and the emission of that as if they were received.

The "emission" may be anything that is carried along: with the energy of one source in each layer it
tells how much of that source is in everything (`attribute_sources`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compute._jit import kernel
from compute.block import Float3D
from compute.flow_interval import trace_intervals
from compute.grid import Float2D
from compute.topology import Bool1D, Float1D, Index1D, NodeKind

Bool2D = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the s storages of a plant hold at one moment, in the order of its nodes.

    Attributes
    ----------
    energy_kwh : (s,) float64
        >= 0. [kWh]
    emission_tco2e : (e, s) float64
        Of what is held, one row per kind of emission; may be > 0 where the energy is 0. [tCO2e]
    """

    energy_kwh: Float1D
    emission_tco2e: Float2D

    @classmethod
    def nothing(cls, layer_count: int, node_kind: Index1D) -> "Stored":
        """Return empty storages."""
        store_count = storage_nodes(node_kind).size
        return cls(np.zeros(store_count), np.zeros((layer_count, store_count)))


@dataclass(frozen=True, slots=True)
class Traced:
    """What passed the nodes in k intervals, with e kinds of emission.

    Attributes
    ----------
    received_tco2e : (e, n, k) float64
        Emission that each node received, with what it held before. [tCO2e]
    passing_kwh : (n, k) float64
        Energy that this emission is spread over. [kWh]
    stored : Stored
        After the last interval: what to begin the next one with. A storage loses nothing here; to
        write a loss off, lower its energy and leave its emission.
    """

    received_tco2e: Float3D
    passing_kwh: Float2D
    stored: Stored

    @property
    def intensity_tco2e_per_kwh(self) -> Float3D:
        """Return (e, n, k) the intensity of what leaves each node; 0 where nothing passes."""
        passes = (self.passing_kwh > 0.0)[np.newaxis]
        intensity: Float3D = np.divide(
            self.received_tco2e,
            self.passing_kwh[np.newaxis],
            out=np.zeros(self.received_tco2e.shape),
            where=np.broadcast_to(passes, self.received_tco2e.shape),
        )
        return intensity


def outside_nodes(node_kind: Index1D) -> Bool1D:
    """Return which nodes lie outside every boundary: sources and deliveries."""
    outside: Bool1D = (node_kind == NodeKind.SOURCE) | (node_kind == NodeKind.DELIVERY)
    return outside


def storage_nodes(node_kind: Index1D) -> Index1D:
    """Return the storages, the nodes that `Stored` speaks of."""
    return np.flatnonzero(np.asarray(node_kind) == int(NodeKind.STORAGE)).astype(np.int32)


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
    traced = _traced(
        energy_kwh,
        emission_tco2e,
        _entering(flow_from_index, flow_to_index, node_kind),
        (flow_from_index, flow_to_index, node_kind),
        None,
    )
    return traced.intensity_tco2e_per_kwh


def trace(
    energy_kwh: Float2D,
    *,
    emission_tco2e: Float3D,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
    stored: Stored,
) -> Traced:
    """Return what every node receives, with storages that keep the intensity of what they hold.

    Parameters
    ----------
    energy_kwh, emission_tco2e, flow_from_index, flow_to_index, node_kind
        As in `trace_intensity`; the intervals follow each other.
    stored : Stored
        Before the first interval.

    Returns
    -------
    traced : Traced

    Notes
    -----
    What leaves a storage has the mix of what it held and what it received in the interval. The
    emission that entered is in what left, in what ended in a node without outputs, in losses of
    nodes other than conversions, in what is stored, and in the node that it entered without any
    energy to take it along. A storage holds such an emission, with an intensity of 0 while there is
    no energy to bear it, and gives it its part in the mix of the next energy.
    """
    return _traced(
        energy_kwh,
        emission_tco2e,
        _entering(flow_from_index, flow_to_index, node_kind),
        (flow_from_index, flow_to_index, node_kind),
        stored,
    )


def attribute_sources(
    energy_kwh: Float2D,
    *,
    source_index: Index1D,
    source_count: int,
    flow_from_index: Index1D,
    flow_to_index: Index1D,
    node_kind: Index1D,
    stored: Stored,
) -> Traced:
    """Return how much energy of each source every node receives, and what is in each kWh it gives.

    Parameters
    ----------
    energy_kwh, flow_from_index, flow_to_index, node_kind
        As in `trace_intensity`.
    source_index : (f,) int32
        The source that an entering flow belongs to, 0..source_count - 1; -1 for other flows.
    source_count : int
    stored : Stored
        With the energy of each source as its "emission".

    Returns
    -------
    traced : Traced
        The "emission" of layer s is energy of source s, before conversion. [kWh]

    Notes
    -----
    Emission by any factor is the sum of received energy x factor of the source: location- and
    market-based figures, and figures of any other factor, follow from one pass.
    """
    entering = np.flatnonzero(source_index >= 0).astype(np.int32)
    layers = np.zeros((source_count, entering.size, energy_kwh.shape[1]))
    layers[source_index[entering], np.arange(entering.size)] = energy_kwh[entering]
    graph = (flow_from_index, flow_to_index, node_kind)
    return _traced(energy_kwh, layers, entering, graph, stored, by_entering=True)


def _entering(flow_from_index: Index1D, flow_to_index: Index1D, node_kind: Index1D) -> Index1D:
    """Return the flows that cross the outer edge, one way or the other."""
    outside = outside_nodes(node_kind)
    crossing = outside[flow_from_index] != outside[flow_to_index]
    return np.flatnonzero(crossing).astype(np.int32)


def _traced(
    energy_kwh: Float2D,
    emission_tco2e: Float3D,
    entering: Index1D,
    graph: tuple[Index1D, Index1D, Index1D],
    stored: Stored | None,
    *,
    by_entering: bool = False,
) -> Traced:
    flow_from_index, flow_to_index, node_kind = graph
    layer_count, node_count = emission_tco2e.shape[0], node_kind.size
    interval_count = energy_kwh.shape[1]
    emission = emission_tco2e if by_entering else emission_tco2e[:, entering]
    keeper = storage_nodes(node_kind)
    if stored is None:
        keeper = keeper[:0]
        stored = Stored(np.empty(0), np.empty((layer_count, 0)))
    content_kwh = np.array(stored.energy_kwh, dtype=np.float64)
    content = np.array(stored.emission_tco2e.T, dtype=np.float64, order="C")
    # An interval is a row inside: what is read and written together lies together.
    received = np.zeros((interval_count, node_count, layer_count))
    passing_kwh = np.zeros((interval_count, node_count))
    trace_intervals(
        np.ascontiguousarray(np.asarray(energy_kwh, dtype=np.float64).T),
        np.array(emission.transpose(2, 1, 0), dtype=np.float64, order="C"),
        np.array(entering, dtype=np.int32),
        np.array(flow_from_index, dtype=np.int32),
        np.array(flow_to_index, dtype=np.int32),
        np.array(node_kind, dtype=np.int32),
        outside_nodes(node_kind),
        keeper,
        content_kwh,
        content,
        received,
        passing_kwh,
    )
    return Traced(
        received_tco2e=received.transpose(2, 1, 0),
        passing_kwh=passing_kwh.T,
        stored=Stored(content_kwh, content.T),
    )


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
