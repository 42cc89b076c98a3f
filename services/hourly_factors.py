"""Hourly factors of a grid: what was stated, stating more.

A year is 8,760 values as CSV (`hour,tco2_per_mwh`) or as JSON (`start`, `tco2_per_mwh`). Statements
are only ever added: the last one that covers an hour decides, an empty value gives the hour back to
the factor of its month or year. What an hour changes is computed again by the worker.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from compute.periods import US_PER_HOUR, from_us, midnight_us, to_us, year_edges_us
from services.files.hours import Hours, read_hours
from services.json_values import finite
from services.reference import FactorBook, HourlyFactors, RegionNotFound
from services.refusal import NotFound, Refusal
from services.site_model import load_hourly_factors
from services.store import accounts, answers, ledger
from services.store import factors as factor_store
from services.store import hourly_factors as store
from services.store.hourly_factors import StatementRow
from services.store.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class HourlyStated:
    """What stating did; no statement where every hour holds already, from this source."""

    statement: StatementRow | None
    changed_hour_count: int


@dataclass(frozen=True, slots=True)
class HourlyYear:
    """What stands of a place in a calendar year.

    Attributes
    ----------
    region : str
    start, end : datetime
        Of the year, by the wall clock of the site.
    year, hour_count, lacking_hour_count : int
        A lacking hour has the factor of its month or year.
    mean_tco2_per_mwh : float or None
        Arithmetic mean of the hours that stand.
    sources : tuple of str
        Of the statements that decide any hour, the oldest first.
    stated_at : datetime
        When the newest of them was made.
    """

    region: str
    year: int
    start: datetime
    end: datetime
    hour_count: int
    lacking_hour_count: int
    mean_tco2_per_mwh: float | None
    sources: tuple[str, ...]
    stated_at: datetime


async def list_statements(database: Database, *, tenant_id: int) -> list[StatementRow]:
    """Return every statement of the tenant, in the order in which they were made."""
    async with database.transaction(tenant_id) as connection:
        return await store.list_statements(connection, tenant_id)


async def list_years(database: Database, *, tenant_id: int, site: str) -> list[HourlyYear]:
    """Return what stands of every place in every year of a site's zone that a statement touches.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id) as connection:
        found = await answers.find_site(connection, site)
        if found is None:
            raise NotFound("site")
        rows = await store.list_statements(connection, tenant_id)
        held = await load_hourly_factors(connection, tenant_id)
    zone = ZoneInfo(found.time_zone)
    touched: set[tuple[str, int]] = set()
    for statement in held.statements:
        edges_us = year_edges_us(
            from_us(statement.start_us),
            from_us(statement.end_us),
            time_zone=found.time_zone,
            day_start=time(),
        )
        years = (from_us(edge).astimezone(zone).year for edge in edges_us[:-1].tolist())
        touched.update((statement.region, year) for year in years)
    return [
        _year(held, rows, region, year, found.time_zone)
        for region, year in sorted(touched, key=lambda each: (each[0], -each[1]))
    ]


def _year(
    held: HourlyFactors, rows: list[StatementRow], region: str, year: int, time_zone: str
) -> HourlyYear:
    start_us, end_us = (midnight_us(date(of, 1, 1), time_zone) for of in (year, year + 1))
    # The middle of each hour: a zone may begin its year within an hour of a statement.
    hour_us = np.arange(start_us, end_us, US_PER_HOUR) + US_PER_HOUR // 2
    value, number = held.at((region,), hour_us)
    stands = np.isfinite(value)
    deciding = np.unique(number[number >= 0]).tolist()
    return HourlyYear(
        region=region,
        year=year,
        start=from_us(start_us),
        end=from_us(end_us),
        hour_count=hour_us.size,
        lacking_hour_count=int((~stands).sum()),
        mean_tco2_per_mwh=float(value[stands].mean()) if stands.any() else None,
        sources=tuple(dict.fromkeys(rows[index].source for index in deciding)),
        stated_at=max(rows[index].stated_at for index in deciding),
    )


async def find_statement(database: Database, *, tenant_id: int, number: int) -> StatementRow:
    """Return a statement.

    Raises
    ------
    NotFound
        If the tenant made none of this number.
    """
    for row in await list_statements(database, tenant_id=tenant_id):
        if row.id == number:
            return row
    raise NotFound("statement")


async def state(
    database: Database, *, tenant_id: int, actor: str, region: str, source: str, content: bytes
) -> HourlyStated:
    """State the factors of up to a year of hours; what they change is computed again.

    Raises
    ------
    HourlyInvalid
        If the content cannot be read, with lines and remedies.
    Refusal
        If the region is not known.
    """
    try:
        place = FactorBook().places(region)[0]
    except RegionNotFound as error:
        raise Refusal(str(error), f"没有地区 {region}", pointer="region") from error
    given = read_hours(content)
    async with database.transaction(tenant_id) as connection:
        await factor_store.lock(connection)
        hours, count = await _news(connection, tenant_id, place, source, given)
        if not count:
            return HourlyStated(None, 0)
        values = [finite(value) for value in hours.tco2_per_mwh]
        digest = sha256(msgspec.json.encode([place, hours.start_us, values, source])).digest()
        row = await store.add_statement(
            connection,
            tenant_id=tenant_id,
            region=place,
            start=from_us(hours.start_us),
            tco2_per_mwh=hours.tco2_per_mwh.tolist(),
            source=source,
            sha256=digest,
            actor=actor,
        )
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=actor,
            action="factor.hourly",
            object_kind="factor",
            object_code=f"hourly/{place}/{from_us(hours.start_us).isoformat()}",
            after={"sha256": row.sha256, "source": source, "hours": len(row.tco2_per_mwh)},
        )
        end_us = hours.start_us + US_PER_HOUR * len(values)
        for span in await factor_store.reading_spans(connection):
            start = max(from_us(hours.start_us), span.first_ts)
            end = min(from_us(end_us), from_us(to_us(span.last_ts) + 1))
            if start < end:
                await ledger.mark_site_dirty(connection, site_id=span.site_id, start=start, end=end)
    return HourlyStated(row, count)


async def _news(
    connection: Connection, tenant_id: int, place: str, source: str, hours: Hours
) -> tuple[Hours, int]:
    """Return the hours without those at both ends that hold already, and how many are new.

    So a year that is sent again for one hour touches that hour alone. What lies between is of the
    new statement too, and is computed again, for results name the statement that decides.
    """
    held = await load_hourly_factors(connection, tenant_id)
    values = hours.tco2_per_mwh
    hour_us = hours.start_us + US_PER_HOUR * np.arange(values.size, dtype=np.int64)
    value, number = held.at((place,), hour_us)
    same_source = np.array([i >= 0 and held.statements[i].source == source for i in number])
    same = (value == values) | (np.isnan(value) & np.isnan(values))
    new = np.flatnonzero(~(same & same_source))
    if not new.size:
        return hours, 0
    first, end = int(new[0]), int(new[-1]) + 1
    return Hours(int(hour_us[first]), values[first:end]), int(new.size)
