"""Readings, results and alerts as tables to take away: every row with its unit and version.

Rows are read page by page in one snapshot, so a table of any length is of one instant and needs no
more memory than a page.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from compute.periods import Grain, from_us
from compute.quality import flag_names, grade
from compute.quantities import quantity
from services import totals
from services.files.write import Batch, Column
from services.json_values import iso_utc
from services.provenance import VERSION
from services.refusal import NotFound
from services.store import alerts as store
from services.store import answers
from services.store.alerts import EpisodeRow
from services.store.answers import PointRow, SeriesRow
from services.store.pool import Connection, Database
from services.totals import MEASURES, SiteState

_PAGE_ROWS = 10_000
_DAYS_MAX = 3_700
_MICROSECOND = timedelta(microseconds=1)
_ALERT_PAGE_ROWS = 1_000
_ALERT_TEXTS = ("summary_zh", "summary_en", "description_zh", "description_en")
READING_COLUMNS = (
    Column("time"),
    Column("point"),
    Column("value", "number"),
    Column("unit"),
    Column("grade"),
    Column("flags"),
    Column("received_at"),
    Column("revision", "integer"),
)
RESULT_COLUMNS = (
    Column("start"),
    Column("kind"),
    Column("code"),
    Column("carrier"),
    *(
        column
        for name in MEASURES
        for column in (
            [Column(name, "number"), Column("unit")]
            if name == "amount"
            else [Column(f"{name} [{quantity(name).unit}]", "number")]
        )
    ),
    Column("covered_us", "integer"),
    Column("reading_count", "integer"),
    Column("grade"),
    Column("flags"),
    Column("input_hash"),
    Column("code_version"),
)


ALERT_COLUMNS = (
    Column("id", "integer"),
    *map(Column, ("rule", "group_code")),
    Column("revision", "integer"),
    *map(Column, ("severity", "site", "labels")),
    *map(Column, _ALERT_TEXTS),
    *map(Column, ("active_at", "fired_at", "resolved_at", "resolved_by")),
    Column("value", "number"),
    Column("value_worst", "number"),
    Column("limit_value", "number"),
    *map(Column, ("unit", "acknowledged_at", "acknowledged_by")),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is read as it is sent.

    Attributes
    ----------
    as_of : datetime
        Of the snapshot that it is read in.
    state : SiteState or None
        Of the site that it is of; None: it is of the whole tenant.
    """

    columns: Sequence[Column]
    batches: AsyncIterator[Batch]
    as_of: datetime
    state: SiteState | None = None

    @classmethod
    def of_site(
        cls, state: SiteState, columns: Sequence[Column], batches: AsyncIterator[Batch]
    ) -> "Table":
        """Return a table of a site as it stands."""
        return cls(columns, batches, state.as_of, state)

    @property
    def about(self) -> list[tuple[str, str]]:
        """What is said of the whole table."""
        said = [("as_of", self.as_of.isoformat()), ("code_version", VERSION)]
        if self.state is None:
            return said
        until = self.state.complete_until
        return [
            ("site", self.state.site.code),
            ("time_zone", self.state.site.time_zone),
            ("complete_until", "" if until is None else until.isoformat()),
            *said,
        ]


