"""能源平衡表 energy balance table: what was bought and stored, converted, distributed and used.

GB/T 28751-2012 (企业能量平衡表编制方法). One line per flow and stage, in every unit, as measured or
as reconciled. Signs: what a stage brings is positive, what it takes is negative; so

    purchase and storage + conversion + distribution = final use + unaccounted.

A conversion's line sum is its loss, a bus's line is what its inputs leave over. What storages hold
more is negative under purchase and positive under conversion, as an output of the storage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from compute.closing import Closed
from compute.network import RowKind
from compute.topology import CarrierFactors, NodeKind
from compute.units import conversion
from services import totals
from services.balance_lines import Item, KeyLink, Stage, StageSum, TableRow, links_of, sums_of
from services.cost import SiteCosts, Unpriced, load_costs
from services.json_values import finite
from services.losses import node_balances_of
from services.period_balance import closed_over, load_period
from services.plant.model import Flow, Name, Node
from services.provenance import BALANCE_FORMULA
from services.site_model import Described
from services.store import answers
from services.store.pool import Database
from services.totals import SiteState, Total, Totals

Basis = Literal["measured", "reconciled"]
_DAYS_MAX = 400
# Columns of figures: kWh, tce (equivalent and equal value), tCO2e.
_COLUMNS = 4
_Figures = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BalanceTable:
    """The balance table of a site over a period."""

    state: SiteState
    basis: Basis
    formula: int
    rows: list[TableRow]
    sums: list[StageSum]
    links: list[KeyLink]
    cost_reason: str | None


@dataclass(frozen=True, slots=True)
class _Balances:
    """What the lines are made of: figures by flow, and the nodes."""

    described: Described
    figures: _Figures  # (f, 4)
    total: dict[str, Total]
    closed: Closed
    costs: SiteCosts | Unpriced
    basis: Basis

    def of(self, row: int, sign: float) -> _Figures:
        """Return the figures of a flow with a sign."""
        signed: _Figures = sign * self.figures[row]
        return signed


async def table(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    basis: Basis,
) -> BalanceTable:
    """Return the balance table of a site over [start, end).

    Raises
    ------
    NotFound
        If the tenant has no such site, or nothing describes it then.
    RangeTooLarge, NotAnEdge
        If the period is too long or does not consist of base intervals.
    NetworkChanges
        If the description of the balances changes within the period.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        period = await load_period(connection, site, start=start, end=end, days_max=_DAYS_MAX)
        state, described = period.state, period.described
        factors = period.factors
        _, closed = await closed_over(connection, period)
        series = await answers.list_series(connection, site_id=state.site.id, kind="flow")
        id_of = {(row.code, row.carrier): row.id for row in series}
        flows = described.plant.flows
        ids = [id_of[flow.code, flow.carrier] for flow in flows]
        summed = await totals.sum_series(connection, state, series_ids=ids, spans=[(start, end)])
        costs = await load_costs(connection, state, start=start, end=end)
    made = _Balances(
        described=described,
        figures=_figures(described, summed, ids, factors, closed, basis),
        total={flow.code: summed.of(id_) for flow, id_ in zip(flows, ids, strict=True)},
        closed=closed,
        costs=costs,
        basis=basis,
    )
    rows = [row for node in described.plant.nodes for row in _node_rows(made, node)]
    rows += [row for flow in flows for row in _edge_rows(made, flow)]
    order = {"purchase": 0, "conversion": 1, "distribution": 2, "use": 3}
    rows.sort(key=lambda row: order[row.stage])
    return BalanceTable(
        state=state,
        basis=basis,
        formula=BALANCE_FORMULA,
        rows=rows,
        sums=sums_of(rows),
        links=links_of(
            described,
            made.figures,
            node_balances_of(described, closed, hours=period.hours),
        ),
        cost_reason=costs.value if isinstance(costs, Unpriced) else None,
    )


def _figures(
    described: Described,
    summed: Totals,
    ids: Sequence[int],
    factors: CarrierFactors,
    closed: Closed,
    basis: Basis,
) -> _Figures:
    """Return kWh, both tce and tCO2e of each flow; NaN where they are not known."""
    carriers = described.arrays.flow_carrier_index
    figures = np.full((len(ids), _COLUMNS), np.nan)
    for row, id_ in enumerate(ids):
        total = summed.of(id_)
        direct, bought = total.emission_direct_tco2e, total.emission_purchased_tco2e
        measured = np.array(
            [
                math.nan if value is None else value
                for value in (
                    total.energy_kwh,
                    total.coal_equivalent_tce,
                    total.coal_equal_tce,
                    None if direct is None or bought is None else direct + bought,
                )
            ]
        )
        if basis == "measured":
            figures[row] = measured
            continue
        value = float(closed.value_kwh[row, 0])
        if measured[0] > 0.0:
            # As much of each as the meters' sums had per kWh: factors may change in the period.
            figures[row] = measured * (value / measured[0])
            figures[row, 0] = value
        else:
            c = int(carriers[row])
            per_kwh = np.array([factors.coal_equivalent_tce[c], factors.coal_equal_tce[c]])
            figures[row, 0] = value
            figures[row, 1:3] = value * per_kwh / factors.energy_kwh[c]
            if value == 0.0:
                figures[row, 3] = 0.0
    return figures


