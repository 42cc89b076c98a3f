"""What became of messages, as people see it: counts, gaps, conflicts, quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.store.pool import Connection
from services.store.rows import fetch_all, fetch_one
from services.store.sql import query

ItemState = Literal["open", "requested", "resolved", "discarded"]


@dataclass(frozen=True, slots=True)
class HourRow:
    """Readings of a gateway in an hour of receipt, by what became of them."""

    hour: datetime
    gateway: str
    gateway_class: str
    received: int
    stored: int
    duplicate: int
    conflict: int
    quarantined: int
    adds_up: bool


@dataclass(frozen=True, slots=True)
class GapRow:
    """Messages that a gateway numbered and the centre has not seen."""

    gateway: str
    epoch: str
    first_seq: int
    last_seq: int
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A second, different value for an instant."""

    point: str
    ts: datetime
    value: float | None
    kept_value: float | None
    received_at: datetime
    reviewed_at: datetime | None
    reviewed_by: str | None


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """A message of which something could not be taken."""

    id: int
    gateway: str | None
    site: str | None
    topic: str
    received_at: datetime
    received_count: int
    payload_bytes: int
    sha256: str
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """A quarantined message, byte for byte."""

    payload: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a quarantined message."""

    item: int
    state: ItemState


async def list_hours(
    connection: Connection,
    *,
    site_id: int,
    start: datetime,
    end: datetime,
    after: tuple[datetime, str],
    limit: int,
) -> list[HourRow]:
    """Return the counts of a site's gateways, by hour and gateway, those after a place."""
    return await fetch_all(
        connection, HourRow, "review_hours", (site_id, start, end, *after, limit)
    )


async def list_gaps(connection: Connection, *, site_id: int, limit: int) -> list[GapRow]:
    """Return the sequence gaps of a site's gateways, the newest first."""
    return await fetch_all(connection, GapRow, "review_gaps", (site_id, limit))


async def list_conflicts(
    connection: Connection, *, site_id: int, reviewed: bool | None, limit: int
) -> list[ConflictRow]:
    """Return the conflicts of a site's points, the newest first."""
    return await fetch_all(connection, ConflictRow, "review_conflicts", (site_id, reviewed, limit))


async def close_conflict(
    connection: Connection, *, point_id: int, ts: datetime, at: datetime, actor: str
) -> int:
    """Mark the conflicts of an instant as reviewed; return how many were not yet."""
    cursor = await connection.execute(query("review_conflict_close"), (point_id, ts, at, actor))
    return cursor.rowcount


async def list_quarantine(
    connection: Connection, *, before_id: int, state: ItemState | None, limit: int
) -> list[QuarantineRow]:
    """Return quarantined messages with an item in a state, the newest first."""
    return await fetch_all(
        connection, QuarantineRow, "review_quarantine", (before_id, state, limit)
    )


async def find_payload(connection: Connection, quarantine_id: int) -> PayloadRow | None:
    """Return a quarantined message, byte for byte."""
    return await fetch_one(connection, PayloadRow, "review_payload", (quarantine_id,))


async def lock_items(connection: Connection, quarantine_id: int) -> list[ItemRow]:
    """Return the items of a message and hold them until the end of the transaction."""
    return await fetch_all(connection, ItemRow, "review_items", (quarantine_id,))


async def set_items(
    connection: Connection,
    *,
    quarantine_id: int,
    items: Sequence[int],
    state: ItemState,
    actor: str,
    at: datetime,
) -> int:
    """Move items that are not settled to a state; return how many."""
    cursor = await connection.execute(
        query("review_set_items"), (quarantine_id, list(items), state, actor, at)
    )
    return cursor.rowcount
