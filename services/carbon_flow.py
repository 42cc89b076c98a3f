"""碳流 carbon flow: the factor of every source, followed to every node, product and tenant.

The stored rows say how clean each node was in each interval; who used what of which source over a
period is traced again from the stored balances, beginning with what the storages held then.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from compute.block import Float3D
from compute.carbon import CarbonFlow, CarbonGraph
from compute.periods import Grain
from services import totals, traced
from services.carbon_figures import (
    CarbonEnd,
    CarbonNode,
    CarbonProduct,
    CarbonSource,
    CarbonTenant,
    Conservation,
    Sums,
    conservation_of,
    ends_of,
    nodes_of,
    products_of,
    sources_of,
    tenants_of,
)
from services.json_values import finite
from services.period_balance import Period, load_period
from services.provenance import BALANCE_FORMULA
from services.store import answers, balances, carbon_flows
from services.store.pool import Connection, Database
from services.totals import SiteState

Basis = Literal["location", "market"]
_DAYS_MAX = 92
_HISTORY_DAYS_MAX = 32
_INTERVALS_MAX = 1000
_KG_PER_T = 1000.0


@dataclass(frozen=True, slots=True)
class CarbonTrace:
    """The carbon flow of a site over a period."""

    state: SiteState
    formula: int
    interval_count: int
    traced_count: int
    sources: list[CarbonSource]
    nodes: list[CarbonNode]
    ends: list[CarbonEnd]
    products: list[CarbonProduct]
    tenants: list[CarbonTenant]
    conservation: Conservation


@dataclass(frozen=True, slots=True)
class Intensities:
    """How clean each node was in each interval of a period; None where it is not known."""

    state: SiteState
    starts: list[datetime]
    by_node: dict[str, list[float | None]]


async def trace(
    database: Database, *, tenant_id: int, site: str, start: datetime, end: datetime
) -> CarbonTrace:
    """Return where the emission of each source ended over [start, end).

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
        sums = await _summed(connection, period)
        made = await _made(connection, period)
    described, (start_us, end_us) = period.described, period.span_us
    graph = described.balanced.graph
    return CarbonTrace(
        state=period.state,
        formula=BALANCE_FORMULA,
        interval_count=(end_us - start_us) // period.state.site.base_interval_us,
        traced_count=sums.count,
        sources=sources_of(described, graph, sums),
        nodes=nodes_of(described, graph, sums),
        ends=ends_of(described, graph, sums),
        products=products_of(described, graph, sums, made),
        tenants=tenants_of(described, graph, sums),
        conservation=conservation_of(graph, sums),
    )


async def intensities(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    start: datetime,
    end: datetime,
    basis: Basis,
    node: str | None,
) -> Intensities:
    """Return the intensity of nodes, or of one, in every interval. [kgCO2e per kWh]."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        totals.check_span(start=start, end=end, days_max=_HISTORY_DAYS_MAX)
        rows = await carbon_flows.read_carbon(
            connection, site_id=state.site.id, start=start, end=end
        )
        known = await balances.networks(connection, state.site.id)
    names = dict.fromkeys(
        code for row in rows for code in known[row.network_id]["nodes"] if node in {None, code}
    )
    by_node: dict[str, list[float | None]] = {code: [] for code in names}
    for row in rows:
        values = row.location_tco2e_per_kwh if basis == "location" else row.market_tco2e_per_kwh
        of = dict(zip(known[row.network_id]["nodes"], values, strict=True))
        for code, column in by_node.items():
            column.append(finite(_KG_PER_T * of.get(code, math.nan)))
    return Intensities(state, [row.ts for row in rows], by_node)


async def _summed(connection: Connection, period: Period) -> Sums:
    model, balanced = period.model, period.described.balanced
    network, graph = balanced.network, balanced.graph
    stored = await traced.stored_before(
        connection, model.site.id, period.described, at=period.start
    )
    layer, node = graph.layer_count, graph.node_count
    sums = Sums(
        entered=np.zeros(layer),
        received=np.zeros((layer, node)),
        passing_kwh=np.zeros(node),
        ended=np.zeros((layer, node)),
        uncertain=np.zeros(node, dtype=np.bool_),
        before=stored,
        after=stored,
        count=0,
    )
    network_id = await balances.find_network(
        connection, site_id=model.site.id, document=balanced.document
    )
    part_us = _INTERVALS_MAX * model.site.base_interval_us
    for span in model.spans(*period.span_us) if network_id is not None else ():
        for first in range(span.start_us, span.end_us, part_us):
            ts_us, _, value = await balances.read_columns(
                connection,
                site_id=model.site.id,
                grain=Grain.BASE,
                network=(network_id or 0, len(network.code)),
                span_us=(first, min(first + part_us, span.end_us)),
            )
            if len(value):
                found = traced.trace_span(span, value.T, sums.after, ts_us=ts_us)
                _add(sums, graph, found, value.T, traced.factors_of(span, ts_us))
    return sums


def _add(
    sums: Sums,
    graph: CarbonGraph,
    found: CarbonFlow,
    value_kwh: npt.NDArray[np.float64],
    factors: Float3D,
) -> None:
    flows = np.nan_to_num(value_kwh[graph.source_flow])
    # What goes back to a source is delivered, not entered.
    entered = np.maximum(flows, 0.0)
    # The last layer of each measure is of earlier sources: nothing of it enters.
    sums.entered[graph.layers_of(0)][:-1] += entered.sum(axis=1)
    for measure in (1, 2):
        sums.entered[graph.layers_of(measure)][:-1] += (entered * factors[measure - 1]).sum(axis=1)
    sums.received += found.received.sum(axis=2)
    sums.passing_kwh += found.passing_kwh.sum(axis=1)
    sums.ended += found.ended.sum(axis=2)
    sums.uncertain |= found.is_uncertain.any(axis=1)
    sums.after = found.stored
    sums.count += found.passing_kwh.shape[1]


async def _made(connection: Connection, period: Period) -> dict[str, float | None]:
    """Return the amount of each product."""
    rows = await answers.list_series(connection, site_id=period.state.site.id, kind="product")
    if not rows:
        return {}
    summed = await totals.sum_series(
        connection,
        period.state,
        series_ids=[row.id for row in rows],
        spans=[(period.start, period.end)],
    )
    return {row.code: summed.of(row.id).amount for row in rows}
