"""The carbon flow of a site, traced onward from where its balances changed.

A storage remembers what it was charged with, so a late reading may change every interval after it.
What changed is marked; when no slice of the site waits to be computed, tracing goes on from the
first change to where it makes no difference any more. So the rows are a function of the balances
alone, in whatever order these came, and a rebuild traces everything once.
"""

from datetime import datetime

import numpy as np
import numpy.typing as npt
import structlog

from compute.block import Float3D
from compute.carbon import MEASURE_COUNT, CarbonFlow, CarbonGraph, trace_carbon
from compute.flow import Stored
from compute.periods import Grain, from_us
from services.provenance import BALANCE_FORMULA
from services.reconciled import has_balances
from services.site_model import Described, SiteModel, Span
from services.store import balances, carbon_flows, dirty_marks
from services.store.carbon_flows import HeldRow
from services.store.pool import Connection

_log = structlog.get_logger()
# Intervals traced at once, and how often in one transaction.
_INTERVALS_MAX = 1000
_PARTS_MAX = 8
_Float2D = npt.NDArray[np.float64]


def factors_of(span: Span, ts_us: npt.NDArray[np.int64]) -> Float3D:
    """Return the factors of the sources in intervals of a span: location- and market-based.

    Parameters
    ----------
    ts_us : (k,) int64
        Starts of the intervals.

    Returns
    -------
    factors : (2, s, k) float64

    What is burnt counts where it enters, as in the carbon account of a boundary: its emission goes
    with the fuel to where it burns. [tCO2e per kWh]
    """
    arrays, plant = span.described.arrays, span.described.plant
    graph = span.described.balanced.graph
    carrier = arrays.flow_carrier_index[graph.source_flow]
    burns = ~arrays.flow_is_feedstock[graph.source_flow]
    factors = span.factors_over(ts_us)
    direct = np.where(burns, factors.emission_direct_tco2e[carrier], 0.0)
    purchased = np.atleast_2d(factors.emission_purchased_tco2e.T).T[carrier]
    per_unit = direct[:, np.newaxis] + purchased
    location = np.repeat(
        per_unit / factors.energy_kwh[carrier][:, np.newaxis],
        len(ts_us) // per_unit.shape[1],
        axis=1,
    )
    market = location.copy()
    for place, flow in enumerate(graph.source_flow.tolist()):
        stated = plant.flows[flow].market_factor
        if stated is not None:
            market[place] = stated.kgco2e_per_kwh / 1000.0
    return np.stack([location, market])


async def mark(connection: Connection, model: SiteModel, windows: list[tuple[int, int]]) -> None:
    """Note that the balances of windows were computed anew."""
    if windows and any(has_balances(described) for described in model.described):
        await carbon_flows.mark_carbon(
            connection,
            tenant_id=model.site.tenant_id,
            site_id=model.site.id,
            span_us=(windows[0][0], windows[-1][1]),
        )


async def advance(connection: Connection, model: SiteModel) -> None:
    """Trace on from what is marked, as far as one transaction goes; the rest stays marked."""
    if await dirty_marks.site_marks(connection, model.site.id):
        return
    marked = await carbon_flows.take_carbon_mark(connection, model.site.id)
    if marked is None:
        return
    newest = await carbon_flows.newest_balance_us(connection, model.site.id)
    end_us = max(marked[1], 0 if newest is None else newest + model.site.base_interval_us)
    await carbon_flows.delete_other_carbon(
        connection, site_id=model.site.id, span_us=(marked[0], marked[1])
    )
    part_us = _INTERVALS_MAX * model.site.base_interval_us
    parts = [
        (span, start, min(start + part_us, span.end_us))
        for span in model.spans(marked[0], end_us)
        for start in range(span.start_us, span.end_us, part_us)
    ]
    for number, (span, start, end) in enumerate(parts):
        if number == _PARTS_MAX:
            await carbon_flows.mark_carbon(
                connection,
                tenant_id=model.site.tenant_id,
                site_id=model.site.id,
                span_us=(start, max(marked[1], start + 1)),
            )
            return
        if await _trace_part(connection, model, span, (start, end), changed_us=marked[1]):
            return


