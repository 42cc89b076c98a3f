"""Carbon that flows through a site: which source every kWh at every node came from, and its factor.

Flow tracing (`compute.flow`) over the reconciled flows, which close every balance, so that what
enters is what ends: in uses, deliveries, losses and storages. A storage keeps the mix of what it
holds from interval to interval. What a storage loses burdens what it gives, as the losses of a
conversion do: its charge passes a conversion of its own.

Layers. For each of s sources, a flow that enters from outside, and one more for what storages held
before the sources changed: energy, location-based and market-based emission, in this order.
"""

from dataclasses import dataclass

import numpy as np

from compute.block import Float3D
from compute.flow import Stored, outside_nodes, storage_nodes, tainted_nodes, trace
from compute.grid import Float2D
from compute.network import Network, RowKind
from compute.reconcile import Bool2D
from compute.topology import Float1D, Index1D, NodeKind

# Energy, location-based and market-based emission.
MEASURE_COUNT = 3


@dataclass(frozen=True, slots=True)
class CarbonGraph:
    """A network made ready for tracing.

    Attributes
    ----------
    source_flow : (s,) int32
        Flows that enter from outside.
    storage_node : (m,) int32
        In the order of `Stored`.
    stock_row : (m,) int32
        Row of the network that is the stock change of each storage; -1 where there is none.
    flow_from_index, flow_to_index : (f + m,) int32
    node_kind : (n + m,) int32
        After the nodes of the topology, the conversion before each storage.
    """

    source_flow: Index1D
    storage_node: Index1D
    stock_row: Index1D
    flow_from_index: Index1D
    flow_to_index: Index1D
    node_kind: Index1D
    flow_count: int
    node_count: int

    @property
    def step(self) -> int:
        """Return how many layers each measure has: one a source, and one of earlier sources."""
        return self.source_flow.size + 1

    @property
    def layer_count(self) -> int:
        """Return how many layers are traced."""
        return MEASURE_COUNT * self.step

    def layers_of(self, measure: int) -> slice:
        """Return the layers of a measure."""
        return slice(measure * self.step, (measure + 1) * self.step)


@dataclass(frozen=True, slots=True)
class CarbonFlow:
    """What is traced in k intervals; l layers, n nodes, m storages.

    Attributes
    ----------
    received : (l, n, k) float64
        What each node received, without what it held before. [kWh] and [tCO2e]
    passing_kwh : (n, k) float64
        Energy that passes each node, with what a storage held before.
    mix : (l, n, k) float64
        Of each kWh that leaves a node; 0 where nothing passes. [kWh per kWh], [tCO2e per kWh]
    ended : (l, n, k) float64
        What stays in a node: used or lost there; at sources and deliveries, what was delivered.
    held_kwh : (m, k) float64
        Content of each storage after the interval.
    held : (l, m, k) float64
    is_uncertain : (n, k) bool
        Whether a flow that is not known would change the mix of the node: it counts as 0.
    stored : Stored
        After the last interval.
    """

    received: Float3D
    passing_kwh: Float2D
    mix: Float3D
    ended: Float3D
    held_kwh: Float2D
    held: Float3D
    is_uncertain: Bool2D
    stored: Stored


def make_graph(network: Network) -> CarbonGraph:
    """Return the graph of a network."""
    topology = network.topology
    outside = outside_nodes(topology.node_kind)
    origin, target = topology.flow_from_index, topology.flow_to_index
    storage = storage_nodes(topology.node_kind)
    stock_row = np.full(storage.size, -1, dtype=np.int32)
    ahead = np.array(target, dtype=np.int32)
    node_count = len(topology.node_code)
    for place, node in enumerate(storage.tolist()):
        rows = np.flatnonzero((network.kind == RowKind.STOCK) & (network.node_index == node))
        if rows.size:
            stock_row[place] = rows[0]
        ahead[target == node] = node_count + place
    added = np.arange(node_count, node_count + storage.size, dtype=np.int32)
    return CarbonGraph(
        source_flow=np.flatnonzero(outside[origin] & ~outside[target]).astype(np.int32),
        storage_node=storage,
        stock_row=stock_row,
        flow_from_index=np.concatenate([origin, added]).astype(np.int32),
        flow_to_index=np.concatenate([ahead, storage]).astype(np.int32),
        node_kind=np.concatenate(
            [topology.node_kind, np.full(storage.size, NodeKind.CONVERSION)]
        ).astype(np.int32),
        flow_count=len(topology.flow_code),
        node_count=node_count,
    )


