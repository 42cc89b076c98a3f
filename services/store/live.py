"""The event log as readers see it, and the bell that says it grew."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from services.store.pool import Connection, Database
from services.store.rows import fetch_all, fetch_one

_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event of a tenant."""

    seq: int
    kind: str
    at: datetime
    payload: Any
    site: str | None


@dataclass(frozen=True, slots=True)
class EventBounds:
    """A number's place in a tenant's log.

    Attributes
    ----------
    newest : int
        Last number of the log; 0 if it is empty.
    known : bool
        Whether the number is in the log.
    behind : int
        How many events follow it, counted up to a limit.
    """

    newest: int
    known: bool
    behind: int


async def list_events(connection: Connection, *, after_seq: int, limit: int) -> list[EventRow]:
    """Return the first events after a number."""
    return await fetch_all(connection, EventRow, "answer_events", (after_seq, limit))


async def event_bounds(connection: Connection, *, seq: int, count_max: int) -> EventBounds:
    """Return where a number stands in the log of the tenant."""
    row = await fetch_one(connection, EventBounds, "answer_event_bounds", (seq, count_max))
    if row is None:
        raise AssertionError("a select without a table is one row")
    return row


async def bells(database: Database) -> AsyncIterator[int | None]:
    """Yield the tenant of each event as it is committed, for ever.

    None says that the bell could not be heard for a while: any tenant may have news.
    """
    while True:
        try:
            async with database.listen("nengtan_event") as connection:
                yield None
                async for notice in connection.notifies():
                    yield int(notice.payload)
        except (OperationalError, PoolTimeout):
            # The database is away: streams go on when it is back.
            await asyncio.sleep(_RETRY_S)
