"""Hourly factors of grids as rows: a statement each, only ever added, the last one decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one


@dataclass(frozen=True, slots=True)
class StatementRow:
    """Factors of successive hours of a region; NaN of an hour that is not known."""

    id: int
    region: str
    start_ts: datetime
    tco2_per_mwh: list[float]
    source: str
    sha256: str
    stated_at: datetime
    stated_by: str


async def list_statements(connection: Connection, tenant_id: int) -> list[StatementRow]:
    """Return every statement of a tenant, in the order in which they were made."""
    return await fetch_all(connection, StatementRow, "hourly_factor_list", (tenant_id,))


async def add_statement(
    connection: Connection,
    *,
    tenant_id: int,
    region: str,
    start: datetime,
    tco2_per_mwh: Sequence[float],
    source: str,
    sha256: bytes,
    actor: str,
) -> StatementRow:
    """Add a statement; the caller holds the lock of factors."""
    row = await fetch_one(
        connection,
        StatementRow,
        "hourly_factor_add",
        (tenant_id, region, start, list(tco2_per_mwh), source, sha256, actor),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row
