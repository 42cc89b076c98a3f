"""A plant as a network of balances: its flows, and what its nodes lose, keep or convert worse.

Every node that passes energy on has one balance in kWh (GB/T 28751-2012; GB/T 3484-2009):

    efficiency x inputs - outputs - loss - stock change - shortfall = 0.

Rows are the flows of the topology, then what their nodes add: a `LOSS` that is expected from its
parameters (a bus) or not known (a conversion whose efficiency nobody gave), a `STOCK` change of a
storage, a `SHORTFALL` of a conversion or storage against the efficiency given for it, expected to
be 0 within its uncertainty. What is expected enters as a measurement with a sigma, so it is
adjusted and tested like a meter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from compute.balance import balanced_nodes
from compute.block import Members
from compute.constraints import Balances, node_balances
from compute.grid import Float2D
from compute.reconcile_plan import ReconciliationPlan
from compute.topology import Bool1D, Float1D, Index1D, NodeKind, Topology
from compute.uncertainty import Bool2D, Meters, flow_sigma

# What is expected of a node that stands still is as sure as a clock: no measurement is exact.
_SIGMA_MIN_KWH = 1e-6


class RowKind(IntEnum):
    """What a row of a network is."""

    FLOW = 0
    LOSS = 1
    STOCK = 2
    SHORTFALL = 3


@dataclass(frozen=True, slots=True)
class LossModel:
    """What a node loses of a mean power P that enters it: constant + share P + per_kw P^2. [kW].

    Attributes
    ----------
    transformer_kw, transformer_per_kw : float
        No-load loss, and load loss per squared power: P_k / (S_n cos phi)^2.
        GB/T 13462-2008, 4. [kW], [1/kW]
    line_per_kw : float
        R / (U cos phi)^2 of a three-phase line: DL/T 686-2018, 3 I^2 R. [1/kW]
    share : float
        Of what enters, 0..1: leaks and heat lost of a pipe.
    uncertainty_share : float
        Standard uncertainty of the whole loss, as a share of it. > 0.
    """

    transformer_kw: float = 0.0
    transformer_per_kw: float = 0.0
    line_per_kw: float = 0.0
    share: float = 0.0
    uncertainty_share: float = 0.2


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Energy out per energy in, with its standard uncertainty (absolute, > 0)."""

    value: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a description says of its nodes beyond the flows, by node index.

    Attributes
    ----------
    loss : {node: LossModel}
        Of buses.
    efficiency : {node: Efficiency}
        Of conversions and storages.
    stock_resolution_kwh : {node: float}
        Of storages whose content is measured: its smallest step.
    """

    loss: Mapping[int, LossModel] = field(default_factory=dict)
    efficiency: Mapping[int, Efficiency] = field(default_factory=dict)
    stock_resolution_kwh: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """The balances of a topology, made ready.

    Attributes
    ----------
    code : (r,) str
        Of the flow, or of the node that adds the row.
    kind : (r,) int32
        `RowKind`.
    node_index : (r,) int32
        The node that adds the row; -1 for flows.
    balances : Balances
    facts : NodeFacts
    parts : Members
        Of the f flows: their points.
    plans : {bytes: ReconciliationPlan}
        Those made so far, by which rows are measured.
    """

    topology: Topology
    code: tuple[str, ...]
    kind: Index1D
    node_index: Index1D
    balances: Balances
    facts: NodeFacts
    parts: Members
    plans: dict[bytes, ReconciliationPlan] = field(default_factory=dict, compare=False)

    @property
    def flow_count(self) -> int:
        """Return how many rows are flows: the first ones."""
        return len(self.topology.flow_code)


def make_network(topology: Topology, facts: NodeFacts) -> Network:
    """Return the network of a topology.

    A node that only takes, only gives, or lies outside has no balance.
    """
    efficiency = np.ones(len(topology.node_code))
    for node, given in facts.efficiency.items():
        efficiency[node] = given.value
    is_balanced = np.zeros(len(topology.node_code), dtype=np.bool_)
    nodes = balanced_nodes(topology)
    is_balanced[list(nodes)] = True
    balances = node_balances(
        topology.node_code,
        flow_code=topology.flow_code,
        flow_from_index=topology.flow_from_index,
        flow_to_index=topology.flow_to_index,
        is_balanced=is_balanced,
        efficiency=efficiency,
    )
    rows = balances.rows()
    code, kind = list(topology.flow_code), [RowKind.FLOW] * len(topology.flow_code)
    node_index = [-1] * len(code)
    for place, node in enumerate(nodes):
        for added in _added_rows(NodeKind(int(topology.node_kind[node])), node, facts):
            rows[place][len(code)] = -1.0
            code.append(topology.node_code[node])
            kind.append(added)
            node_index.append(node)
    return Network(
        topology=topology,
        code=tuple(code),
        kind=np.array(kind, dtype=np.int32),
        node_index=np.array(node_index, dtype=np.int32),
        balances=Balances.listed(rows, balance_code=balances.balance_code, flow_code=tuple(code)),
        facts=facts,
        parts=Members.copied(
            topology.flow_offset, topology.flow_point_index, topology.flow_point_weight
        ),
    )


def _added_rows(kind: NodeKind, node: int, facts: NodeFacts) -> Sequence[RowKind]:
    if kind is NodeKind.BUS:
        return [RowKind.LOSS] if node in facts.loss else []
    added = [RowKind.SHORTFALL if node in facts.efficiency else RowKind.LOSS]
    if kind is NodeKind.STORAGE:
        # Without a measured content an unknown loss and an unknown change are one unknown.
        if node in facts.stock_resolution_kwh:
            return [*added, RowKind.STOCK]
        return [*added, RowKind.STOCK] if node in facts.efficiency else [RowKind.STOCK]
    return added


def measure(
    network: Network,
    *,
    point_amount: Float2D,
    energy_kwh: Float2D,
    is_whole: Bool2D,
    is_bridged: Bool2D,
    energy_kwh_per_unit: Float1D,
    meters: Meters,
) -> tuple[Float2D, Float2D]:
    """Return what is measured of the flows and how surely; rows of nodes are left NaN.

    Parameters
    ----------
    network : Network
    point_amount : (p, k) float64
    energy_kwh : (f, k) float64
        Of the flows by their points; NaN where it is not known. [kWh]
    is_whole : (f, k) bool
        Whether the readings of a flow cover all of the interval: else it counts as unmeasured.
    is_bridged : (p, k) bool
    energy_kwh_per_unit : (f,) float64
        By which errors of amounts become errors of energy; NaN where a factor is missing: the
        flow counts as unmeasured. [kWh per unit]
    meters : Meters

    Returns
    -------
    measured_kwh, sigma_kwh : (r, k) float64
        NaN where nothing is measured.
    """
    has_meter = np.diff(network.parts.offset) > 0
    per_unit = np.asarray(energy_kwh_per_unit, dtype=np.float64)[:, np.newaxis]
    shape = (len(network.code), energy_kwh.shape[1])
    measured, sigma = np.full(shape, np.nan), np.full(shape, np.nan)
    count = network.flow_count
    known = is_whole & np.isfinite(energy_kwh * per_unit) & has_meter[:, np.newaxis]
    spread = flow_sigma(
        np.where(np.isfinite(point_amount), point_amount, 0.0),
        parts=network.parts,
        meters=meters,
        is_bridged=is_bridged,
    )
    measured[:count] = np.where(known, energy_kwh, np.nan)
    sigma[:count] = np.where(known, spread * np.abs(per_unit), np.nan)
    return measured, sigma


def expect_losses(
    network: Network, measured_kwh: Float2D, sigma_kwh: Float2D, *, hours: float
) -> None:
    """Write what the parameters of buses let expect of their losses in intervals of equal length.

    The loss is that of the mean power: over a long interval it is too small where the load
    varies, so the loss of a day is the sum of its intervals (DL/T 686-2018, load shape).
    """
    for row in np.flatnonzero(network.kind == RowKind.LOSS).tolist():
        model = network.facts.loss.get(int(network.node_index[row]))
        if model is None:
            continue
        power_kw = _throughput(network, int(network.node_index[row]), measured_kwh) / hours
        loss_kw = sum(loss_parts_kw(model, power_kw).values())
        measured_kwh[row] = loss_kw * hours
        sigma_kwh[row] = np.maximum(model.uncertainty_share * loss_kw * hours, _SIGMA_MIN_KWH)


def loss_parts_kw(model: LossModel, power_kw: Float1D) -> dict[str, Float1D]:
    """Return the parts of an expected loss: of the transformer, of the line, of the pipe. [kW]."""
    squared = power_kw * power_kw
    return {
        "transformer": model.transformer_kw + model.transformer_per_kw * squared,
        "line": model.line_per_kw * squared,
        "share": model.share * np.abs(power_kw),
    }


def expect_shortfalls(network: Network, measured_kwh: Float2D, sigma_kwh: Float2D) -> None:
    """Write that conversions and storages are as efficient as is said, within its uncertainty."""
    for row in np.flatnonzero(network.kind == RowKind.SHORTFALL).tolist():
        node = int(network.node_index[row])
        given = network.facts.efficiency[node]
        entering = _throughput(network, node, measured_kwh)
        measured_kwh[row] = np.where(np.isfinite(entering), 0.0, np.nan)
        sigma_kwh[row] = np.maximum(given.uncertainty * np.abs(entering), _SIGMA_MIN_KWH)
        sigma_kwh[row][~np.isfinite(entering)] = np.nan


def put_stock(
    network: Network, measured_kwh: Float2D, sigma_kwh: Float2D, stock_kwh: Mapping[int, Float1D]
) -> None:
    """Write how much more each storage holds at the end of each interval, where that is known.

    Parameters
    ----------
    stock_kwh : {node: (k,) float64}
        NaN where it is not known.
    """
    for row in np.flatnonzero(network.kind == RowKind.STOCK).tolist():
        change = stock_kwh.get(int(network.node_index[row]))
        if change is None:
            continue
        step = network.facts.stock_resolution_kwh[int(network.node_index[row])]
        measured_kwh[row] = change
        # A difference of two levels, each known to the step: as a register (`uncertainty`).
        sigma_kwh[row] = np.where(np.isfinite(change), step / np.sqrt(6.0), np.nan)


def _throughput(network: Network, node: int, measured_kwh: Float2D) -> Float1D:
    """Return what enters a node, by its inputs if they are measured, else by its outputs."""
    topology, count = network.topology, network.flow_count
    inner = topology.flow_from_index != topology.flow_to_index
    into: Bool1D = inner & (topology.flow_to_index == node)
    out: Bool1D = inner & (topology.flow_from_index == node)
    entering: Float1D = measured_kwh[:count][into].sum(axis=0)
    leaving: Float1D = measured_kwh[:count][out].sum(axis=0)
    given = network.facts.efficiency.get(node)
    return np.where(np.isfinite(entering), entering, leaving / (given.value if given else 1.0))
