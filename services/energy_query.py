"""能耗查询 energy query: the stored results of one series, row by row and in all.

Every carrier is asked for in the same way: a series is a point, a flow, a node's boundary, a
node's residual, a product or a virtual meter, and a carrier is only a word.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from compute.periods import Grain, from_us, to_us
from services import totals
from services.cost import Cost, Costed, Unpriced, load_costs
from services.refusal import NotFound
from services.store import answers, data_audit
from services.store.answers import PointRow, ReadingRow, SeriesRow
from services.store.data_audit import DecisionRow
from services.store.pool import Connection, Database
from services.store.results import ResultColumns
from services.totals import SiteState, Total

SeriesKind = Literal["point", "flow", "node", "residual", "product", "virtual"]
_MICROSECOND = timedelta(microseconds=1)
_READINGS_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class EnergyAnswer:
    """A page of the results of a series, and its total over the whole period.

    `rows` are in order, and `cost_cny` is of each. `after` is the start of the last interval of the
    page where more follow.
    """

    state: SiteState
    series: SeriesRow
    rows: ResultColumns
    total: Total
    cost: Cost
    cost_cny: list[float | None]
    after: datetime | None


@dataclass(frozen=True, slots=True)
class ReadingsAnswer:
    """A page of the readings of a point, and what people decided about any of the period."""

    state: SiteState
    point: PointRow
    rows: list[ReadingRow]
    decisions: list[DecisionRow]
    after: datetime | None


@dataclass(frozen=True, slots=True)
class PointsAnswer:
    """A page of the points of a site."""

    state: SiteState
    points: list[PointRow]
    after: str | None


@dataclass(frozen=True, slots=True)
class SeriesAnswer:
    """What a site has results of."""

    state: SiteState
    series: list[SeriesRow]


async def query_energy(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    kind: SeriesKind,
    code: str,
    carrier: str | None,
    start: datetime,
    end: datetime,
    grain: Grain,
    after: datetime | None,
    limit: int,
) -> EnergyAnswer:
    """Return the results of a series whose intervals lie in [start, end).

    Without a carrier, a node answers with the total of its boundary.

    Raises
    ------
    NotFound
        If the tenant has no such site or series.
    RangeTooLarge, NotAnEdge
        If the period does not fit the interval.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        totals.check_period(state, start=start, end=end, grain=grain)
        wanted = "" if carrier is None and kind in {"node", "residual"} else carrier
        found = await answers.list_series(
            connection, site_id=state.site.id, kind=kind, code=code, carrier=wanted
        )
        if not found:
            raise NotFound(kind)
        series = found[0]
        found_rows = await answers.first_results(
            connection,
            series_id=series.id,
            grain=grain,
            start=start if after is None else max(start, after + _MICROSECOND),
            end=end,
            limit=limit + 1,
        )
        summed = await totals.sum_series(
            connection, state, series_ids=[series.id], spans=[(start, end)]
        )
        costed = await _costed(connection, state, series, start=start, end=end)
    rows = found_rows.take(np.arange(min(limit, len(found_rows.ts_us))))
    return EnergyAnswer(
        state=state,
        series=series,
        rows=rows,
        total=summed.of(series.id),
        cost=costed if isinstance(costed, Cost) else costed.total(),
        cost_cny=_cost_of_rows(costed, state, rows, grain),
        after=from_us(int(rows.ts_us[-1])) if len(found_rows.ts_us) > limit else None,
    )


async def _costed(
    connection: Connection, state: SiteState, series: SeriesRow, *, start: datetime, end: datetime
) -> Costed | Cost:
    """Return the costs of what a tariff can price: flows, and the boundary of the site."""
    if series.kind != "flow" and not (series.kind == "node" and series.is_root):
        return Cost(None, Unpriced.NOT_PRICED, 0.0)
    flow = series.code if series.kind == "flow" else None
    costs = await load_costs(connection, state, start=start, end=end, flow=flow)
    if isinstance(costs, Unpriced):
        return Cost(None, costs, 0.0)
    if series.kind == "flow":
        return costs.of_flow(series.code)
    return costs.of_site(series.carrier)


def _cost_of_rows(
    costed: Costed | Cost, state: SiteState, rows: ResultColumns, grain: Grain
) -> list[float | None]:
    """Return the cost of the intervals of a page; None where it is not known."""
    starts_us = rows.ts_us.tolist()
    if isinstance(costed, Cost) or not starts_us:
        return [None] * len(starts_us)
    edges = state.edges(from_us(starts_us[0]), from_us(starts_us[-1]) + _MICROSECOND, grain)
    known = dict(zip(map(to_us, edges), costed.by_interval(edges), strict=False))
    return [known.get(start_us) for start_us in starts_us]


async def list_series(
    database: Database, *, tenant_id: int, site: str, kind: SeriesKind | None
) -> SeriesAnswer:
    """Return what a site has results of.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        series = await answers.list_series(connection, site_id=state.site.id, kind=kind)
    return SeriesAnswer(state=state, series=series)


async def query_points(
    database: Database, *, tenant_id: int, site: str, after: str, limit: int
) -> PointsAnswer:
    """Return the points of a site with their last readings, by code, those after a code.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        points = await answers.list_points(
            connection, site_id=state.site.id, code=None, after=after, limit=limit + 1
        )
    more = points[limit - 1].code if len(points) > limit else None
    return PointsAnswer(state=state, points=points[:limit], after=more)


async def query_point(database: Database, *, tenant_id: int, site: str, code: str) -> PointsAnswer:
    """Return one point of a site with its last reading.

    Raises
    ------
    NotFound
        If the tenant has no such site or point.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        points = await answers.list_points(
            connection, site_id=state.site.id, code=code, after="", limit=1
        )
    if not points:
        raise NotFound("point")
    return PointsAnswer(state=state, points=points, after=None)


async def query_readings(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    code: str,
    start: datetime,
    end: datetime,
    after: datetime | None,
    limit: int,
) -> ReadingsAnswer:
    """Return the readings of a point in [start, end), as they were received.

    Raises
    ------
    NotFound
        If the tenant has no such site or point.
    RangeTooLarge, NotAnEdge
        If the period is too long or reversed.
    """
    totals.check_span(start=start, end=end, days_max=_READINGS_DAYS_MAX)
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        points = await answers.list_points(
            connection, site_id=state.site.id, code=code, after="", limit=1
        )
        if not points:
            raise NotFound("point")
        rows = await answers.list_readings(
            connection,
            point_id=points[0].id,
            start=start if after is None else max(start, after + _MICROSECOND),
            end=end,
            limit=limit + 1,
        )
        decisions = await data_audit.list_standing(
            connection, site_id=state.site.id, start=start, end=end, subject=code
        )
    return ReadingsAnswer(
        state=state,
        point=points[0],
        rows=rows[:limit],
        decisions=decisions,
        after=rows[limit - 1].ts if len(rows) > limit else None,
    )
