"""Dated facts of points and meters, as rows; and the readings that they are held against."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact as it was entered, and who withdrew it, if anybody did."""

    id: int
    kind: str
    code: str
    valid_from: datetime
    fact: dict[str, Any]
    created_by: str
    created_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdrawn_reason: str | None


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A reading that holds a number."""

    ts: datetime
    value: float


async def list_facts(
    connection: Connection, site_id: int, *, only_standing: bool = True
) -> list[FactRow]:
    """Return the facts of a site in order of time; those withdrawn too, if wanted."""
    return await fetch_all(connection, FactRow, "meter_fact_list", (site_id, only_standing))


async def add_fact(
    connection: Connection,
    *,
    tenant_id: int,
    site_id: int,
    kind: str,
    code: str,
    valid_from: datetime,
    fact: dict[str, Any],
    actor: str,
) -> FactRow:
    """Keep a fact."""
    values = (tenant_id, site_id, kind, code, valid_from, Jsonb(fact), actor)
    row = await fetch_one(connection, FactRow, "meter_fact_add", values)
    if row is None:
        raise AssertionError("an insert returns its row")
    return row


async def withdraw_fact(
    connection: Connection, *, site_id: int, fact_id: int, actor: str, reason: str
) -> FactRow | None:
    """Withdraw a fact that stands; None if there is none."""
    return await fetch_one(
        connection, FactRow, "meter_fact_withdraw", (site_id, fact_id, actor, reason)
    )


async def end_point(
    connection: Connection, *, site_id: int, code: str, valid_to: datetime | None
) -> None:
    """Write down until when readings of a point are taken in."""
    await connection.execute(query("meter_fact_end_point"), (site_id, code, valid_to))
    await connection.execute(query("ring_plant"))


async def reading_before(
    connection: Connection, *, point_id: int, at: datetime
) -> ReadingRow | None:
    """Return the last reading of a point before an instant."""
    return await fetch_one(connection, ReadingRow, "meter_fact_reading_before", (point_id, at))


async def reading_from(connection: Connection, *, point_id: int, at: datetime) -> ReadingRow | None:
    """Return the first reading of a point from an instant on."""
    return await fetch_one(connection, ReadingRow, "meter_fact_reading_from", (point_id, at))


async def largest_reading(
    connection: Connection, *, point_id: int, start: datetime, end: datetime
) -> ReadingRow | None:
    """Return the largest reading of a point in [start, end)."""
    return await fetch_one(connection, ReadingRow, "meter_fact_largest", (point_id, start, end))
