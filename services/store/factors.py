"""What a tenant says of factors: confirmations and own figures, as rows."""

from dataclasses import dataclass
from datetime import date, datetime

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query


@dataclass(frozen=True, slots=True)
class OverrideRow:
    """A tenant's own figure."""

    id: int
    carrier: str
    parameter: str
    basis: str
    value: float
    unit: str
    valid_from: date
    valid_to: date | None
    source: str
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ReadingSpanRow:
    """First and last reading of a site."""

    site_id: int
    first_ts: datetime
    last_ts: datetime


@dataclass(frozen=True, slots=True)
class _FactorId:
    factor_id: str


async def lock(connection: Connection) -> None:
    """Wait until no other transaction changes factors of this tenant."""
    await connection.execute(query("factor_lock"))


async def add_confirmation(
    connection: Connection, *, tenant_id: int, factor_id: str, reason: str, actor: str
) -> bool:
    """Store a confirmation; False if there is one already, which stands."""
    row = await fetch_one(
        connection, _FactorId, "factor_confirm", (tenant_id, factor_id, reason, actor)
    )
    return row is not None


async def list_overrides(connection: Connection) -> list[OverrideRow]:
    """Return the tenant's own figures."""
    return await fetch_all(connection, OverrideRow, "factor_override_list")


async def add_override(
    connection: Connection,
    *,
    tenant_id: int,
    carrier: str,
    parameter: str,
    basis: str,
    value: float,
    unit: str,
    valid_from: date,
    valid_to: date | None,
    source: str,
    actor: str,
) -> OverrideRow:
    """Store an own figure."""
    row = await fetch_one(
        connection,
        OverrideRow,
        "factor_override_add",
        (
            tenant_id,
            carrier,
            parameter,
            basis,
            value,
            unit,
            valid_from,
            valid_to,
            source,
            actor,
        ),
    )
    if row is None:
        raise AssertionError("an insert returns its row")
    return row


async def reading_spans(connection: Connection) -> list[ReadingSpanRow]:
    """Return first and last reading of each site of the tenant."""
    return await fetch_all(connection, ReadingSpanRow, "factor_reading_spans")
