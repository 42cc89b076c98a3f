"""The bounded event log: its numbers are the ids of live streams."""

from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.sql import query

# About a day of a busy site, 30 MB; a reader that was away longer is told to resynchronise.
KEPT_COUNT = 100_000
# `live` events are up to four a second and site, of 5 to 40 kB: a site has 800 of them at most.
LIVE_KEPT = timedelta(minutes=3)


async def add_event(
    connection: Connection,
    *,
    tenant_id: int,
    site_id: int | None,
    kind: str,
    at: datetime,
    payload: object,
) -> None:
    """Append an event and ring the bell when this transaction commits.

    The lock makes the order of numbers the order of commits: a reader that has seen a number has
    seen every lower one.
    """
    await connection.execute(query("lock_events"))
    await connection.execute(query("add_event"), (tenant_id, site_id, kind, at, Jsonb(payload)))
    await connection.execute(query("ring_event"), (str(tenant_id),))


async def trim_events(connection: Connection) -> None:
    """Forget all but the newest events; those of kind `live` do not count."""
    await connection.execute(query("trim_events"), (KEPT_COUNT - 1,))


async def trim_live_events(connection: Connection, *, at: datetime) -> None:
    """Forget the `live` events that are minutes old."""
    await connection.execute(query("trim_live_events"), (at - LIVE_KEPT,))
