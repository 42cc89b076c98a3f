"""Settings of one transaction."""

from services.store.pool import Connection
from services.store.sql import query


async def compute_in_memory(connection: Connection) -> None:
    """Let a transaction group whole weeks of rows in memory, and in one process."""
    await connection.execute(query("compute_in_memory"))