def trace_carbon(
    graph: CarbonGraph, value_kwh: Float2D, *, factor_tco2e_per_kwh: Float3D, stored: Stored
) -> CarbonFlow:
    """Return where energy and emission of each source went, in intervals that follow each other.

    Parameters
    ----------
    graph : CarbonGraph
    value_kwh : (r, k) float64
        Reconciled rows of the network; NaN counts as 0 and makes nodes uncertain.
    factor_tco2e_per_kwh : (2, s, k) float64
        Of each source, location- and market-based. [tCO2e per kWh]
    stored : Stored
        Before the first interval; its kinds of emission are the layers.
    """
    flows = value_kwh[: graph.flow_count]
    missing = np.vstack(
        [~np.isfinite(flows), np.zeros((graph.storage_node.size, flows.shape[1]), dtype=np.bool_)]
    )
    known = np.where(np.isfinite(flows), flows, 0.0)
    energy = np.vstack([known, _kept_kwh(graph, known, value_kwh)])
    ends = {
        "flow_from_index": graph.flow_from_index,
        "flow_to_index": graph.flow_to_index,
        "node_kind": graph.node_kind,
    }
    traced = trace(
        energy,
        emission_tco2e=_entering(graph, energy, factor_tco2e_per_kwh),
        stored=stored,
        **ends,
    )
    count = graph.node_count
    mix = traced.intensity_tco2e_per_kwh
    held_kwh, held = _held(graph, energy, traced.received_tco2e, traced.passing_kwh)
    received = traced.received_tco2e[:, :count].copy()
    before = np.concatenate([stored.emission_tco2e[:, :, np.newaxis], held[:, :, :-1]], axis=2)
    received[:, graph.storage_node] -= before
    return CarbonFlow(
        received=received,
        passing_kwh=traced.passing_kwh[:count],
        mix=mix[:, :count],
        ended=_ended(graph, energy, traced.received_tco2e, traced.passing_kwh),
        held_kwh=held_kwh,
        held=held,
        is_uncertain=tainted_nodes(missing, energy, **ends)[:count],
        stored=traced.stored,
    )


def _kept_kwh(graph: CarbonGraph, known: Float2D, value_kwh: Float2D) -> Float2D:
    """Return what of the charge of each storage is kept: what it gave and holds more. [kWh]."""
    kept = np.zeros((graph.storage_node.size, known.shape[1]))
    origin = graph.flow_from_index[: graph.flow_count]
    target = graph.flow_to_index[: graph.flow_count]
    for place, node in enumerate(graph.storage_node.tolist()):
        charged = known[target == graph.node_count + place].sum(axis=0)
        given = known[origin == node].sum(axis=0)
        row = int(graph.stock_row[place])
        more = value_kwh[row] if row >= 0 else np.full(known.shape[1], np.nan)
        kept[place] = np.where(np.isfinite(more), np.clip(given + more, 0.0, charged), charged)
    return np.maximum(kept, 0.0)


def _entering(graph: CarbonGraph, energy: Float2D, factor: Float3D) -> Float3D:
    """Return the layers of the flows that enter."""
    sources = graph.source_flow
    layers = np.zeros((graph.layer_count, *energy.shape))
    place = np.arange(sources.size)
    layers[place, sources] = energy[sources]
    for measure in range(1, MEASURE_COUNT):
        layers[measure * graph.step + place, sources] = energy[sources] * factor[measure - 1]
    return layers


def _held(
    graph: CarbonGraph, energy: Float2D, received: Float3D, passing: Float2D
) -> tuple[Float2D, Float3D]:
    """Return what each storage holds after each interval: what passed it and did not leave."""
    nodes = graph.storage_node
    through = passing[nodes]
    left = np.maximum(through - _leaving(graph, energy)[nodes], 0.0)
    # What sums to all of it leaves rounding at most, as the kernel has it.
    left[left <= 1e-12 * through] = 0.0
    share = np.divide(left, through, out=np.ones_like(left), where=through > 0.0)
    return left, received[:, nodes] * share[np.newaxis]


def _leaving(graph: CarbonGraph, energy: Float2D) -> Float2D:
    """Return what leaves each node, whichever way its flows go. [kWh]."""
    leaving = np.zeros((graph.node_kind.size, energy.shape[1]))
    np.add.at(leaving, graph.flow_from_index, np.maximum(energy, 0.0))
    np.add.at(leaving, graph.flow_to_index, np.maximum(-energy, 0.0))
    return leaving


def _ended(graph: CarbonGraph, energy: Float2D, received: Float3D, passing: Float2D) -> Float3D:
    """Return what stays in each node, and what reaches each node outside."""
    outside = outside_nodes(graph.node_kind)
    share = np.ones_like(passing)
    np.divide(_leaving(graph, energy), passing, out=share, where=passing > 0.0)
    share[passing <= 0.0] = 0.0
    ended = received * np.maximum(1.0 - share, 0.0)[np.newaxis]
    # What a storage does not give it holds.
    ended[:, graph.storage_node] = 0.0
    ended[:, outside] = 0.0
    mix = np.divide(
        received,
        passing[np.newaxis],
        out=np.zeros_like(received),
        where=np.broadcast_to(passing[np.newaxis] > 0.0, received.shape),
    )
    for flow in range(energy.shape[0]):
        for giver, taker, sign in (
            (int(graph.flow_from_index[flow]), int(graph.flow_to_index[flow]), 1.0),
            (int(graph.flow_to_index[flow]), int(graph.flow_from_index[flow]), -1.0),
        ):
            if outside[taker] and not outside[giver]:
                amount: Float1D = np.maximum(sign * energy[flow], 0.0)
                ended[:, taker] += mix[:, giver] * amount[np.newaxis]
    merged: Float3D = ended[:, : graph.node_count].copy()
    # What ends in the conversion before a storage, charged and wholly lost, ends in the storage.
    merged[:, graph.storage_node] += ended[:, graph.node_count :]
    return merged
