"""Where the difference of a node's metered inputs and outputs went: losses, stock, meters, rest."""

import math
from dataclasses import dataclass

import numpy as np

from compute.closing import Closed
from compute.network import Network, RowKind, loss_parts_kw
from compute.topology import Float1D
from services.json_values import finite
from services.plant.model import Name
from services.site_model import Described


@dataclass(frozen=True, slots=True)
class NodeBalance:
    """The balance of a node that passes energy on; None where a part is not known.

    metered_in - metered_out = transformer + line + pipe + conversion + stock change + unmetered
    + meters. Nothing is scaled: what no parameter explains is in `meters_kwh` where meters allow
    it, and the global test says whether they do.

    Attributes
    ----------
    input_kwh, output_kwh : float or None
        Reconciled.
    transformer_loss_kwh, line_loss_kwh, pipe_loss_kwh : float or None
        By the parameters of the description, adjusted as a measurement is; 0 where none are given.
    conversion_loss_kwh : float or None
        Of a conversion or storage: what it takes less what it gives and keeps.
    stock_change_kwh : float or None
    unmetered_kwh : float or None
        What flows without a meter take, less what they bring.
    meters_kwh, meters_sigma_kwh : float or None
        What the errors of its meters explain, and what they are expected to within one sigma.
    """

    code: str
    name: Name
    kind: str
    metered_in_kwh: float
    metered_out_kwh: float
    input_kwh: float | None
    output_kwh: float | None
    transformer_loss_kwh: float | None
    line_loss_kwh: float | None
    pipe_loss_kwh: float | None
    conversion_loss_kwh: float | None
    stock_change_kwh: float | None
    unmetered_kwh: float | None
    meters_kwh: float | None
    meters_sigma_kwh: float
    efficiency: float | None


def node_balances_of(described: Described, closed: Closed, *, hours: float) -> list[NodeBalance]:
    """Return the balance of every node that has one, over an interval of so many hours."""
    network = described.balanced.network
    by_code = {node.code: node for node in described.plant.nodes}
    found = []
    for code in network.balances.balance_code:
        node = by_code[code]
        found.append(_node(network, closed, code, node.name, node.kind, hours=hours))
    return found


def _node(
    network: Network, closed: Closed, code: str, name: Name, kind: str, *, hours: float
) -> NodeBalance:
    topology, count = network.topology, network.flow_count
    node = topology.node_code.index(code)
    value, measured = closed.value_kwh[:, 0], closed.measured_kwh[:, 0]
    inner = topology.flow_from_index != topology.flow_to_index
    sign = np.where(inner & (topology.flow_to_index == node), 1.0, 0.0)
    sign -= np.where(inner & (topology.flow_from_index == node), 1.0, 0.0)
    is_metered = np.isfinite(measured[:count])
    known = np.where(is_metered, measured[:count], 0.0)
    entering, leaving = (sign > 0.0), (sign < 0.0)
    # Of what has no meter only what is not known is None: 0 where every flow has one.
    without = (sign != 0.0) & ~is_metered
    meters = (sign * (known - value[:count]))[(sign != 0.0) & is_metered]
    spread = closed.sigma_kwh[:count, 0][(sign != 0.0) & is_metered]
    input_kwh, output_kwh = (
        float(value[:count][entering].sum()),
        float(value[:count][leaving].sum()),
    )
    stock = _row(network, value, node, RowKind.STOCK)
    loss = _row(network, value, node, RowKind.LOSS)
    converts = kind in {"conversion", "storage"}
    parts = {"transformer": 0.0, "line": 0.0, "share": 0.0}
    model = network.facts.loss.get(node)
    if model is not None and loss is not None:
        expected = loss_parts_kw(model, np.array([input_kwh / hours]))
        total = sum(float(part[0]) for part in expected.values())
        parts = {
            key: loss * float(part[0]) / total if total > 0.0 else 0.0
            for key, part in expected.items()
        }
    conversion = (input_kwh - output_kwh - (stock or 0.0)) if converts else 0.0
    return NodeBalance(
        code=code,
        name=name,
        kind=kind,
        metered_in_kwh=float(known[entering].sum()),
        metered_out_kwh=float(known[leaving].sum()),
        input_kwh=finite(input_kwh),
        output_kwh=finite(output_kwh),
        transformer_loss_kwh=finite(parts["transformer"]),
        line_loss_kwh=finite(parts["line"]),
        pipe_loss_kwh=finite(parts["share"]),
        conversion_loss_kwh=finite(conversion),
        stock_change_kwh=0.0 if stock is None else finite(stock),
        unmetered_kwh=finite(float(-(sign * value[:count])[without].sum())),
        meters_kwh=finite(float(meters.sum())),
        meters_sigma_kwh=math.sqrt(float((spread * spread).sum())),
        efficiency=finite(output_kwh / input_kwh) if converts and input_kwh > 0.0 else None,
    )


def _row(network: Network, value: Float1D, node: int, kind: RowKind) -> float | None:
    """Return what a row of a node came to, None if it has no such row."""
    rows = np.flatnonzero((network.kind == kind) & (network.node_index == node))
    return float(value[rows[0]]) if rows.size else None
