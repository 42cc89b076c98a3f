"""The balances of intervals that were computed anew: close them, and keep what came of it.

A base interval and a day each have a row. A day is closed from its own sums, because the error of
a meter's class is one gain that stays: over a day biases show that one interval cannot show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compute.block import ResultBlock
from compute.closing import Closed, Suspect, close_balances
from compute.network import (
    Network,
    RowKind,
    expect_losses,
    expect_shortfalls,
    measure,
    put_stock,
)
from compute.periods import US_PER_HOUR, Grain, from_us, to_us
from compute.quality import Quality
from compute.readings import Readings
from compute.stock import levels_at
from compute.topology import CarrierFactors, Float1D
from services.provenance import BALANCE_FORMULA
from services.rollup_rows import block_of
from services.site_model import Described, SiteModel, Span
from services.store import balances, results
from services.store.balances import BalanceRow, Place, SuspectRow
from services.store.pool import Connection
from services.touched import Window

_INTERPOLATED = int(Quality.INTERPOLATED)
Float2D = npt.NDArray[np.float64]


def has_balances(described: Described) -> bool:
    """Return whether any node of a description passes energy on."""
    return bool(described.balanced.network.balances.balance_code)


def measured_rows(
    described: Described,
    block: ResultBlock,
    factors: CarrierFactors,
    *,
    span_us: int,
    unsure: int = 0,
    resolution_factor: float = 1.0,
) -> tuple[Float2D, Float2D]:
    """Return what meters say of the rows of a network, and how surely; rows of nodes are NaN.

    Parameters
    ----------
    block : ResultBlock
        (s, k), rows as `described.keys`.
    span_us : int
        Length of an interval. A flow whose readings cover less of it counts as unmeasured. [µs]
    unsure : int
        Quality bits of amounts that may be anything from nothing to twice themselves: of a base
        interval a bridged gap, which hides when it passed; over a day that matters no more.
    resolution_factor : float
        What a step of a meter counts for: of a rate, how often its window goes into an hour.
    """
    arrays, balanced = described.arrays, described.balanced
    point_count = len(arrays.points.code)
    flows = slice(point_count, point_count + len(arrays.flow_code))
    meters = balanced.meters
    return measure(
        balanced.network,
        point_amount=block.amount[:point_count],
        energy_kwh=block.energy_kwh[flows],
        is_whole=block.covered_us[flows] >= span_us,
        is_bridged=block.quality[:point_count] & unsure != 0,
        energy_kwh_per_unit=factors.energy_kwh[arrays.flow_carrier_index],
        meters=meters._replace(resolution=resolution_factor * meters.resolution),
    )


def close_base(
    span: Span, block: ResultBlock, used: Readings, *, start_us: int, step_us: int
) -> Closed:
    """Return the closed balances of base intervals that were just computed."""
    described = span.described
    network = described.balanced.network
    measured, sigma = measured_rows(
        described, block, span.factors, span_us=step_us, unsure=_INTERPOLATED
    )
    edges_us = start_us + step_us * np.arange(measured.shape[1] + 1, dtype=np.int64)
    put_stock(network, measured, sigma, _stock_changes(described, used, edges_us))
    expect_losses(network, measured, sigma, hours=step_us / US_PER_HOUR)
    expect_shortfalls(network, measured, sigma)
    return close_balances(network, measured, sigma)


def _stock_changes(
    described: Described, used: Readings, edges_us: npt.NDArray[np.int64]
) -> dict[int, Float1D]:
    """Return how much more each storage holds at the end of each interval. [kWh]."""
    points = described.arrays.points
    return {
        node: held.kwh_per_raw
        * np.diff(
            levels_at(used, held.row, edges_us=edges_us, hold_us=int(points.hold_us[held.row]))
        )
        for node, held in described.balanced.stock.items()
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """Balances that were written.

    Attributes
    ----------
    closed : Closed
        (r, k)
    ts_us : (k,) int64
    news : tuple of int
        Intervals with suspects that were not known before.
    """

    described: Described
    closed: Closed
    ts_us: npt.NDArray[np.int64]
    grain: Grain
    news: tuple[int, ...]


async def keep(
    connection: Connection,
    model: SiteModel,
    described: Described,
    closed: Closed | None,
    *,
    ts_us: npt.NDArray[np.int64],
    grain: Grain,
    span_us: Window,
) -> "Kept":
    """Write the balances of a span; intervals in which nothing was measured have none."""
    network = described.balanced.network
    network_id = await balances.put_network(
        connection,
        tenant_id=model.site.tenant_id,
        site_id=model.site.id,
        document=described.balanced.document,
    )
    if closed is None:
        closed = close_balances(network, *(np.full((len(network.code), 0), np.nan),) * 2)
        ts_us = ts_us[:0]
    some = np.flatnonzero(np.isfinite(closed.measured_kwh[: network.flow_count]).any(axis=0))
    kept = Kept(described, chosen_of(closed, some), ts_us[some], grain, ())
    kept = replace(kept, news=await _news(connection, model, kept, span_us))
    await balances.put_balances(
        connection,
        kept.closed,
        ts_us=kept.ts_us,
        place=Place(
            tenant_id=model.site.tenant_id,
            site_id=model.site.id,
            grain=int(grain),
            network_id=network_id,
            formula=BALANCE_FORMULA,
            span_us=span_us,
        ),
    )
    return kept


async def _news(
    connection: Connection, model: SiteModel, kept: "Kept", span_us: Window
) -> tuple[int, ...]:
    """Return the intervals that have other suspects than are stored."""
    if not any(kept.closed.suspects):
        return ()
    rows = await balances.read_suspects(
        connection,
        site_id=model.site.id,
        grain=kept.grain,
        start=from_us(span_us[0]),
        end=from_us(span_us[1]),
    )
    known = {(to_us(row.ts), tuple(row.place)) for row in rows}
    return tuple(
        j
        for j, (at, suspects) in enumerate(
            zip(kept.ts_us.tolist(), kept.closed.suspects, strict=True)
        )
        if any((at, suspect.rows) not in known for suspect in suspects)
    )


def chosen_of(closed: Closed, some: npt.NDArray[np.int64]) -> Closed:
    """Return some of the intervals."""
    return Closed(
        measured_kwh=closed.measured_kwh[:, some],
        sigma_kwh=closed.sigma_kwh[:, some],
        value_kwh=closed.value_kwh[:, some],
        value_sigma_kwh=closed.value_sigma_kwh[:, some],
        z=closed.z[:, some],
        row_class=closed.row_class[:, some],
        alike=closed.alike[:, some],
        objective=closed.objective[some],
        objective_left=closed.objective_left[some],
        critical_objective=closed.critical_objective[some],
        critical_z=closed.critical_z[some],
        degrees_of_freedom=closed.degrees_of_freedom[some],
        suspects=tuple(closed.suspects[j] for j in some.tolist()),
        infeasible=tuple(closed.infeasible[j] for j in some.tolist()),
    )


def closed_of_row(row: BalanceRow, suspects: Sequence[SuspectRow]) -> Closed:
    """Return a stored balance as it was closed, (r, 1)."""

    def column(values: Sequence[float]) -> Float2D:
        return np.array(values, dtype=np.float64)[:, np.newaxis]

    def one(value: float | None) -> Float1D:
        return np.array([np.nan if value is None else value])

    return Closed(
        measured_kwh=column(row.measured_kwh),
        sigma_kwh=column(row.sigma_kwh),
        value_kwh=column(row.value_kwh),
        value_sigma_kwh=column(row.value_sigma_kwh),
        z=column(row.z),
        row_class=np.array(row.row_class, dtype=np.int32)[:, np.newaxis],
        alike=np.array(row.alike, dtype=np.int32)[:, np.newaxis],
        objective=one(row.objective),
        objective_left=one(row.objective_left),
        critical_objective=one(row.critical_objective),
        critical_z=one(row.critical_z),
        degrees_of_freedom=np.array([row.degrees_of_freedom], dtype=np.int32),
        suspects=(
            tuple(
                Suspect(tuple(found.place), found.z, found.bias_kwh, found.bias_sigma_kwh)
                for found in suspects
            ),
        ),
        infeasible=((),),
    )


async def close_days(
    connection: Connection, model: SiteModel, computed: Sequence[Window]
) -> list[Kept]:
    """Close every day that holds a computed interval, and that one description describes."""
    kept: list[Kept] = []
    for edges in model.edges_over(computed, Grain.DAY):
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            found = await _close_day(connection, model, (first, last))
            kept += [] if found is None else [found]
    return kept


async def _close_day(connection: Connection, model: SiteModel, day: Window) -> Kept | None:
    spans = model.spans(*day)
    if not spans or not has_balances(spans[-1].described):
        return None
    described = spans[-1].described
    closed = None
    is_one = all(span.described is described for span in spans) and spans[0].start_us == day[0]
    if is_one:
        rows = await results.read_results(
            connection,
            series_ids=described.series_id.tolist(),
            grain=Grain.DAY,
            start_us=day[0],
            end_us=day[1],
        )
        block, ts_us = block_of(rows, series_id=described.series_id)
        if len(ts_us):
            measured, sigma = measured_rows(
                described, block, spans[0].factors, span_us=day[1] - day[0]
            )
            added = await added_over(connection, model, described, day)
            closed = close_period(described.balanced.network, measured, sigma, added)
    return await keep(
        connection,
        model,
        described,
        closed,
        ts_us=np.array([day[0]], dtype=np.int64),
        grain=Grain.DAY,
        span_us=day,
    )


async def added_over(
    connection: Connection, model: SiteModel, described: Described, span_us: Window
) -> Float1D:
    """Return what the rows of nodes came to over a span, (r,); NaN where an interval lacks it."""
    network = described.balanced.network
    nothing = np.full(len(network.code), np.nan)
    if not network.facts.loss and not network.facts.stock_resolution_kwh:
        # Nothing of it is added up from intervals.
        return nothing
    number = await balances.find_network(
        connection, site_id=model.site.id, document=described.balanced.document
    )
    if number is None:
        return nothing
    _, measured, _ = await balances.read_columns(
        connection,
        site_id=model.site.id,
        grain=Grain.BASE,
        network=(number, len(network.code)),
        span_us=span_us,
    )
    count = (span_us[1] - span_us[0]) // model.site.base_interval_us
    return added_sums(measured, count=count)


def added_sums(measured_kwh: Float2D, *, count: int) -> Float1D:
    """Return sums of rows over intervals (k, r), NaN unless all of them are there."""
    if len(measured_kwh) < count:
        return np.full(measured_kwh.shape[1], np.nan)
    total: Float1D = measured_kwh.sum(axis=0)
    return total


def close_period(
    network: Network, measured_kwh: Float2D, sigma_kwh: Float2D, added_kwh: Float1D
) -> Closed:
    """Return the closed balance of a long interval, (r, 1).

    Parameters
    ----------
    measured_kwh, sigma_kwh : (r, 1) float64
        Of the flows.
    added_kwh : (r,) float64
        What its base intervals let expect of losses and stock changes, added up.
    """
    losses, stock = _added(network, RowKind.LOSS), _added(network, RowKind.STOCK)
    for row, node in losses.items():
        model = network.facts.loss.get(node)
        if model is not None:
            measured_kwh[row] = added_kwh[row]
            # The parameters are as wrong in every interval: the sigma is that of the sum.
            sigma_kwh[row] = max(abs(model.uncertainty_share * added_kwh[row]), 1e-6)
    put_stock(
        network,
        measured_kwh,
        sigma_kwh,
        {
            node: added_kwh[row : row + 1]
            for row, node in stock.items()
            if node in network.facts.stock_resolution_kwh
        },
    )
    expect_shortfalls(network, measured_kwh, sigma_kwh)
    return close_balances(network, measured_kwh, sigma_kwh)


def _added(network: Network, kind: RowKind) -> Mapping[int, int]:
    """Return the rows of a kind with their nodes."""
    return {
        row: int(network.node_index[row]) for row in np.flatnonzero(network.kind == kind).tolist()
    }
