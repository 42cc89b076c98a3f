"""The closed balance of any period: as stored if it is an interval or a day, else closed anew."""

from datetime import datetime
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from compute.closing import Closed
from compute.periods import Grain, from_us, to_us
from services import reconciled, totals
from services.refusal import NotFound, Refusal
from services.site_model import Described, SiteModel, SiteModels
from services.store import balances, topology
from services.store.pool import Connection
from services.totals import SiteState

# Compiled sites of this process, as the worker has its own.
_MODELS = SiteModels()


class NetworkChanges(Refusal):
    """A period in which the balances of a site are not the same all the time."""

    code: ClassVar[str] = "network_changes"


async def model_of(connection: Connection, *, tenant_id: int, site: str) -> SiteModel:
    """Return the compiled site."""
    found = await topology.find_site(connection, tenant_id=tenant_id, code=site)
    if found is None:
        raise NotFound("site")
    return await _MODELS.get(connection, found.id)


def described_over(model: SiteModel, *, start: datetime, end: datetime) -> Described:
    """Return the one description of the balances that holds over [start, end).

    Raises
    ------
    NotFound
        If nothing describes the site then.
    NetworkChanges
        If more than one does.
    """
    spans = model.spans(to_us(start), to_us(end))
    if not spans or spans[0].start_us > to_us(start):
        raise NotFound("plant")
    cuts = [
        later.start_us
        for earlier, later in pairwise(spans)
        if later.described is not earlier.described
    ]
    if cuts:
        at = from_us(cuts[0]).isoformat().replace("+00:00", "Z")
        raise NetworkChanges(
            f"the meters or balances of the site change at {at}: ask for a period that ends or"
            " begins there",
            f"厂区的计量或平衡关系在 {at} 变更：请以该时刻为时段的终点或起点分别查询",
            pointer="start",
        )
    return spans[0].described


async def closed_over(
    connection: Connection, state: SiteState, model: SiteModel, *, start: datetime, end: datetime
) -> tuple[Literal["interval", "day", "period"], Closed]:
    """Return the closed balance of a period, stored if it is an interval or a day."""
    described = described_over(model, start=start, end=end)
    network = described.balanced.network
    grain = _grain_of(state, start, end)
    if grain is not None:
        rows = await balances.read_balances(
            connection, site_id=state.site.id, grain=grain, start=start, end=end
        )
        known = await balances.networks(connection, state.site.id)
        # Until the worker has followed a change of the description, the stored one is of before.
        if rows and known[rows[0].network_id] == reconciled.network_document(network):
            suspects = await balances.read_suspects(
                connection, site_id=state.site.id, grain=grain, start=start, end=end
            )
            name: Literal["interval", "day"] = "interval" if grain is Grain.BASE else "day"
            return name, reconciled.closed_of_row(rows[0], suspects)
    return "period", await _close(connection, state, model, described, start=start, end=end)


async def _close(
    connection: Connection,
    state: SiteState,
    model: SiteModel,
    described: Described,
    *,
    start: datetime,
    end: datetime,
) -> Closed:
    network = described.balanced.network
    summed = await totals.sum_series(
        connection, state, series_ids=described.series_id.tolist(), spans=[(start, end)]
    )
    span_us = (to_us(start), to_us(end))
    factors = model.spans(*span_us)[0].factors
    measured, sigma = reconciled.measured_rows(
        described, summed.block, factors, span_us=span_us[1] - span_us[0]
    )
    added = np.full(len(network.code), np.nan)
    if network.facts.loss or network.facts.stock_resolution_kwh:
        added = await reconciled.added_over(connection, model, described, span_us)
    return reconciled.close_period(network, measured, sigma, added)


def _grain_of(state: SiteState, start: datetime, end: datetime) -> Grain | None:
    """Return the grain of which a period is one interval that is stored, if it is."""
    if (to_us(end) - to_us(start)) == state.site.base_interval_us:
        return Grain.BASE
    return Grain.DAY if state.edges(start, end, Grain.DAY) == [start, end] else None