def _node_rows(made: _Balances, node: Node) -> list[TableRow]:
    """Return the lines of a node that converts, keeps or distributes."""
    arrays = made.described.arrays
    index = arrays.node_code.index(node.code)
    kind = NodeKind(int(arrays.node_kind[index]))
    inner = arrays.flow_from_index != arrays.flow_to_index
    into = np.flatnonzero(inner & (arrays.flow_to_index == index)).tolist()
    out = np.flatnonzero(inner & (arrays.flow_from_index == index)).tolist()
    if kind is NodeKind.USE:
        return [_flow_row(made, row, "use", "use", node, 1.0) for row in into] + [
            _flow_row(made, row, "use", "output", node, -1.0) for row in out
        ]
    if kind is NodeKind.BUS and into and out:
        left = made.figures[into].sum(axis=0) - made.figures[out].sum(axis=0)
        return [_row("distribution", "loss", node.code, node.name, node.code, None, None, -left)]
    if kind not in {NodeKind.CONVERSION, NodeKind.STORAGE}:
        return []
    rows = [_flow_row(made, row, "conversion", "input", node, -1.0) for row in into]
    rows += [_flow_row(made, row, "conversion", "output", node, 1.0) for row in out]
    if kind is NodeKind.STORAGE:
        more = _stock_change(made, index, into)
        rows.append(_row("conversion", "stock", node.code, node.name, node.code, None, None, more))
        rows.append(_row("purchase", "stock", node.code, node.name, node.code, None, None, -more))
    return rows


def _stock_change(made: _Balances, index: int, into: Sequence[int]) -> _Figures:
    """Return what a storage holds more, valued as what charged it."""
    network = made.described.balanced.network
    rows = np.flatnonzero((network.kind == RowKind.STOCK) & (network.node_index == index))
    if not rows.size:
        return np.zeros(_COLUMNS)
    column = made.closed.measured_kwh if made.basis == "measured" else made.closed.value_kwh
    kwh = float(column[int(rows[0]), 0])
    if not math.isfinite(kwh):
        return np.zeros(_COLUMNS)
    charged = made.figures[into].sum(axis=0)
    per_kwh = charged / charged[0] if charged[0] > 0.0 else np.array([1.0, 0.0, 0.0, 0.0])
    change: _Figures = kwh * per_kwh
    return change


def _edge_rows(made: _Balances, flow: Flow) -> list[TableRow]:
    """Return the line of a flow over the edge of the site."""
    kinds = {node.code: node.kind for node in made.described.plant.nodes}
    outside = {"source", "delivery"}
    enters = kinds[flow.from_node] in outside
    leaves = kinds[flow.to_node] in outside
    if enters == leaves:
        return []
    row = made.described.arrays.flow_code.index(flow.code)
    nodes = {node.code: node for node in made.described.plant.nodes}
    node = nodes[flow.from_node if enters else flow.to_node]
    cost = None
    if not isinstance(made.costs, Unpriced):
        cost = made.costs.of_flow(flow.code).total().cny
    item: Item = "bought" if enters else "sold"
    return [_flow_row(made, row, "purchase", item, node, 1.0 if enters else -1.0, cost=cost)]


def _flow_row(
    made: _Balances,
    row: int,
    stage: Stage,
    item: Item,
    node: Node,
    sign: float,
    *,
    cost: float | None = None,
) -> TableRow:
    flow = made.described.plant.flows[row]
    amount = made.total[flow.code].amount
    measured = made.total[flow.code].energy_kwh
    value = float(made.figures[row, 0])
    if made.basis == "reconciled" and amount is not None and measured:
        amount *= value / measured
    return _row(
        stage,
        item,
        flow.code,
        flow.name,
        node.code,
        flow.carrier,
        None if amount is None or not math.isfinite(value) else sign * amount,
        made.of(row, sign),
        cost=cost,
    )


def _row(
    stage: Stage,
    item: Item,
    code: str,
    name: Name | None,
    node: str,
    carrier: str | None,
    amount: float | None,
    figures: _Figures,
    *,
    cost: float | None = None,
) -> TableRow:
    kwh, equivalent, equal, emission = (finite(float(value)) for value in figures)
    return TableRow(
        stage=stage,
        item=item,
        code=code,
        name=name,
        node=node,
        carrier=carrier,
        amount=amount,
        energy_kwh=kwh,
        energy_gj=None if kwh is None else kwh * conversion("kWh", "GJ"),
        coal_equivalent_tce=equivalent,
        coal_equal_tce=equal,
        emission_tco2e=emission,
        cost_cny=cost,
    )