def readings(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    point: str | None,
    meter: str | None,
    start: datetime,
    end: datetime,
) -> AbstractAsyncContextManager[Table]:
    """Open the readings of a site that stand in [start, end), point after point.

    Parameters
    ----------
    point, meter : str or None
        Only of this point, of this meter; else of all.

    Raises
    ------
    NotFound
        If the tenant has no such site, or the site no such point.
    RangeTooLarge, NotAnEdge
        If the period is too long or reversed.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Table]:
        totals.check_span(start=start, end=end, days_max=_DAYS_MAX)
        async with database.transaction(tenant_id, snapshot=True) as connection:
            state = await totals.load_state(connection, site)
            points = await _points(connection, state, point, meter)
            batches = _reading_batches(connection, state, points, start, end)
            yield Table.of_site(state, READING_COLUMNS, batches)

    return opened()


async def _points(
    connection: Connection, state: SiteState, point: str | None, meter: str | None
) -> list[PointRow]:
    found: list[PointRow] = []
    after = ""
    while page := await answers.list_points(
        connection, site_id=state.site.id, code=point, after=after, limit=1_000
    ):
        found += page
        after = page[-1].code
    chosen = [row for row in found if meter in {None, row.meter_code}]
    if not chosen:
        raise NotFound("meter" if found else "point")
    return chosen


def _local(at: datetime, zone: ZoneInfo) -> str:
    """Return an instant with the offset of its zone: no row needs to know the zone."""
    return at.astimezone(zone).isoformat()


async def _reading_batches(
    connection: Connection,
    state: SiteState,
    points: Sequence[PointRow],
    start: datetime,
    end: datetime,
) -> AsyncIterator[Batch]:
    zone = ZoneInfo(state.site.time_zone)
    for point in points:
        after = start
        while True:
            rows = await answers.list_readings(
                connection, point_id=point.id, start=after, end=end, limit=_PAGE_ROWS
            )
            yield [
                (
                    _local(row.ts, zone),
                    point.code,
                    row.value,
                    point.unit,
                    grade(row.quality),
                    " ".join(flag_names(row.quality)),
                    row.received_at.astimezone(UTC).isoformat(),
                    row.revision,
                )
                for row in rows
            ]
            if len(rows) < _PAGE_ROWS:
                break
            after = rows[-1].ts + _MICROSECOND


def results(
    database: Database,
    *,
    tenant_id: int,
    site: str,
    kind: str | None,
    code: str | None,
    grain: Grain,
    start: datetime,
    end: datetime,
) -> AbstractAsyncContextManager[Table]:
    """Open the results of a site whose intervals lie in [start, end), series after series.

    Parameters
    ----------
    kind, code : str or None
        Only of series of this kind, of this code; else of all.

    Raises
    ------
    NotFound
        If the tenant has no such site, or the site no such series.
    RangeTooLarge, NotAnEdge
        If the period does not fit the interval.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Table]:
        totals.check_span(start=start, end=end, days_max=_DAYS_MAX)
        async with database.transaction(tenant_id, snapshot=True) as connection:
            state = await totals.load_state(connection, site)
            series = await answers.list_series(
                connection, site_id=state.site.id, kind=kind, code=code
            )
            if not series:
                raise NotFound(kind or "series")
            batches = _result_batches(connection, state, series, grain, start, end)
            yield Table.of_site(state, RESULT_COLUMNS, batches)

    return opened()


async def _result_batches(
    connection: Connection,
    state: SiteState,
    series: Sequence[SeriesRow],
    grain: Grain,
    start: datetime,
    end: datetime,
) -> AsyncIterator[Batch]:
    zone = ZoneInfo(state.site.time_zone)
    for one in series:
        after = start
        while True:
            rows = await answers.first_results(
                connection, series_id=one.id, grain=grain, start=after, end=end, limit=_PAGE_ROWS
            )
            starts = [from_us(ts_us) for ts_us in rows.ts_us.tolist()]
            yield [
                (
                    _local(start_of_row, zone),
                    one.kind,
                    one.code,
                    one.carrier,
                    amount,
                    one.unit,
                    *others,
                    covered_us,
                    reading_count,
                    grade(quality),
                    " ".join(flag_names(quality)),
                    f"{input_hash & 0xFFFFFFFFFFFFFFFF:016x}",
                    VERSION,
                )
                for (
                    start_of_row,
                    quality,
                    reading_count,
                    covered_us,
                    input_hash,
                    amount,
                    *others,
                ) in zip(
                    starts,
                    rows.quality.tolist(),
                    rows.reading_count.tolist(),
                    rows.covered_us.tolist(),
                    rows.input_hash.tolist(),
                    *rows.measure_lists(),
                    strict=True,
                )
            ]
            if len(starts) < _PAGE_ROWS:
                break
            after = starts[-1] + _MICROSECOND


def alerts(
    database: Database,
    *,
    tenant_id: int,
    start: datetime,
    end: datetime,
    site: str | None,
    severity: str | None,
) -> AbstractAsyncContextManager[Table]:
    """Open the alerts of a tenant that fire somewhere in [start, end), the newest first.

    Parameters
    ----------
    site, severity : str or None
        Only of this site, of this severity; else all.

    Raises
    ------
    RangeTooLarge, NotAnEdge
        If the period is too long or reversed.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Table]:
        totals.check_span(start=start, end=end, days_max=_DAYS_MAX)
        async with database.transaction(tenant_id, snapshot=True) as connection:
            batches = _alert_batches(connection, start, end, site, severity)
            yield Table(ALERT_COLUMNS, batches, await answers.instant(connection))

    return opened()


async def _alert_batches(
    connection: Connection, start: datetime, end: datetime, site: str | None, severity: str | None
) -> AsyncIterator[Batch]:
    before = (end, 0)
    while True:
        rows = await store.list_history(
            connection,
            start=start,
            end=end,
            site=site,
            severity=severity,
            before=before,
            limit=_ALERT_PAGE_ROWS,
        )
        yield [[_alert_cell(row, column.name) for column in ALERT_COLUMNS] for row in rows]
        if len(rows) < _ALERT_PAGE_ROWS:
            return
        before = (rows[-1].fired_at, rows[-1].id)


def _alert_cell(row: EpisodeRow, name: str) -> object:
    if name in _ALERT_TEXTS:
        return row.texts.get(name, "")
    value = getattr(row, name)
    if isinstance(value, datetime):
        return iso_utc(value)
    if name == "labels":
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value
