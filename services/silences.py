"""Silences 未结束的缺数: points that should have been read by now; gaps that have not ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services import totals
from services.plant.compile import points_of
from services.plant.metering import silent_after
from services.plant_history import plants_over
from services.store import answers
from services.store.pool import Database
from services.totals import SiteState

_POINTS_MAX = 10_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """A point that should have been read by now. `since` is its last reading, or its beginning."""

    point: str
    meter: str
    gateway: str
    since: datetime


@dataclass(frozen=True, slots=True)
class SilencesAnswer:
    """The points that are silent at the instant of the snapshot, the longest first."""

    state: SiteState
    rows: list[Silence]


async def silences(database: Database, *, tenant_id: int, site: str) -> SilencesAnswer:
    """Return the gaps that have not ended: told two base intervals and a minute after they begin.

    Of an interval point, two of its periods where those are longer. A gap that has ended is a
    finding, until what is missing comes.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        points = await answers.list_points(
            connection, site_id=state.site.id, code=None, after="", limit=_POINTS_MAX
        )
        plants = await plants_over(
            connection, state.site.id, start=state.as_of, end=state.as_of + _MICROSECOND
        )
    base = timedelta(microseconds=state.site.base_interval_us)
    patience = {
        point.code: silent_after(point, base_interval=base)
        for span in plants
        for _, point in points_of(span.plant)
    }
    rows = [
        Silence(row.code, row.meter_code, row.gateway_code, since)
        for row in points
        if row.code in patience
        and row.active
        and (row.valid_to is None or row.valid_to > state.as_of)
        and state.as_of - (since := row.last_ts or row.valid_from) > patience[row.code]
    ]
    return SilencesAnswer(state, sorted(rows, key=lambda row: (row.since, row.point)))
