"""The truth of a simulated plant: flows that balance.

Some amounts are free and follow daily profiles (uses, solar, what a battery takes in); the others
follow from the balance of every bus, the efficiency of every conversion, and what is known of the
plant beyond its description (`Running`).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from compute.errors import NengtanError
from compute.topology import NodeKind, Topology
from deploy.simulated_profiles import EFFICIENCY
from services.reference import load_tables

Float1D = npt.NDArray[np.float64]
Float2D = npt.NDArray[np.float64]

# What one unit of a carrier is worth, by its kind: only the simulator's efficiencies rest on it.
_NOMINAL_KWH_PER_UNIT = {
    "electricity": 1.0,
    "fossil_solid": 6_500.0,
    "fossil_liquid": 12_000.0,
    "fossil_gas": 108_000.0,
    "zero_carbon_fuel": 27_000.0,
    "bio_solid": 4_500.0,
    "bio_liquid": 7_500.0,
    "bio_gas": 58_000.0,
    "waste": 3_000.0,
    "steam": 880.0,
    "heat": 278.0,
    # Compressed air, whose standard coefficient holds the energy of making it: a compressor that
    # ran at its real 0.12 kWh/m3 would seem to give more than it takes.
    "energy_medium": 0.33,
}
_DEFAULT_RATE_KWH = 30.0  # per hour, of a use that nothing measures


@dataclass(frozen=True, slots=True)
class Running:
    """How a plant runs, as far as its description does not say.

    Attributes
    ----------
    shape : mapping of str to str
        Daily shape of a flow or product (`simulated_profiles`), where its name does not tell.
    rate_max : mapping of str to float
        Of a flow or product, where it is not the usual share of what its meters are rated for.
    efficiency : mapping of str to float
        Of a conversion node, or of a bus that loses something: energy out per energy in.
    ratio : mapping of str to (float, str)
        A flow that is so many times another one, in the units of both.
    """

    shape: Mapping[str, str] = field(default_factory=dict)
    rate_max: Mapping[str, float] = field(default_factory=dict)
    efficiency: Mapping[str, float] = field(default_factory=dict)
    ratio: Mapping[str, tuple[float, str]] = field(default_factory=dict)


class NotSimulable(NengtanError):
    """A plant for which no profile keeps every derived flow positive."""


def nominal_kwh(carrier: str) -> float:
    """Return roughly what one unit of a carrier is worth. [kWh per unit]."""
    return _NOMINAL_KWH_PER_UNIT[load_tables().carriers[carrier].kind]


def default_rate(carrier: str) -> float:
    """Return a modest rate for a flow that nothing measures. [unit per hour]."""
    return _DEFAULT_RATE_KWH / nominal_kwh(carrier)


def derive(
    topology: Topology, *, running: Running, extra_rows: Float2D
) -> tuple[Float2D, list[int]]:
    """Return how every flow follows from the free ones, and which are free.

    Parameters
    ----------
    topology : Topology
    running : Running
    extra_rows : (r, f) float64
        Further equations, row @ flows = 0.

    Returns
    -------
    mixing : (f, k) float64
        flows = mixing @ free flows.
    free : list of int
        Rows of `topology.flow_code`.
    """
    flow_count = len(topology.flow_code)
    rows = np.vstack([_balances(topology, running), _ratios(topology, running), extra_rows])
    order = sorted(range(flow_count), key=lambda flow: (_freedom(topology, flow), flow))
    matrix = rows[:, order]
    pivots: list[int] = []
    for column in range(flow_count):
        row = len(pivots)
        if row == len(matrix):
            break
        best = row + int(np.argmax(np.abs(matrix[row:, column])))
        if abs(matrix[best, column]) < 1e-9:
            continue
        matrix[[row, best]] = matrix[[best, row]]
        matrix[row] /= matrix[row, column]
        others = np.arange(len(matrix)) != row
        matrix[others] -= np.outer(matrix[others, column], matrix[row])
        pivots.append(column)
    free = [column for column in range(flow_count) if column not in pivots]
    mixing = np.zeros((flow_count, len(free)))
    for k, column in enumerate(free):
        mixing[order[column], k] = 1.0
        for row, pivot in enumerate(pivots):
            mixing[order[pivot], k] = -matrix[row, column]
    mixing[np.abs(mixing) < 1e-12] = 0.0
    return mixing, [order[column] for column in free]


def _balances(topology: Topology, running: Running) -> Float2D:
    """Return one row per bus and conversion: energy out less (efficient) energy in is 0."""
    worth = [nominal_kwh(code) for code in topology.carrier_code]
    rows: list[Float1D] = []
    for node, kind in enumerate(topology.node_kind):
        if kind not in {NodeKind.BUS, NodeKind.CONVERSION}:
            continue
        converts = kind == NodeKind.CONVERSION
        code = topology.node_code[node]
        yielded = running.efficiency.get(code, EFFICIENCY if converts else 1.0)
        row = np.zeros(len(topology.flow_code))
        for flow, carrier in enumerate(topology.flow_carrier_index):
            if topology.flow_to_index[flow] == node:
                row[flow] -= yielded * worth[carrier]
            if topology.flow_from_index[flow] == node:
                row[flow] += worth[carrier]
        rows.append(row)
    return np.array(rows).reshape(len(rows), len(topology.flow_code))


def _ratios(topology: Topology, running: Running) -> Float2D:
    """Return one row per ratio: a flow less so many times the other is 0."""
    rows: list[Float1D] = []
    for flow, (factor, other) in running.ratio.items():
        row = np.zeros(len(topology.flow_code))
        row[topology.flow_code.index(flow)] = 1.0
        row[topology.flow_code.index(other)] -= factor
        rows.append(row)
    return np.array(rows).reshape(len(rows), len(topology.flow_code))


def _freedom(topology: Topology, flow: int) -> int:
    """Return how much a flow goes its own way: the least free are derived first."""
    giver = topology.node_kind[topology.flow_from_index[flow]]
    taker = topology.node_kind[topology.flow_to_index[flow]]
    if flow_shape(topology, flow) == "solar" or NodeKind.STORAGE in {giver, taker}:
        return 4
    if taker == NodeKind.USE:
        return 3
    if taker == NodeKind.DELIVERY:
        return 2
    return 0 if giver == NodeKind.SOURCE else 1


def flow_shape(topology: Topology, flow: int) -> str:
    """Return the daily shape that suits a flow."""
    giver = topology.flow_from_index[flow]
    taker = topology.flow_to_index[flow]
    if topology.node_kind[taker] == NodeKind.STORAGE:
        return "charge"
    if topology.node_kind[giver] == NodeKind.STORAGE:
        return "discharge"
    carrier = topology.carrier_code[topology.flow_carrier_index[flow]]
    if carrier == "electricity_pv" and topology.node_kind[giver] == NodeKind.SOURCE:
        return "solar"
    name = f"{topology.node_code[taker]} {topology.flow_code[flow]}"
    if "office" in name:
        return "office"
    # By name, not by chance: a renamed seed must not turn night into day.
    return "steady" if zlib.crc32(name.encode()) % 3 == 0 else "shifts"