async def _trace_part(
    connection: Connection, model: SiteModel, span: Span, part: tuple[int, int], *, changed_us: int
) -> bool:
    """Trace the balances of a part; return whether nothing changes after it any more."""
    described = span.described
    network = described.balanced.network
    number = await balances.find_network(
        connection, site_id=model.site.id, document=described.balanced.document
    )
    if number is None:
        return False
    ts_us, _, value = await balances.read_columns(
        connection,
        site_id=model.site.id,
        grain=Grain.BASE,
        network=(number, len(network.code)),
        span_us=part,
    )
    graph = described.balanced.graph
    stored = await stored_before(connection, model.site.id, described, at=from_us(part[0]))
    try:
        found = trace_span(span, value.T, stored, ts_us=ts_us)
    except Exception:  # noqa: BLE001 - a defect costs its own figures alone, and is said
        _log.exception("carbon.failed", site=model.site.code, start=from_us(part[0]).isoformat())
        return False
    width, held_width = graph.storage_node.size, graph.storage_node.size * graph.layer_count
    old = await carbon_flows.read_states(
        connection, site_id=model.site.id, network=(number, width, held_width), span_us=part
    )
    new = (found.held_kwh.T, _flat(found.held))
    last = _first_unchanged(ts_us, new, old, last_us=changed_us - model.site.base_interval_us)
    count = len(ts_us) if last is None else last + 1
    location, market = intensities(graph, found)
    await carbon_flows.put_carbon(
        connection,
        tuple(column[:count] for column in (location.T, market.T, *new)),
        ts_us=ts_us[:count],
        site=(model.site.id, model.site.tenant_id),
        network_id=number,
        formula=BALANCE_FORMULA,
    )
    return last is not None


def trace_span(
    span: Span, value_kwh: _Float2D, stored: Stored, *, ts_us: npt.NDArray[np.int64]
) -> CarbonFlow:
    """Return the carbon flow of reconciled rows (r, k) of intervals within a span."""
    return trace_carbon(
        span.described.balanced.graph,
        value_kwh,
        factor_tco2e_per_kwh=factors_of(span, ts_us),
        stored=stored,
    )


def intensities(graph: CarbonGraph, found: CarbonFlow) -> tuple[_Float2D, _Float2D]:
    """Return the intensity of each node, (n, k); NaN where a flow that is not known matters."""
    location, market = (
        np.where(
            found.is_uncertain,
            np.nan,
            found.mix[graph.layers_of(measure)].sum(axis=0),
        )
        for measure in (1, 2)
    )
    return location, market


def _flat(held: Float3D) -> _Float2D:
    """Return (l, m, k) as (k, m l): storage by storage."""
    flat: _Float2D = np.ascontiguousarray(held.transpose(2, 1, 0)).reshape(
        held.shape[2], held.shape[0] * held.shape[1]
    )
    return flat


def _first_unchanged(
    ts_us: npt.NDArray[np.int64],
    new: tuple[_Float2D, _Float2D],
    old: tuple[npt.NDArray[np.int64], _Float2D, _Float2D],
    *,
    last_us: int,
) -> int | None:
    """Return the first interval from the last change on after which storages hold what they did."""
    place = {at: row for row, at in enumerate(old[0].tolist())}
    for j, at in enumerate(ts_us.tolist()):
        row = place.get(at)
        # The next interval has a row of before, which began from this very state.
        if row is None or at < last_us:
            continue
        same = [
            np.array_equal(a[j], b[row], equal_nan=True) for a, b in zip(new, old[1:], strict=True)
        ]
        if all(same):
            return j
    return None


async def stored_before(
    connection: Connection,
    site_id: int,
    described: Described,
    *,
    at: datetime,
) -> Stored:
    """Return what the storages of a description held just before an instant."""
    graph = described.balanced.graph
    row = await carbon_flows.held_before(connection, site_id=site_id, at=at)
    if row is None:
        return Stored(
            np.zeros(graph.storage_node.size),
            np.zeros((graph.layer_count, graph.storage_node.size)),
        )
    document = (await balances.networks(connection, site_id))[row.network_id]
    return carried_over(row, document, described)


def carried_over(row: HeldRow, document: dict[str, list[str]], described: Described) -> Stored:
    """Return what storages held under another network in the layers of this one.

    A storage is the one of the same code. What came from a source that is there no more, or has
    another name, is in the last layer.
    """
    arrays, graph = described.arrays, described.balanced.graph
    sources = [arrays.flow_code[flow] for flow in graph.source_flow.tolist()]
    storages = [arrays.node_code[node] for node in graph.storage_node.tolist()]
    old_sources, old_storages = document["sources"], document["storages"]
    old_step, step = len(old_sources) + 1, len(sources) + 1
    energy = np.zeros(len(storages))
    layers = np.zeros((graph.layer_count, len(storages)))
    held = np.array(row.held).reshape(len(old_storages), MEASURE_COUNT * old_step)
    for place, code in enumerate(storages):
        if code not in old_storages:
            continue
        old = old_storages.index(code)
        energy[place] = row.held_kwh[old]
        for measure in range(MEASURE_COUNT):
            for layer in range(old_step):
                name = old_sources[layer] if layer < len(old_sources) else None
                to = sources.index(name) if name in sources else len(sources)
                layers[measure * step + to, place] += held[old, measure * old_step + layer]
    return Stored(energy, layers)
