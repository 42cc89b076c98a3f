"""The closed balance of any period: as stored if it is an interval or a day, else closed anew."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import ClassVar, Literal

from compute.closing import Closed
from compute.periods import Grain, from_us, to_us
from services import reconciled, totals
from services.json_values import iso_utc
from services.refusal import NotFound, Refusal
from services.site_model import Described, SiteModel, SiteModels
from services.store import balances
from services.store.pool import Connection
from services.totals import SiteState

# Compiled sites of this process, as the worker has its own.
_MODELS = SiteModels()


class NetworkChanges(Refusal):
    """A period in which the balances of a site are not the same all the time."""

    code: ClassVar[str] = "network_changes"


@dataclass(frozen=True, slots=True)
class Period:
    """A period of a site, [start, end), in which one description of its balances holds."""

    state: SiteState
    model: SiteModel
    described: Described
    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """Return how long it is."""
        return (self.end - self.start).total_seconds() / 3600.0

    @property
    def span_us(self) -> tuple[int, int]:
        """Return its ends. [µs since 1970 UTC]."""
        return to_us(self.start), to_us(self.end)


async def load_period(
    connection: Connection, site: str, *, start: datetime, end: datetime, days_max: int
) -> Period:
    """Return a period that is asked for.

    Raises
    ------
    NotFound
        If the tenant has no such site, or nothing describes it then.
    RangeTooLarge, NotAnEdge
        If the period is too long or does not consist of base intervals.
    NetworkChanges
        If the description of the balances changes within the period.
    """
    state = await totals.load_state(connection, site)
    totals.check_ends(state, start=start, end=end)
    totals.check_span(start=start, end=end, days_max=days_max)
    model = await model_of(connection, state.site.id)
    return Period(state, model, _described_over(model, start=start, end=end), start, end)


async def model_of(connection: Connection, site_id: int) -> SiteModel:
    """Return a site as it is described now, compiled once."""
    return await _MODELS.get(connection, site_id)


def _described_over(model: SiteModel, *, start: datetime, end: datetime) -> Described:
    """Return the one description of the balances that holds over [start, end)."""
    spans = model.spans(to_us(start), to_us(end))
    if not spans or spans[0].start_us > to_us(start):
        raise NotFound("plant")
    cuts = [
        later.start_us
        for earlier, later in pairwise(spans)
        if later.described is not earlier.described
    ]
    if cuts:
        at = iso_utc(from_us(cuts[0]))
        raise NetworkChanges(
            f"the meters or balances of the site change at {at}: ask for a period that ends or"
            " begins there",
            f"厂区的计量或平衡关系在 {at} 变更：请以该时刻为时段的终点或起点分别查询",
            pointer="start",
        )
    return spans[0].described


async def closed_over(
    connection: Connection, period: Period
) -> tuple[Literal["interval", "day", "period"], Closed]:
    """Return the closed balance of a period, stored if it is an interval or a day."""
    site_id, start, end = period.state.site.id, period.start, period.end
    grain = _grain_of(period.state, start, end)
    if grain is not None:
        rows = await balances.read_balances(
            connection, site_id=site_id, grain=grain, start=start, end=end
        )
        known = await balances.networks(connection, site_id)
        # Until the worker has followed a change of the description, the stored one is of before.
        if rows and known[rows[0].network_id] == period.described.balanced.document:
            suspects = await balances.read_suspects(
                connection, site_id=site_id, grain=grain, start=start, end=end
            )
            name: Literal["interval", "day"] = "interval" if grain is Grain.BASE else "day"
            return name, reconciled.closed_of_row(rows[0], suspects)
    return "period", await _close(connection, period)


async def _close(connection: Connection, period: Period) -> Closed:
    described, span_us = period.described, period.span_us
    summed = await totals.sum_series(
        connection,
        period.state,
        series_ids=described.series_id.tolist(),
        spans=[(period.start, period.end)],
    )
    factors = period.model.spans(*span_us)[0].factors
    measured, sigma = reconciled.measured_rows(
        described, summed.block, factors, span_us=span_us[1] - span_us[0]
    )
    added = await reconciled.added_over(connection, period.model, described, span_us)
    return reconciled.close_period(described.balanced.network, measured, sigma, added)


def _grain_of(state: SiteState, start: datetime, end: datetime) -> Grain | None:
    """Return the grain of which a period is one interval that is stored, if it is."""
    if (to_us(end) - to_us(start)) == state.site.base_interval_us:
        return Grain.BASE
    return Grain.DAY if state.edges(start, end, Grain.DAY) == [start, end] else None
