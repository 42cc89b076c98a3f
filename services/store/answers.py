"""What is read to answer a question: sites, points, readings and results of one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from services.store.binary import integers
from services.store.pool import Connection
from services.store.results import ResultColumns, columns_of
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site and its clockwork."""

    id: int
    tenant_id: int
    code: str
    time_zone: str
    base_interval_us: int
    day_start_us: int


@dataclass(frozen=True, slots=True)
class SiteListing:
    """A site as its newest description calls it."""

    code: str
    time_zone: str
    name_zh: str
    name_en: str
    kind: str
    version: int


@dataclass(frozen=True, slots=True)
class FreshnessRow:
    """How far the readings of a site reach, at the instant of the snapshot."""

    as_of: datetime
    last_ts: datetime | None
    point_count: int
    silent_count: int
    silent: list[str] | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A plant description without its text."""

    version: int
    valid_from: datetime
    applied_at: datetime
    applied_by: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A plant description."""

    version: int
    valid_from: datetime
    applied_at: datetime
    applied_by: str
    sha256: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point with its last reading."""

    id: int
    code: str
    meter_code: str
    kind: str
    unit: str
    address: str
    gateway_code: str
    gateway_class: str
    active: bool
    valid_from: datetime
    valid_to: datetime | None
    first_ts: datetime | None
    last_ts: datetime | None
    last_value: float | None
    last_quality: int | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One reading as it was received."""

    ts: datetime
    received_at: datetime
    value: float | None
    quality: int
    revision: int  # 0: the first reading; above, what stands in its place


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """What results are of."""

    id: int
    kind: str
    code: str
    carrier: str
    unit: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class ProvenanceRow:
    """What a base interval was computed from."""

    ts: datetime
    formula: str
    code_version: str
    computed_at: datetime
    input_hash: str
    plant_version: int
    plant_sha256: str
    factor_set_id: int
    factor_set_sha256: str


@dataclass(frozen=True, slots=True)
class FactorSetRow:
    """The factors that results stand on."""

    id: int
    sha256: str
    factors: dict[str, Any]
    interval_count: int


@dataclass(frozen=True, slots=True)
class _Instant:
    at: datetime | None


async def last_received(connection: Connection) -> datetime | None:
    """Return the minute in which the centre last received a message, whoever's."""
    row = await fetch_one(connection, _Instant, "answer_last_received")
    return None if row is None else row.at


async def list_sites(connection: Connection, code: str | None = None) -> list[SiteListing]:
    """Return the sites of this tenant, or one of them."""
    return await fetch_all(connection, SiteListing, "answer_sites", (code,))


async def find_site(connection: Connection, code: str) -> SiteRow | None:
    """Return a site by its code."""
    return await fetch_one(connection, SiteRow, "answer_site", (code,))


async def freshness(connection: Connection, site_id: int) -> FreshnessRow:
    """Return how far the readings of a site reach."""
    row = await fetch_one(connection, FreshnessRow, "answer_freshness", (site_id,))
    if row is None:
        raise AssertionError("an aggregate without groups is one row")
    return row


async def list_versions(connection: Connection, site_id: int) -> list[VersionRow]:
    """Return every plant description of a site, newest first."""
    return await fetch_all(connection, VersionRow, "answer_versions", (site_id,))


async def find_document(
    connection: Connection, site_id: int, version: int | None
) -> DocumentRow | None:
    """Return a plant description; the newest where no version is named."""
    return await fetch_one(connection, DocumentRow, "answer_document", (site_id, version))


async def list_points(
    connection: Connection, *, site_id: int, code: str | None, after: str, limit: int
) -> list[PointRow]:
    """Return points by code, those after a code."""
    return await fetch_all(connection, PointRow, "answer_points", (site_id, code, after, limit))


async def list_readings(
    connection: Connection, *, point_id: int, start: datetime, end: datetime, limit: int
) -> list[ReadingRow]:
    """Return the first readings of a point in [start, end)."""
    return await fetch_all(connection, ReadingRow, "answer_readings", (point_id, start, end, limit))


async def list_series(
    connection: Connection,
    *,
    site_id: int,
    kind: str | None = None,
    code: str | None = None,
    carrier: str | None = None,
) -> list[SeriesRow]:
    """Return the series of a site that fit what is given."""
    return await fetch_all(connection, SeriesRow, "answer_series", (site_id, kind, code, carrier))


async def first_results(
    connection: Connection,
    *,
    series_id: int,
    grain: int,
    start: datetime,
    end: datetime,
    limit: int,
) -> ResultColumns:
    """Return the first results of a series whose interval starts in [start, end), in order."""
    select = sql.SQL("{} order by ts limit {}").format(
        _select([series_id], grain, start, end), sql.Literal(limit)
    )
    return await columns_of(connection, select)


async def result_columns(
    connection: Connection,
    *,
    series_ids: Sequence[int],
    grain: int,
    start: datetime,
    end: datetime,
) -> ResultColumns:
    """Return the results of series whose interval starts in [start, end), in no order."""
    return await columns_of(connection, _select(series_ids, grain, start, end))


def _select(series_ids: Sequence[int], grain: int, start: datetime, end: datetime) -> sql.Composed:
    return sql.SQL(query("answer_columns")).format(
        series=sql.Literal(integers(series_ids)),
        grain=sql.Literal(int(grain)),
        start=sql.Literal(start),
        end=sql.Literal(end),
    )


async def list_provenance(
    connection: Connection, *, site_id: int, start: datetime, end: datetime, limit: int
) -> list[ProvenanceRow]:
    """Return what the first base intervals that start in [start, end) were computed from."""
    return await fetch_all(
        connection, ProvenanceRow, "answer_provenance", (site_id, start, end, limit)
    )


async def list_factor_sets(
    connection: Connection, *, site_id: int, start: datetime, end: datetime
) -> list[FactorSetRow]:
    """Return the factor sets that the base intervals of [start, end) stand on."""
    return await fetch_all(connection, FactorSetRow, "answer_factor_sets", (site_id, start, end))


async def lock_plants(connection: Connection) -> None:
    """Wait until no other transaction compares and changes descriptions of this tenant."""
    await connection.execute(query("answer_lock_plants"))


async def instant(connection: Connection) -> datetime:
    """Return the instant of the snapshot."""
    row = await fetch_one(connection, _Instant, "answer_instant")
    if row is None or row.at is None:
        raise AssertionError("a select without a table is one row")
    return row.at


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An enterprise that a park lists."""

    member_code: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class ParkRow:
    """The sums of one carrier over the boundary of a member's site."""

    member_code: str
    name_zh: str
    name_en: str
    site_code: str
    time_zone: str
    carrier: str
    unit: str
    series_id: int
    ts: datetime
    amount: float | None
    energy_kwh: float | None
    coal_equivalent_tce: float | None
    coal_equal_tce: float | None
    emission_direct_tco2e: float | None
    emission_purchased_tco2e: float | None
    covered_us: int
    reading_count: int
    quality: int


async def list_members(connection: Connection) -> list[MemberRow]:
    """Return the enterprises that this park lists."""
    return await fetch_all(connection, MemberRow, "answer_park_members")


async def list_park_rows(
    connection: Connection,
    *,
    grain: int,
    start: datetime,
    end: datetime,
    after: tuple[datetime, int],
    limit: int,
) -> list[ParkRow]:
    """Return the sums of members that consent, by time and series, those after a place."""
    return await fetch_all(
        connection, ParkRow, "answer_park_rows", (int(grain), start, end, *after, limit)
    )
