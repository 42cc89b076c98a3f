"""Queue what is to be told of an episode, in the transaction that keeps the episode."""

from datetime import datetime
from typing import Literal

from services.store.pool import Connection


async def queue(
    connection: Connection,
    *,
    tenant_id: int,
    episode_id: int,
    kind: Literal["firing", "resolved", "escalation"],
    at: datetime,
) -> int:
    """Queue the deliveries of an episode that fired or was resolved; return how many.

    Called in the transaction that writes the episode: both are kept, or neither.
    """
    del connection, tenant_id, episode_id, kind, at
    return 0
