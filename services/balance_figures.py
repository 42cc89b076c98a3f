"""The figures of a closed balance by the names of a plant: flows, tests, suspects, messages."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from compute.closing import LEVEL, Closed, close_balances, plan_of
from compute.network import Network, RowKind
from compute.projection import FlowClass
from compute.topology import Float1D
from services.json_values import finite
from services.plant.model import Name
from services.site_model import Described
from services.store.balances import BalanceRow, SuspectRow

ClassName = Literal["redundant", "measured_only", "observable", "unobservable"]
CLASS_NAMES: Mapping[int, ClassName] = {
    FlowClass.REDUNDANT: "redundant",
    FlowClass.NON_REDUNDANT: "measured_only",
    FlowClass.OBSERVABLE: "observable",
    FlowClass.UNOBSERVABLE: "unobservable",
}


@dataclass(frozen=True, slots=True)
class BalancedFlow:
    """A flow as measured and as reconciled; None where it is not known.

    Attributes
    ----------
    alike : tuple of str
        Flows that the balances cannot tell from this one, itself among them.
    class_assumed : bool
        Whether one of its meters says no accuracy class.
    """

    code: str
    name: Name | None
    source: str
    target: str
    carrier: str
    measured_kwh: float | None
    sigma_kwh: float | None
    value_kwh: float | None
    value_sigma_kwh: float | None
    adjustment_kwh: float | None
    z: float | None
    class_name: ClassName
    alike: tuple[str, ...]
    is_suspect: bool
    meters: tuple[str, ...]
    class_assumed: bool


@dataclass(frozen=True, slots=True)
class NamedSuspect:
    """Meters of which one contradicts the balances; rows of nodes are named by their node.

    z and bias are those of the first flow, or of the first node where no flow is named.
    """

    flows: tuple[str, ...]
    nodes: tuple[str, ...]
    meters: tuple[str, ...]
    z: float
    bias_kwh: float
    bias_sigma_kwh: float


@dataclass(frozen=True, slots=True)
class Message:
    """Why something of a balance is not known, where, and what would mend it."""

    code: str
    places: tuple[str, ...]
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class GlobalTest:
    """The test of all balances together; None where no balance has a redundant meter."""

    degrees_of_freedom: int
    objective: float | None
    critical_objective: float | None
    objective_left: float | None
    rejects: bool | None
    critical_z: float | None
    level: float = LEVEL


def nodal_tests(network: Network, measured: Float1D, sigma: Float1D) -> dict[str, float]:
    """Return |z| of what the measurements leave over of each balance, by node: the nodal test.

    Parameters
    ----------
    network : Network
    measured, sigma : (r,) float64
        Of its rows: what is measured or expected, and how sure that is. [kWh or kW]

    Returns
    -------
    dict
        The residual over its standard uncertainty, of independent errors; NaN where something is
        not measured, or all of it exact.
    """
    balances = network.balances
    if not balances.balance_code:
        return {}
    flow, starts = balances.flow_index, balances.offset[:-1]
    residual = np.add.reduceat(balances.coefficient * measured[flow], starts)
    variance = np.add.reduceat(np.square(balances.coefficient * sigma[flow]), starts)
    z = np.abs(residual) / np.sqrt(np.where(variance > 0.0, variance, np.nan))
    return dict(zip(balances.balance_code, z.tolist(), strict=True))


def test_of(closed: Closed) -> GlobalTest:
    """Return the global test of a balance of one interval."""
    return _test(
        int(closed.degrees_of_freedom[0]),
        *(
            finite(float(column[0]))
            for column in (
                closed.objective,
                closed.critical_objective,
                closed.objective_left,
                closed.critical_z,
            )
        ),
    )


def test_of_row(row: BalanceRow) -> GlobalTest:
    """Return the global test of a stored balance."""
    return _test(
        row.degrees_of_freedom,
        row.objective,
        row.critical_objective,
        row.objective_left,
        row.critical_z,
    )


def _test(
    degrees: int,
    objective: float | None,
    critical: float | None,
    left: float | None,
    critical_z: float | None,
) -> GlobalTest:
    if degrees == 0 or objective is None or critical is None:
        return GlobalTest(degrees, None, None, None, None, None)
    return GlobalTest(degrees, objective, critical, left, objective > critical, critical_z)


def flows_of(described: Described, closed: Closed) -> list[BalancedFlow]:
    """Return the flows of a balance of one interval, in the order of the description."""
    network, plant = described.balanced.network, described.plant
    suspect = {row for found in closed.suspects[0] for row in found.rows}
    alike: dict[int, list[str]] = {}
    for row in range(network.flow_count):
        alike.setdefault(int(closed.alike[row, 0]), []).append(network.code[row])
    meters = _meters_of(described)
    flows = []
    for row, flow in enumerate(plant.flows):
        measured, value = (
            finite(float(column[row, 0])) for column in (closed.measured_kwh, closed.value_kwh)
        )
        group = int(closed.alike[row, 0])
        flows.append(
            BalancedFlow(
                code=flow.code,
                name=flow.name,
                source=flow.from_node,
                target=flow.to_node,
                carrier=flow.carrier,
                measured_kwh=measured,
                sigma_kwh=finite(float(closed.sigma_kwh[row, 0])),
                value_kwh=value,
                value_sigma_kwh=finite(float(closed.value_sigma_kwh[row, 0])),
                adjustment_kwh=None if measured is None or value is None else value - measured,
                z=finite(float(closed.z[row, 0])),
                class_name=CLASS_NAMES[int(closed.row_class[row, 0])],
                alike=tuple(alike[group]) if group >= 0 else (),
                is_suspect=row in suspect,
                meters=meters[row][0],
                class_assumed=meters[row][1],
            )
        )
    return flows


def _meters_of(described: Described) -> list[tuple[tuple[str, ...], bool]]:
    """Return the meters of each flow, and whether one of them says no class."""
    balanced, arrays = described.balanced, described.arrays
    codes = [meter.code for meter in described.plant.meters]
    found = []
    for row in range(len(arrays.flow_code)):
        part = slice(int(arrays.flow_offset[row]), int(arrays.flow_offset[row + 1]))
        points = arrays.flow_point_index[part].tolist()
        names = dict.fromkeys(codes[int(balanced.meters.meter_index[p])] for p in points)
        found.append((tuple(names), any(balanced.class_assumed[p] for p in points)))
    return found


def named_suspect(
    described: Described, rows: Sequence[int], z: float, bias_kwh: float, bias_sigma_kwh: float
) -> NamedSuspect:
    """Return suspects by the names of their flows, nodes and meters."""
    network, meters = described.balanced.network, _meters_of(described)
    flows = [row for row in rows if network.kind[row] == RowKind.FLOW]
    return NamedSuspect(
        flows=tuple(network.code[row] for row in flows),
        nodes=tuple(network.code[row] for row in rows if row not in flows),
        meters=tuple(dict.fromkeys(code for row in flows for code in meters[row][0])),
        z=z,
        bias_kwh=bias_kwh,
        bias_sigma_kwh=bias_sigma_kwh,
    )


def stored_suspect(
    rows: Sequence[Mapping[str, Any]], suspect: SuspectRow, described: Described | None
) -> NamedSuspect:
    """Return stored suspects by the names that the places had then.

    The meters are those that the flows have by the description of that time.
    """
    named = [rows[place] for place in suspect.place]
    flows = [row["code"] for row in named if row["kind"] == "flow"]
    meters: dict[str, tuple[str, ...]] = {}
    if described is not None:
        codes = described.arrays.flow_code
        meters = {code: of for code, (of, _) in zip(codes, _meters_of(described), strict=True)}
    return NamedSuspect(
        flows=tuple(flows),
        nodes=tuple(row["code"] for row in named if row["kind"] != "flow"),
        meters=tuple(dict.fromkeys(meter for flow in flows for meter in meters.get(flow, ()))),
        z=suspect.z,
        bias_kwh=suspect.bias_kwh,
        bias_sigma_kwh=suspect.bias_sigma_kwh,
    )


def messages_of(described: Described, closed: Closed) -> list[Message]:
    """Return what the balances do not determine, or cannot be closed by."""
    network = described.balanced.network
    if not network.balances.balance_code:
        return [
            Message(
                "no_balance",
                (),
                "没有既有输入又有输出的节点：无平衡可核算，请在描述中补充输送分配或转换节点。",
                "No node has inputs and outputs: there is nothing to balance; describe buses or"
                " conversions.",
            )
        ]
    measured = np.isfinite(closed.measured_kwh[:, 0])
    messages = [
        Message(
            "infeasible",
            codes,
            f"{'、'.join(codes)} 的给定值互相矛盾，平衡无解：请放宽其中一项的不确定度。",
            f"What is given for {', '.join(codes)} contradicts itself: the balance has no"
            " solution. Give one of them a larger uncertainty.",
        )
        for codes in _infeasible(network, closed)
    ]
    for group in plan_of(network, measured).unobservable:
        names = tuple(_row_name(network, row) for row in group)
        messages.append(
            Message(
                "unobservable",
                names,
                f"没有平衡能确定 {'、'.join(names)}：请装表，或给出效率、损失等数值。",
                f"No balance determines {', '.join(names)}: meter one of them, or give what it is"
                " (an efficiency, a loss).",
            )
        )
    return messages


def _infeasible(network: Network, closed: Closed) -> list[tuple[str, ...]]:
    if closed.degrees_of_freedom[0] == 0 or math.isfinite(float(closed.objective[0])):
        return []
    again = close_balances(network, closed.measured_kwh, closed.sigma_kwh)
    return [codes for codes in again.infeasible if codes]


def _row_name(network: Network, row: int) -> str:
    kind = RowKind(int(network.kind[row]))
    return network.code[row] if kind is RowKind.FLOW else f"{network.code[row]}:{kind.name.lower()}"
